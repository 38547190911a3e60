import { ActionIcon, Button, CloseIcon, Group, Input, Stack, TextInput } from '@mantine/core';
import { useState } from 'react';

interface PairsProps {
  label: string;
  description: string;
  error: string | undefined;
  value: unknown;
  onChange: (value: Record<string, string> | undefined) => void;
}

type Pair = readonly [string, string];

/** Names with values. A row without a name is not there yet. */
export function Pairs({ label, description, error, value, onChange }: PairsProps) {
  const [rows, setRows] = useState<readonly Pair[]>(() => Object.entries((value ?? {}) as Record<string, string>));
  const change = (next: readonly Pair[]) => {
    setRows(next);
    const named = next.filter(([name]) => name !== '');
    onChange(named.length === 0 ? undefined : Object.fromEntries(named));
  };
  const put = (index: number, pair: Pair) => change(rows.map((row, at) => (at === index ? pair : row)));
  return (
    <Input.Wrapper label={label} description={description} error={error} labelElement="div">
      <Stack gap="xs" mt={4} role="group" aria-label={label}>
        {rows.map(([name, text], index) => (
          <Group key={index} gap="xs" wrap="nowrap">
            <TextInput
              aria-label={`Name ${index + 1} of ${label}`}
              placeholder="name"
              value={name}
              onChange={(event) => put(index, [event.currentTarget.value, text])}
              flex={1}
            />
            <TextInput
              aria-label={`Value ${index + 1} of ${label}`}
              placeholder="value"
              value={text}
              onChange={(event) => put(index, [name, event.currentTarget.value])}
              flex={1}
            />
            <ActionIcon
              variant="default"
              size={36}
              aria-label={`Remove ${name || 'the empty row'} from ${label}`}
              onClick={() => change(rows.filter((_, at) => at !== index))}
            >
              <CloseIcon size="16" />
            </ActionIcon>
          </Group>
        ))}
        <Button variant="default" size="xs" w="fit-content" onClick={() => change([...rows, ['', '']])}>
          Add to {label}
        </Button>
      </Stack>
    </Input.Wrapper>
  );
}

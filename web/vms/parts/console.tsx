import { Card, Checkbox, Group, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useLayoutEffect, useRef, useState } from 'react';
import { ApiRefusal, answered } from '../../../client/api-client.ts';
import { api } from '../../api/api.ts';
import { Loaded } from '../../parts/loaded.tsx';
import { hasEnded, type Vm } from '../feed/vm-store.ts';

const AGAIN_MS = 2000;
/** There is none: it has not begun, its host is away, or the provider keeps none. */
const NONE = ['consoleUnavailable', 'hostAway'];

/** The last output of the machine, as it comes. */
export function VmConsole({ vm }: { vm: Vm }) {
  const { name } = vm;
  const query = useQuery({
    queryKey: ['console', name, vm.machineId ?? ''],
    queryFn: ({ signal }) => readConsole(name, signal),
    refetchInterval: hasEnded(vm) ? false : AGAIN_MS,
  });
  const [follows, setFollows] = useState(true);
  const text = query.data ?? null;
  const box = useRef<HTMLPreElement>(null);
  useLayoutEffect(() => {
    if (follows && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [follows, text]);
  return (
    <Card withBorder>
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h4">
          Console
        </Title>
        <Checkbox label="Follow" checked={follows} onChange={(event) => setFollows(event.currentTarget.checked)} />
      </Group>
      <Loaded query={query} what="the console">
        {({ output }) =>
          output === null ? (
            <Text c="dimmed">The machine has no console output to show now.</Text>
          ) : (
            <pre
              ref={box}
              className="console"
              tabIndex={0}
              role="log"
              aria-label={`Console of ${name}`}
              aria-live="off"
            >
              {output === '' ? '(nothing yet)' : output}
            </pre>
          )
        }
      </Loaded>
    </Card>
  );
}

async function readConsole(name: string, signal: AbortSignal): Promise<{ output: string | null }> {
  try {
    const answer = await api.GET('/v1/vms/{name}/console', { params: { path: { name } }, parseAs: 'text', signal });
    // A console without a line is an answer without a body.
    if (answer.response.ok) return { output: answer.data ?? '' };
    return { output: await answered(Promise.resolve(answer)) };
  } catch (error) {
    if (error instanceof ApiRefusal && NONE.includes(error.problem?.code ?? '')) return { output: null };
    throw error;
  }
}

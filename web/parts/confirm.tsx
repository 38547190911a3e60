import { Button, Checkbox, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useState, type ReactNode } from 'react';

interface ConfirmProps {
  /** What is done, as a title: `Destroy lobby`. */
  title: string;
  /** What has to be typed. */
  name: string;
  /** What is lost. */
  children: ReactNode;
  /** Asks besides whether to do it though it is refused otherwise; what that means. */
  force?: string;
  onConfirm: (force: boolean) => void;
  onClose: () => void;
}

/** Nothing is taken away by a slip: the name has to be typed. */
export function ConfirmByName({ title, name, children, force, onConfirm, onClose }: ConfirmProps) {
  const [typed, setTyped] = useState('');
  const [isForced, setForced] = useState(false);
  const isRight = typed === name;
  return (
    <Modal opened onClose={onClose} title={title} closeButtonProps={{ 'aria-label': 'Close' }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!isRight) return;
          onConfirm(isForced);
          onClose();
        }}
      >
        <Stack>
          <Text component="div">{children}</Text>
          <TextInput
            label={`Type ${name} to go on`}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            autoComplete="off"
            spellCheck={false}
            data-autofocus
          />
          {force !== undefined && (
            <Checkbox label={force} checked={isForced} onChange={(event) => setForced(event.currentTarget.checked)} />
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Keep it
            </Button>
            <Button type="submit" color="red.9" disabled={!isRight}>
              {title}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

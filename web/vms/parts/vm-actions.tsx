import { Button, Group, Modal, NumberInput, Stack } from '@mantine/core';
import { useState } from 'react';
import { ConfirmByName } from '../../parts/confirm.tsx';
import { useMay } from '../../session/session.ts';
import type { Vm } from '../feed/vm-store.ts';
import { useVmAction, type VmAction } from './use-vm-action.ts';

const LABELS: Record<VmAction, string> = {
  drain: 'Drain',
  undrain: 'Undrain',
  hold: 'Hold',
  setConnections: 'Set count',
  stop: 'Stop',
  start: 'Start',
  suspend: 'Suspend',
  resume: 'Resume',
  snapshot: 'Snapshot',
  close: 'Close',
  destroy: 'Destroy',
};
/** What users of the VM, or what is in it, may be lost by. */
const LOSSES: Partial<Record<VmAction, string>> = {
  destroy: 'The VM ends for all who use it, and its machine and disk are removed.',
  stop: 'Memory and connections are lost; the disk stays.',
  close: 'Its disk is kept as an image, and the VM ends. A reopen brings it back.',
};
/** What is asked for a number first. */
const NUMBERS = {
  hold: { label: 'Seconds to keep it though it is empty; 0 releases a hold', first: 600, key: 'seconds' },
  setConnections: { label: 'How many use it now', first: 0, key: 'connections' },
} as const;

/** What the API offers to do with the VM, to this role and in this state; nothing else. */
export function VmActions({ vm }: { vm: Vm }) {
  const { mutate, isPending } = useVmAction(vm.name);
  const [asked, setAsked] = useState<VmAction | null>(null);
  const isAdmin = useMay('admin');
  const close = () => setAsked(null);
  const begin = (action: VmAction) => {
    if (action in LOSSES || action in NUMBERS) setAsked(action);
    else mutate({ action });
  };
  const loss = asked === null ? undefined : LOSSES[asked];
  const inUse = (vm.connections ?? 0) > 0;
  return (
    <Group gap="xs" role="group" aria-label={`Actions of ${vm.name}`}>
      {vm.can.map((action) => (
        <Button
          key={action}
          size="xs"
          variant={action === 'destroy' ? 'outline' : 'default'}
          color={action === 'destroy' ? 'red' : undefined}
          className={action === 'destroy' ? 'danger' : undefined}
          disabled={isPending}
          onClick={() => begin(action)}
        >
          {LABELS[action]}
        </Button>
      ))}
      {asked !== null && loss !== undefined && (
        <ConfirmByName
          title={`${LABELS[asked]} ${vm.name}`}
          name={vm.name}
          force={forceText(asked, inUse, isAdmin)}
          onConfirm={(force) => mutate({ action: asked, force })}
          onClose={close}
        >
          {inUse ? `${vm.connections ?? 0} are connected now. ` : ''}
          {loss}
        </ConfirmByName>
      )}
      {(asked === 'hold' || asked === 'setConnections') && (
        <AskNumber
          title={`${LABELS[asked]}: ${vm.name}`}
          {...NUMBERS[asked]}
          onDone={(value) => mutate({ action: asked, [NUMBERS[asked].key]: value })}
          onClose={close}
        />
      )}
    </Group>
  );
}

function forceText(action: VmAction, inUse: boolean, isAdmin: boolean): string | undefined {
  if (action !== 'destroy') return inUse ? 'Though it is in use: cut its users off' : undefined;
  return isAdmin ? 'Free its name even if its machine cannot be destroyed' : undefined;
}

interface AskNumberProps {
  title: string;
  label: string;
  first: number;
  onDone: (value: number) => void;
  onClose: () => void;
}

function AskNumber({ title, label, first, onDone, onClose }: AskNumberProps) {
  const [value, setValue] = useState<number | string>(first);
  return (
    <Modal opened onClose={onClose} title={title} closeButtonProps={{ 'aria-label': 'Close' }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (typeof value !== 'number') return;
          onDone(value);
          onClose();
        }}
      >
        <Stack>
          <NumberInput label={label} value={value} onChange={setValue} min={0} allowDecimal={false} data-autofocus />
          <Group justify="flex-end">
            <Button type="submit" disabled={typeof value !== 'number'}>
              Do it
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

import { Button, Group, Modal, NumberInput, Select, Stack, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { answered } from '../../client/api-client.ts';
import type { components } from '../../client/api-types.ts';
import { api } from '../api/api.ts';
import { Badge, StateBadge } from '../parts/badge.tsx';
import { DestroyButton } from '../parts/destroy-button.tsx';
import { Loaded } from '../parts/loaded.tsx';
import { Page } from '../parts/page.tsx';
import { Rows, type Column } from '../parts/rows.tsx';
import { ShownOnce } from '../parts/secret.tsx';
import { Ago, Until } from '../parts/time.tsx';
import { useChange } from '../parts/use-change.ts';

type Key = components['schemas']['Key'];
type MadeKey = components['schemas']['MadeKey'];
type Role = Key['role'];

const AGAIN_MS = 5000;
const DAY_MS = 24 * 3600 * 1000;
/** In which programs that have the old key get the new one. */
const OVERLAP_SECONDS = 3600;

const COLUMNS: readonly Column<Key>[] = [
  {
    label: 'Key',
    cell: ({ id, lastFour, isCaller }) => (
      <Group gap={6}>
        <span className="mono">
          {id}
          {lastFour !== undefined && ` …${lastFour}`}
        </span>
        {isCaller && <Badge tone="quiet">yours</Badge>}
      </Group>
    ),
  },
  { label: 'Label', cell: ({ label }) => label ?? '–' },
  { label: 'Project', cell: ({ project }) => project },
  { label: 'Role', cell: ({ role }) => role },
  { label: 'State', cell: ({ state }) => <StateBadge state={state} /> },
  { label: 'Made', cell: ({ createdAt }) => <Ago at={createdAt} suffix=" ago" /> },
  { label: 'Ends', cell: ({ expiresAt, revokedAt }) => <End at={revokedAt ?? expiresAt} /> },
];

function End({ at }: { at: string | undefined }) {
  return at === undefined ? 'never' : <Until at={at} />;
}

/** Who may use the API, and as what. A key is shown once, when it is made. */
export function KeysPage() {
  const [made, setMade] = useState<MadeKey | null>(null);
  const [isMaking, setMaking] = useState(false);
  const query = useQuery({
    queryKey: ['keys'],
    queryFn: ({ signal }) => answered(api.GET('/v1/keys', { signal })),
    refetchInterval: AGAIN_MS,
  });
  const rotate = useChange({
    ask: async (id: string) => {
      const body = { overlapSeconds: OVERLAP_SECONDS };
      setMade(await answered(api.POST('/v1/keys/{id}/rotate', { params: { path: { id } }, body })));
    },
    done: (id) => `${id} has a successor, and ends in an hour`,
    shownBy: ['keys'],
  });
  const revoke = useChange({
    ask: ({ id, force }: { id: string; force: boolean }) =>
      answered(api.DELETE('/v1/keys/{id}', { params: { path: { id }, query: force ? { force } : {} } })),
    done: ({ id }) => `${id} is revoked`,
    shownBy: ['keys'],
  });
  const actions: Column<Key> = {
    label: 'Actions',
    cell: ({ id, state }) =>
      state !== 'good' ? (
        '–'
      ) : (
        <Group gap={6}>
          <Button size="xs" variant="default" onClick={() => rotate.mutate(id)} loading={rotate.isPending}>
            Rotate
            <span className="unseen"> {id}</span>
          </Button>
          <DestroyButton
            verb="Revoke"
            name={id}
            force="Though it is the last key of an administrator"
            onConfirm={(force) => revoke.mutate({ id, force })}
          >
            Whoever has it is refused within a second, and so is every browser that signed in with it.
          </DestroyButton>
        </Group>
      ),
  };
  return (
    <Page
      title="Keys"
      about="Who may use the API, and as what."
      actions={<Button onClick={() => setMaking(true)}>Make a key</Button>}
    >
      {made !== null && <ShownOnce title={`The key ${made.id}`} text={made.key} onClose={() => setMade(null)} />}
      {isMaking && <MakeKey onMade={setMade} onClose={() => setMaking(false)} />}
      <Loaded query={query} what="the keys">
        {({ keys }) => <Rows caption="API keys" columns={[...COLUMNS, actions]} rows={keys} keyOf={({ id }) => id} />}
      </Loaded>
    </Page>
  );
}

interface MakeKeyProps {
  onMade: (key: MadeKey) => void;
  onClose: () => void;
}

function MakeKey({ onMade, onClose }: MakeKeyProps) {
  const [project, setProject] = useState('default');
  const [role, setRole] = useState<Role>('operator');
  const [label, setLabel] = useState('');
  const [days, setDays] = useState<number | string>('');
  const make = useChange({
    ask: async () => {
      const expiresAt = typeof days === 'number' ? new Date(Date.now() + days * DAY_MS).toISOString() : undefined;
      const body = { project, role, ...(label === '' ? {} : { label }), ...(expiresAt ? { expiresAt } : {}) };
      onMade(await answered(api.POST('/v1/keys', { body })));
      onClose();
    },
    done: () => 'A key was made',
    shownBy: ['keys'],
  });
  return (
    <Modal opened onClose={onClose} title="Make a key" closeButtonProps={{ 'aria-label': 'Close' }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          make.mutate(undefined);
        }}
      >
        <Stack>
          <TextInput
            label="Project"
            value={project}
            onChange={(event) => setProject(event.currentTarget.value)}
            data-autofocus
          />
          <Select
            label="Role"
            data={['viewer', 'operator', 'admin']}
            value={role}
            onChange={(next) => next !== null && setRole(next)}
            allowDeselect={false}
          />
          <TextInput
            label="Label"
            description="What it is for."
            value={label}
            onChange={(event) => setLabel(event.currentTarget.value)}
          />
          <NumberInput label="Days until it ends" placeholder="never" value={days} onChange={setDays} min={1} />
          <Group justify="flex-end">
            <Button type="submit" loading={make.isPending}>
              Make it
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

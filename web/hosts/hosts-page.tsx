import { Button, Group, Progress, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { answered } from '../../client/api-client.ts';
import type { components } from '../../client/api-types.ts';
import { api } from '../api/api.ts';
import { StateBadge } from '../parts/badge.tsx';
import { DestroyButton } from '../parts/destroy-button.tsx';
import { Loaded, Nothing } from '../parts/loaded.tsx';
import { Page } from '../parts/page.tsx';
import { Rows, type Column } from '../parts/rows.tsx';
import { ShownOnce } from '../parts/secret.tsx';
import { Ago, Until } from '../parts/time.tsx';
import { useChange } from '../parts/use-change.ts';
import { useMay } from '../session/session.ts';

type Host = components['schemas']['Host'];
type HostAction = 'cordon' | 'uncordon' | 'drain' | 'remove';

const AGAIN_MS = 3000;
const VERBS: Record<HostAction, string> = { cordon: 'Cordon', uncordon: 'Uncordon', drain: 'Drain', remove: 'Remove' };
const SIZES = [
  ['cpus', 'cpus', ''],
  ['memoryMb', 'memory', ' MB'],
  ['diskGb', 'disk', ' GB'],
] as const;

const COLUMNS: readonly Column<Host>[] = [
  { label: 'Host', cell: ({ id }) => <strong>{id}</strong> },
  {
    label: 'State',
    cell: ({ state, lostAt }) => (
      <Stack gap={2} align="flex-start">
        <StateBadge state={state} />
        {lostAt !== undefined && (
          <Text size="sm">
            lost <Until at={lostAt} />
          </Text>
        )}
      </Stack>
    ),
  },
  { label: 'Room', cell: (host) => <Room host={host} /> },
  { label: 'Machines', cell: ({ machines }) => machines },
  { label: 'Providers', cell: ({ provider }) => provider.join(', ') },
  { label: 'Zone', cell: ({ zone }) => zone ?? '–' },
  { label: 'Version', cell: ({ version }) => version },
  { label: 'Seen', cell: ({ lastSeenAt }) => <Ago at={lastSeenAt} suffix=" ago" /> },
];

/** The computers that run machines, and what room they have. */
export function HostsPage() {
  const isAdmin = useMay('admin');
  const query = useQuery({
    queryKey: ['hosts'],
    queryFn: ({ signal }) => answered(api.GET('/v1/hosts', { signal })),
    refetchInterval: AGAIN_MS,
  });
  const change = useChange({
    ask: ({ id, action }: { id: string; action: HostAction }) => ask(id, action),
    done: ({ id, action }) => `${id}: ${action} is done`,
    shownBy: ['hosts'],
  });
  const actions: Column<Host> = {
    label: 'Actions',
    cell: ({ id, state }) => (
      <Group gap={6}>
        {offered(state).map((action) => (
          <Button key={action} size="xs" variant="default" onClick={() => change.mutate({ id, action })}>
            {VERBS[action]}
            <span className="unseen"> {id}</span>
          </Button>
        ))}
        <DestroyButton verb="Remove" name={id} onConfirm={() => change.mutate({ id, action: 'remove' })}>
          It is forgotten, and has to join again. VMs that are on it count as lost.
        </DestroyButton>
      </Group>
    ),
  };
  return (
    <Page title="Hosts" about="Computers that run machines." actions={isAdmin && <Join />}>
      <Loaded query={query} what="the hosts">
        {({ hosts }) =>
          hosts.length === 0 ? (
            <Nothing title="There is no host">Machines of clouds need none; others wait until one joins.</Nothing>
          ) : (
            <Rows
              caption="Hosts"
              columns={isAdmin ? [...COLUMNS, actions] : COLUMNS}
              rows={hosts}
              keyOf={({ id }) => id}
            />
          )
        }
      </Loaded>
    </Page>
  );
}

/** A drain can be taken back by letting creates in again. */
function offered(state: Host['state']): HostAction[] {
  if (state === 'ready') return ['cordon', 'drain'];
  if (state === 'cordoned') return ['uncordon', 'drain'];
  return state === 'draining' ? ['uncordon'] : [];
}

function ask(id: string, action: HostAction): Promise<unknown> {
  const params = { path: { id } };
  if (action === 'remove') return answered(api.DELETE('/v1/hosts/{id}', { params }));
  if (action === 'cordon') return answered(api.POST('/v1/hosts/{id}/cordon', { params }));
  if (action === 'uncordon') return answered(api.POST('/v1/hosts/{id}/uncordon', { params }));
  return answered(api.POST('/v1/hosts/{id}/drain', { params }));
}

function Room({ host: { id, capacity, free } }: { host: Host }) {
  return (
    <Stack gap={4} miw={160}>
      {SIZES.map(([key, label, unit]) => {
        const [all, left] = [capacity[key], free[key]];
        const text = `${left} of ${all}${unit} ${label} free`;
        return (
          <div key={key}>
            <Text size="sm">{text}</Text>
            <Progress
              value={all === 0 ? 0 : ((all - left) / all) * 100}
              size="sm"
              aria-label={`${id}: ${text}`}
              color={left / Math.max(1, all) < 0.1 ? 'orange.8' : 'cyan.8'}
            />
          </div>
        );
      })}
    </Stack>
  );
}

function Join() {
  const [command, setCommand] = useState<string | null>(null);
  const make = useChange({
    ask: async () => setCommand((await answered(api.POST('/v1/hosts/join-tokens'))).command),
    done: () => 'A token was made, good for 15 minutes and one host',
    shownBy: ['hosts'],
  });
  if (command === null) {
    return (
      <Button onClick={() => make.mutate(undefined)} loading={make.isPending}>
        Add a host
      </Button>
    );
  }
  return <ShownOnce title="Run this on the new host" text={command} onClose={() => setCommand(null)} />;
}

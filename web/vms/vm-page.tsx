import { Alert, Anchor, Button, Card, Code, Grid, Group, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { Link, useParams } from 'react-router';
import { ApiRefusal, answered } from '../../client/api-client.ts';
import { api } from '../api/api.ts';
import { words } from '../parts/badge.tsx';
import { OutsideIcon } from '../parts/icons.tsx';
import { FactList } from '../parts/fact-list.tsx';
import { Loaded, Nothing } from '../parts/loaded.tsx';
import { Page } from '../parts/page.tsx';
import { Ago, Until } from '../parts/time.tsx';
import { useVmStore } from './feed/vm-feed-context.tsx';
import { hasEnded, type Vm } from './feed/vm-store.ts';
import { VmConsole } from './parts/console.tsx';
import { VmStory } from './parts/timeline.tsx';
import { VmActions } from './parts/vm-actions.tsx';
import { VmState, why } from './table/vm-cells.tsx';

const AGAIN_MS = 1000;

/** One VM: what it is, why it lives, what became of it, and what can be done with it. */
export function VmPage() {
  const { name = '' } = useParams();
  const store = useVmStore();
  const query = useQuery({
    queryKey: ['vm', name],
    queryFn: ({ signal }) => answered(api.GET('/v1/vms/{name}', { params: { path: { name } }, signal })),
    refetchInterval: ({ state: { data } }) => (data !== undefined && hasEnded(data) ? AGAIN_MS * 5 : AGAIN_MS),
    placeholderData: store.get(name),
  });
  const vm = query.data;
  useEffect(() => {
    if (vm !== undefined) store.see([vm]);
  }, [store, vm]);
  if (query.error instanceof ApiRefusal && query.error.status === 404) return <Unknown name={name} />;
  return (
    <Page
      title={name}
      about={vm === undefined ? undefined : <Headline vm={vm} />}
      actions={vm === undefined ? undefined : <VmActions vm={vm} />}
    >
      <Loaded query={query} what={name}>
        {(vm) => (
          <Grid>
            <Grid.Col span={{ base: 12, md: 5 }}>
              <Stack>
                <Facts vm={vm} />
                <VmConsole vm={vm} />
              </Stack>
            </Grid.Col>
            <Grid.Col span={{ base: 12, md: 7 }}>
              <VmStory vm={vm} />
            </Grid.Col>
          </Grid>
        )}
      </Loaded>
    </Page>
  );
}

function Headline({ vm }: { vm: Vm }) {
  return (
    <Stack gap={4}>
      <Group gap="sm" aria-live="polite">
        <VmState vm={vm} />
        <Text span>{hasEnded(vm) ? `ended: ${why(vm)}` : `alive: ${why(vm)}`}</Text>
      </Group>
      {vm.detail !== undefined && <Text size="sm">{vm.detail}</Text>}
      {vm.newerVersion !== undefined && (
        <Alert color="blue" p="xs" variant="outline">
          Version {vm.newerVersion} of its template serves; this one makes room once it is empty.
        </Alert>
      )}
    </Stack>
  );
}

function Facts({ vm }: { vm: Vm }) {
  const facts: [string, React.ReactNode][] = [
    ['Connections', vm.connections ?? 'nobody ever counted'],
    ['Age', <Ago key="age" at={vm.createdAt} />],
    ['Ready', <Ago key="ready" at={vm.readyAt} suffix=" ago" />],
    ['Next deadline', <Deadline key="deadline" vm={vm} />],
    ['Address', <Address key="address" vm={vm} />],
    ['Template', vm.template === undefined ? 'none' : `${vm.template.name}@${vm.template.version}`],
    [
      'Machine',
      <span key="machine" className="mono">
        {vm.machineId ?? 'not made yet'}
      </span>,
    ],
    ['Where', [vm.provider, vm.host ?? vm.zone].filter(Boolean).join(', ')],
    ['Size', `${vm.spec.cpus} ${vm.spec.cpus === 1 ? 'cpu' : 'cpus'}, ${vm.spec.memoryMb} MB`],
    ['Started from', vm.startedFrom ?? 'new'],
    ['Made by', vm.createdBy ?? 'unknown'],
    ...(vm.holdUntil === undefined
      ? []
      : [['Held', <Until key="hold" at={vm.holdUntil} />] as [string, React.ReactNode]]),
  ];
  const labels = Object.entries(vm.labels);
  return (
    <Card withBorder>
      <Title order={2} size="h4" mb="xs">
        Facts
      </Title>
      <FactList facts={facts} />
      {labels.length > 0 && (
        <Group gap={6} mt="sm">
          {labels.map(([key, value]) => (
            <Code key={key}>
              {key}={value}
            </Code>
          ))}
        </Group>
      )}
      {vm.temporalUiUrl !== undefined && (
        <Anchor href={vm.temporalUiUrl} target="_blank" rel="noopener noreferrer" mt="sm">
          Its workflow in the Temporal Web UI <OutsideIcon />
        </Anchor>
      )}
    </Card>
  );
}

function Deadline({ vm: { nextDeadline } }: { vm: Vm }) {
  if (nextDeadline === undefined) return 'none: nothing happens by itself';
  return (
    <>
      {words(nextDeadline.kind)} <Until at={nextDeadline.at} />
      {nextDeadline.detail !== undefined && `: ${nextDeadline.detail}`}
    </>
  );
}

/** Browsers open TCP ports; what they cannot open says so itself. */
function Address({ vm: { address } }: { vm: Vm }) {
  if (address === undefined) return 'none yet';
  return (
    <Stack gap={2}>
      <span className="mono">{address.ip}</span>
      <Group gap="xs">
        {address.ports.map(({ name, port, protocol }) =>
          protocol === 'tcp' ? (
            <Anchor key={name} href={`http://${host(address.ip)}:${port}/`} target="_blank" rel="noopener noreferrer">
              {name} {port} <OutsideIcon />
            </Anchor>
          ) : (
            <span key={name}>
              {name} {port}/udp
            </span>
          ),
        )}
      </Group>
      <Text size="sm" c="dimmed">
        reached from: {address.reach}
      </Text>
    </Stack>
  );
}

function host(ip: string): string {
  return ip.includes(':') ? `[${ip}]` : ip;
}

function Unknown({ name }: { name: string }) {
  return (
    <Page title={name}>
      <Nothing
        title={`There is no VM ${name}`}
        action={
          <Button component={Link} to="/vms">
            To the VMs
          </Button>
        }
      >
        It never was in this project, or it ended so long ago that Temporal has forgotten it.
      </Nothing>
    </Page>
  );
}

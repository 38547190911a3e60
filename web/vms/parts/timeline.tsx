import { Card, Stack, Text, Timeline, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { components } from '../../../client/api-types.ts';
import { answered } from '../../../client/api-client.ts';
import { api } from '../../api/api.ts';
import { words } from '../../parts/badge.tsx';
import { Chart } from '../../parts/chart.tsx';
import { durationText } from '../../parts/duration.ts';
import { Loaded, Nothing } from '../../parts/loaded.tsx';
import { Ago, useNow } from '../../parts/time.tsx';
import { hasEnded, type Vm } from '../feed/vm-store.ts';
import { connectionSteps, phasesOf } from './phases.ts';

type Entry = components['schemas']['TimelineEntry'];

const AGAIN_MS = 1500;
const WIDTH = 640;
const BAR = 26;

/** What happened to a VM and why, drawn to scale and in words, and how many used it. */
export function VmStory({ vm }: { vm: Vm }) {
  const { name } = vm;
  const query = useQuery({
    queryKey: ['timeline', name, vm.uid],
    queryFn: ({ signal }) => answered(api.GET('/v1/vms/{name}/timeline', { params: { path: { name } }, signal })),
    refetchInterval: hasEnded(vm) ? false : AGAIN_MS,
  });
  return (
    <Loaded query={query} what="its story">
      {({ events }) =>
        events.length === 0 ? (
          <Nothing title="Nothing has happened yet" />
        ) : (
          <Stack>
            <Drawn vm={vm} events={events} />
            <Told events={events} />
          </Stack>
        )
      }
    </Loaded>
  );
}

function Drawn({ vm, events }: { vm: Vm; events: readonly Entry[] }) {
  const now = useNow();
  const to = vm.endedAt === undefined ? Math.max(now, Date.parse(events.at(-1)?.at ?? '')) : Date.parse(vm.endedAt);
  const phases = phasesOf(events, to);
  const from = phases[0]?.from ?? to;
  const scale = WIDTH / Math.max(1, to - from);
  const said = phases.map(({ state, from, to }) => `${words(state)} for ${durationText(to - from)}`).join(', ');
  return (
    <Card withBorder>
      <Title order={2} size="h4" mb="xs">
        States
      </Title>
      <svg
        className="chart"
        viewBox={`0 0 ${WIDTH} ${BAR + 18}`}
        width="100%"
        role="img"
        aria-label={`States: ${said}.`}
      >
        {phases.map(({ state, from: begin, to: end }) => (
          <g key={begin} className="phase" data-state={state}>
            <rect x={(begin - from) * scale} width={Math.max(2, (end - begin) * scale)} height={BAR} rx="3">
              <title>{`${words(state)}, ${durationText(end - begin)}`}</title>
            </rect>
            {(end - begin) * scale > 70 && (
              <text x={(begin - from) * scale + 8} y={BAR / 2 + 4} className="phase-name">
                {words(state)}
              </text>
            )}
          </g>
        ))}
        <text x="0" y={BAR + 14}>
          {durationText(to - from)} ago
        </text>
        <text x={WIDTH} y={BAR + 14} textAnchor="end">
          {vm.endedAt === undefined ? 'now' : 'ended'}
        </text>
      </svg>
      <Title order={2} size="h4" mt="md" mb="xs">
        Connections
      </Title>
      <Chart
        title="Connections"
        lines={[{ label: 'connections', steps: connectionSteps(events), color: 'light-dark(#0b7285, #66d9e8)' }]}
        from={from}
        to={to}
      />
    </Card>
  );
}

function Told({ events }: { events: readonly Entry[] }) {
  return (
    <Card withBorder>
      <Title order={2} size="h4" mb="md">
        What happened
      </Title>
      <Timeline bulletSize={14} lineWidth={2}>
        {[...events].reverse().map(({ number, at, kind, state, reason, detail }) => (
          <Timeline.Item
            key={number}
            title={kind === 'state' ? words(state) : words(kind)}
            bullet={<span className="dot" data-state={state} />}
          >
            <Text size="sm">
              {reason !== undefined && <strong>{words(reason)}</strong>}
              {reason !== undefined && detail !== undefined && ': '}
              {detail}
            </Text>
            <Text size="sm" c="dimmed">
              {new Date(at).toLocaleTimeString()}, <Ago at={at} suffix=" ago" />
            </Text>
          </Timeline.Item>
        ))}
      </Timeline>
    </Card>
  );
}

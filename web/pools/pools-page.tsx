import { Card, Group, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'react-router';
import { answered } from '../../client/api-client.ts';
import type { components } from '../../client/api-types.ts';
import { api } from '../api/api.ts';
import { Badge } from '../parts/badge.tsx';
import { Chart } from '../parts/chart.tsx';
import { Loaded, Nothing } from '../parts/loaded.tsx';
import { Page } from '../parts/page.tsx';
import { Until, useNow } from '../parts/time.tsx';

type Pool = components['schemas']['Pool'];
type History = components['schemas']['PoolHistory'];

const AGAIN_MS = 2000;
const HISTORY_AGAIN_MS = 30_000;

/** Warm machines, now and over the last hours. */
export function PoolsPage() {
  const query = useQuery({
    queryKey: ['pools'],
    queryFn: ({ signal }) => answered(api.GET('/v1/pools', { signal })),
    refetchInterval: AGAIN_MS,
  });
  return (
    <Page title="Pools" about="Machines that were made before anybody asked.">
      <Loaded query={query} what="the pools">
        {({ pools }) =>
          pools.length === 0 ? (
            <Nothing title="No template has warm machines">
              Give one a `warm` with `min` and `max`, and its creates need not wait for a boot.
            </Nothing>
          ) : (
            <Stack>
              {pools.map((pool) => (
                <OnePool key={pool.template} pool={pool} />
              ))}
            </Stack>
          )
        }
      </Loaded>
    </Page>
  );
}

function OnePool({ pool }: { pool: Pool }) {
  const { template, version, min, max, ready, inFlight, desired, claimed, missed, failed, waitsFor, nextLimits } = pool;
  const numbers: [string, number][] = [
    ['ready', ready],
    ['wanted', desired],
    ['being made', inFlight],
    ['claimed', claimed],
    ['missed', missed],
    ['failed', failed],
  ];
  return (
    <Card withBorder component="section" aria-label={`Pool of ${template}`}>
      <Group justify="space-between">
        <Title order={2} size="h4">
          <Link to={`/templates/${template}`}>{template}</Link>
          {version !== null && `@${version}`}
        </Title>
        {pool.paused ? <Badge tone="warning">paused</Badge> : <Badge tone="quiet">{`${min} to ${max}`}</Badge>}
      </Group>
      <Group gap="xl" my="sm">
        {numbers.map(([label, value]) => (
          <div key={label}>
            <Text fw={700} size="xl">
              {value}
            </Text>
            <Text size="sm" c="dimmed">
              {label}
            </Text>
          </div>
        ))}
      </Group>
      {waitsFor !== null && <Text size="sm">Waits for: {waitsFor}</Text>}
      {nextLimits !== undefined && (
        <Text size="sm" c="dimmed">
          {nextLimits.min} to {nextLimits.max} <Until at={nextLimits.at} />
        </Text>
      )}
      <OverTime template={template} />
    </Card>
  );
}

function OverTime({ template }: { template: string }) {
  const query = useQuery({
    queryKey: ['pools', template, 'history'],
    queryFn: ({ signal }) =>
      answered(api.GET('/v1/pools/{template}/history', { params: { path: { template } }, signal })),
    refetchInterval: HISTORY_AGAIN_MS,
  });
  return (
    <Loaded query={query} what={`how ${template} went`}>
      {(history) => <Drawn history={history} />}
    </Loaded>
  );
}

function Drawn({ history: { template, since, samples } }: { history: History }) {
  const now = useNow();
  const [first] = samples;
  const last = samples.at(-1);
  if (first === undefined || last === undefined) return <Text c="dimmed">Nothing has changed yet.</Text>;
  const steps = (of: 'ready' | 'desired' | 'inFlight') =>
    samples.map((sample) => ({ at: Date.parse(sample.at), value: sample[of] }));
  const from = Math.min(Date.parse(since ?? first.at), Date.parse(first.at));
  return (
    <Chart
      title={`Machines of ${template}`}
      from={from}
      to={Math.max(now, Date.parse(last.at))}
      lines={[
        { label: 'ready', steps: steps('ready'), color: 'light-dark(#2b8a3e, #69db7c)' },
        { label: 'wanted', steps: steps('desired'), color: 'light-dark(#495057, #ced4da)', dashed: true },
        { label: 'being made', steps: steps('inFlight'), color: 'light-dark(#1864ab, #74c0fc)' },
      ]}
    />
  );
}

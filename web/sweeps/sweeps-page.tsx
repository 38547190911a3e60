import { Card, Group, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { answered } from '../../client/api-client.ts';
import type { components } from '../../client/api-types.ts';
import { api } from '../api/api.ts';
import { Badge, StateBadge, words, type Tone } from '../parts/badge.tsx';
import { Loaded, Nothing } from '../parts/loaded.tsx';
import { Page } from '../parts/page.tsx';
import { Rows, type Column } from '../parts/rows.tsx';
import { Ago } from '../parts/time.tsx';

type Run = components['schemas']['SweepRunList']['runs'][number];
type Finding = Run['reports'][number]['machines'][number];

const AGAIN_MS = 15_000;
const VERDICTS: Partial<Record<Finding['verdict'], Tone>> = {
  orphan: 'bad',
  unattributed: 'warning',
  unknown: 'warning',
};

const COLUMNS: readonly Column<Finding>[] = [
  { label: 'Machine', cell: ({ machineId }) => <span className="mono">{machineId}</span> },
  { label: 'Provider', cell: ({ provider }) => provider },
  { label: 'Made for', cell: ({ project, vm, owner }) => (project === '' ? (owner ?? vm) : `${project}/${vm}`) },
  { label: 'Whose', cell: ({ verdict }) => <Badge tone={VERDICTS[verdict] ?? 'quiet'}>{words(verdict)}</Badge> },
  { label: 'Done', cell: ({ action }) => words(action) },
];

/** What the sweeper found that belongs to nobody, and what it did about it. */
export function SweepsPage() {
  const query = useQuery({
    queryKey: ['sweeps'],
    queryFn: ({ signal }) => answered(api.GET('/v1/sweep/findings', { signal })),
    refetchInterval: AGAIN_MS,
  });
  return (
    <Page title="Sweeps" about="What was found that belongs to nobody, and what was done about it.">
      <Loaded query={query} what="the sweeps">
        {({ runs }) => (runs.length === 0 ? <Nothing title="No sweep has run yet" /> : <Runs runs={runs} />)}
      </Loaded>
    </Page>
  );
}

function Runs({ runs }: { runs: readonly Run[] }) {
  const found = runs.filter((run) => findings(run).length > 0 || run.reports.some(({ lost }) => lost.length > 0));
  const bad = runs.filter(({ state }) => state !== 'completed' && state !== 'running');
  const [latest] = runs;
  return (
    <Stack>
      <Text>
        {runs.length} sweeps, the latest {latest !== undefined && <Ago at={latest.startedAt} suffix=" ago" />};{' '}
        {found.length} found something, {bad.length} did not get through.
      </Text>
      {found.length === 0 && bad.length === 0 && (
        <Nothing title="Every machine had its owner">Nothing was left behind in the sweeps that are known.</Nothing>
      )}
      {[...new Set([...found, ...bad])].map((run) => (
        <OneRun key={run.runId} run={run} />
      ))}
    </Stack>
  );
}

function findings({ reports }: Run): Finding[] {
  return reports.flatMap(({ machines }) => machines);
}

function OneRun({ run }: { run: Run }) {
  const machines = findings(run);
  const lost = run.reports.flatMap((report) => report.lost);
  return (
    <Card withBorder>
      <Group gap="sm" mb="xs">
        <Title order={2} size="h5">
          <Ago at={run.startedAt} suffix=" ago" />
        </Title>
        <StateBadge state={run.state} />
      </Group>
      {machines.length > 0 && (
        <Rows caption="Machines" columns={COLUMNS} rows={machines} keyOf={({ machineId }) => machineId} />
      )}
      {lost.map(({ workflowId, machineId, action }) => (
        <Text key={machineId} size="sm">
          {workflowId}: its machine {machineId} is gone ({words(action)})
        </Text>
      ))}
    </Card>
  );
}

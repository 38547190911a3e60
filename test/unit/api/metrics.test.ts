import { describe, expect, it } from 'vitest';
import { ApiMetrics, MOST_TEMPLATES, vmSamples } from '../../../api/metrics/api-metrics.ts';
import { LiveCounts } from '../../../api/projection/live-counts.ts';
import type { VmRecord } from '../../../api/vms/seen/vm-record.ts';
import type { MachineProvider } from '../../../domain/machine/provider.ts';
import { METRICS, type MetricDefinition } from '../../../domain/metrics.ts';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import type { SweepReport } from '../../../domain/machine/sweep.ts';
import { MetricRegistry } from '../../../telemetry/metric-registry.ts';
import { measuredProvider, providerObserver } from '../../../worker/metrics/measured-provider.ts';
import { measuredSweeps, sweepObserver } from '../../../worker/metrics/measured-sweeps.ts';
import { metricsOf, readMetrics } from '../../../test-support/metrics-text.ts';

const definitions = Object.entries(METRICS as Record<string, MetricDefinition>);

async function seriesOf(registry: MetricRegistry, name: string): Promise<Record<string, number>> {
  const series = readMetrics(await registry.text()).get(name)?.series ?? [];
  return Object.fromEntries(series.map(({ labels, value }) => [Object.values(labels).join(' '), value]));
}

describe('the names of metrics', () => {
  it('follow the conventions of Prometheus: base units last, _total for counters alone', () => {
    for (const [name, { kind }] of definitions) {
      expect(name).toMatch(/^ephemera_[a-z]+(_[a-z]+)*$/);
      expect(name.endsWith('_total'), name).toBe(kind === 'counter');
      if (kind === 'histogram') expect(name).toMatch(/_seconds$/);
      expect(name).not.toMatch(/_(ms|mb|gb|milliseconds|minutes|hours)(_|$)/);
      expect(name).not.toMatch(/_(bucket|sum|count)$/);
    }
  });

  it('never carry what has no bound: no VM, machine, key, project or host', () => {
    const bounded = ['state', 'template', 'provider', 'method', 'route', 'status', 'waited', 'code', 'transport'];
    for (const [name, { labels }] of definitions) {
      for (const label of labels)
        expect([...bounded, 'reason', 'operation', 'outcome', 'kind', 'direction', 'how'], name).toContain(label);
    }
  });

  it('have buckets in ascending order', () => {
    for (const [name, definition] of definitions) {
      if (definition.kind !== 'histogram') continue;
      expect(
        [...definition.bucketsSeconds].sort((a, b) => a - b),
        name,
      ).toEqual(definition.bucketsSeconds);
    }
  });
});

describe('live VMs', () => {
  const vm = (view: { state?: string; template?: string | null; health?: string }, closed = false): VmRecord => {
    const { state = 'running', template = 'chat', health = 'ok' } = view;
    const shown = { state, health, provider: 'local', ...(template === null ? {} : { template: { name: template } }) };
    return { closed, view: shown } as unknown as VmRecord;
  };

  it('are counted as they come, change and go; those that have closed never', () => {
    const counts = new LiveCounts();
    counts.add(vm({}));
    counts.add(vm({ health: 'unknown' }));
    counts.add(vm({ template: null }));
    counts.add(vm({ state: 'destroyed' }, true));
    counts.remove(vm({ state: 'destroyed' }, true));
    expect(counts.all()).toEqual([
      { state: 'running', template: 'chat', provider: 'local', vms: 2, silent: 1 },
      { state: 'running', template: '', provider: 'local', vms: 1, silent: 0 },
    ]);
    counts.remove(vm({ template: null }));
    counts.remove(vm({ health: 'unknown' }));
    expect(counts.all()).toEqual([{ state: 'running', template: 'chat', provider: 'local', vms: 1, silent: 0 }]);
  });

  it('of the rarest templates are counted together, however many templates there are', () => {
    const counts = new LiveCounts();
    for (let index = 0; index < MOST_TEMPLATES + 100; index += 1) {
      const times = index < MOST_TEMPLATES ? 2 : 1;
      for (let time = 0; time < times; time += 1) counts.add(vm({ template: `t${index}` }));
    }
    const samples = vmSamples(counts.all());
    expect(samples).toHaveLength(MOST_TEMPLATES + 1);
    expect(samples.find(({ labels }) => labels['template'] === 'other')?.value).toBe(100);
    expect(samples.reduce((sum, { value }) => sum + value, 0)).toBe(2 * MOST_TEMPLATES + 100);
  });
});

describe('the API', () => {
  const made = (): { registry: MetricRegistry; metrics: ApiMetrics } => {
    const registry = new MetricRegistry();
    const sources = {
      projection: { liveCounts: () => [] },
      feed: { loaded: true, ageMs: 1500 },
      watchers: { count: 2 },
    };
    return { registry, metrics: new ApiMetrics(registry, sources) };
  };

  it('counts problems by their code from 0 on, so that the first one is a rise', async () => {
    const { registry, metrics } = made();
    expect(await seriesOf(registry, 'ephemera_http_problems_total')).toMatchObject({ rateLimited: 0 });
    const request = { method: 'GET', route: undefined, durationMs: 3, waited: false } as const;
    metrics.answered({ ...request, status: 429, code: 'rateLimited' });
    metrics.answered({ ...request, status: 404, code: 'notFound' });
    const problems = await seriesOf(registry, 'ephemera_http_problems_total');
    expect(problems).toMatchObject({ rateLimited: 1, notFound: 1, forbidden: 0 });
    expect(await seriesOf(registry, 'ephemera_projection_age_seconds')).toEqual({ '': 1.5 });
  });

  it('counts reports of agents over HTTP as forwarded or saved', async () => {
    const { registry, metrics } = made();
    metrics.reported(true, null);
    metrics.reported(false, 4000);
    metrics.reported(false, 20_000);
    expect(await seriesOf(registry, 'ephemera_agent_reports_total')).toEqual({ http: 3 });
    expect(await seriesOf(registry, 'ephemera_agent_signals_total')).toEqual({ http: 1 });
    expect(await seriesOf(registry, 'ephemera_agent_signals_saved_total')).toEqual({ http: 2 });
    expect(await seriesOf(registry, 'ephemera_agent_forwarded_age_seconds')).toMatchObject({ '5': 1, '+Inf': 2 });
  });
});

describe('a provider whose calls are measured', () => {
  const cancelled = new AbortController();
  cancelled.abort(new Error('enough'));
  class Plain {
    readonly name = 'plain';
    readonly #made = new Set<string>();
    readonly power = { stop: (machineId: string) => Promise.resolve({ machineId }) };
    destroy(machineId: string): Promise<void> {
      this.#made.delete(machineId);
      return Promise.reject(new ProviderError('backendUnavailable', 'not now'));
    }
    describe(_machineId: string, { signal }: { signal: AbortSignal }): Promise<undefined> {
      return signal.aborted ? Promise.reject(signal.reason as Error) : Promise.resolve(undefined);
    }
    list(): Promise<never> {
      return Promise.reject(new TypeError('a bug'));
    }
  }

  it('does what it did, and each call counts with its code', async () => {
    const registry = new MetricRegistry();
    const plain = new Plain() as unknown as MachineProvider;
    const provider = measuredProvider(plain, providerObserver(registry)('plain'));
    const { signal } = new AbortController();
    expect(provider.name).toBe('plain');
    expect(provider.images).toBeUndefined();
    expect(await provider.power?.stop('m-1', { signal })).toEqual({ machineId: 'm-1' });
    expect(await provider.describe('m-1', { signal })).toBeUndefined();
    await expect(provider.describe('m-1', { signal: cancelled.signal })).rejects.toThrow('enough');
    await expect(provider.destroy('m-1', { signal })).rejects.toThrow('not now');
    await expect(provider.list({ signal })).rejects.toThrow('a bug');
    expect(await seriesOf(registry, 'ephemera_provider_operations_total')).toEqual({
      'plain power.stop ok': 1,
      'plain describe ok': 1,
      'plain describe cancelled': 1,
      'plain destroy backendUnavailable': 1,
      'plain list unexpected': 1,
    });
  });
});

describe('sweeps', () => {
  const machine = (verdict: string, action: string) => ({ verdict, action }) as SweepReport['machines'][number];
  const report: SweepReport = {
    ...{ at: '', dryRun: false, owned: 3, lost: [] },
    machines: [
      machine('orphan', 'destroyed'),
      machine('orphan', 'destroyFailed'),
      machine('unattributed', 'none'),
      machine('young', 'none'),
    ],
  };

  it('count what they found and did; a dry run counts nothing', async () => {
    const registry = new MetricRegistry();
    const observe = sweepObserver(registry, ['local']);
    expect(await seriesOf(registry, 'ephemera_orphans_found_total')).toEqual({ local: 0 });
    const good = measuredSweeps({ sweepMachines: () => Promise.resolve(report) }, 'local', observe);
    const bad = measuredSweeps({ sweepMachines: () => Promise.reject(new Error('no')) }, 'local', observe);
    await good.sweepMachines({ dryRun: false });
    await good.sweepMachines({ dryRun: true });
    await expect(bad.sweepMachines({ dryRun: false })).rejects.toThrow('no');
    expect(await seriesOf(registry, 'ephemera_sweeps_total')).toEqual({ 'local done': 1, 'local failed': 1 });
    expect(await seriesOf(registry, 'ephemera_orphans_found_total')).toEqual({ local: 2 });
    expect(await seriesOf(registry, 'ephemera_machines_swept_total')).toEqual({ local: 1 });
    expect(await seriesOf(registry, 'ephemera_machines_unattributed')).toEqual({ local: 1 });
  });
});

describe('the strict reader of metrics that the tests use', () => {
  it.each([
    ['a series twice', '# HELP a x\n# TYPE a gauge\na 1\na 2\n'],
    ['a family twice', '# HELP a x\n# TYPE a gauge\na 1\n# HELP a x\n# TYPE a gauge\na{b="c"} 1\n'],
    ['a sample of another family', '# HELP a x\n# TYPE a gauge\nb 1\n'],
    ['a family without help', '# TYPE a gauge\na 1\n'],
    ['a broken label', '# HELP a x\n# TYPE a gauge\na{b="c"d"} 1\n'],
    ['a value that is no number', '# HELP a x\n# TYPE a gauge\na one\n'],
    ['a text that was cut', '# HELP a x\n# TYPE a gauge\na 1'],
    [
      'buckets that shrink',
      '# HELP a x\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
    ],
    ['a histogram without its last bucket', '# HELP a x\n# TYPE a histogram\na_bucket{le="1"} 1\na_sum 1\na_count 1\n'],
  ])('refuses %s', (_, text) => {
    expect(() => readMetrics(text)).toThrow();
  });

  it('finds every metric and label of an expression', () => {
    expect(
      metricsOf('histogram_quantile(0.5, sum by (le) (rate(a_bucket{b="c", d=~"e|f"}[5m]))) > 2 * on (x) g'),
    ).toEqual([
      { name: 'a_bucket', labels: ['b', 'd'] },
      { name: 'g', labels: [] },
    ]);
  });
});

import type { SweepActivities, SweepReport } from '../../domain/machine/sweep.ts';
import type { MetricRegistry } from '../../telemetry/metric-registry.ts';

/** Told of each sweep of a provider that ended; null: it failed. */
export type SweepObserver = (provider: string, report: SweepReport | null) => void;

/** Counts sweeps and what they found. Each provider shows zeros from the start. */
export function sweepObserver(registry: MetricRegistry, providers: readonly string[]): SweepObserver {
  const countSweep = registry.counter('ephemera_sweeps_total');
  const countOrphans = registry.counter('ephemera_orphans_found_total');
  const countSwept = registry.counter('ephemera_machines_swept_total');
  const unattributed = new Map(providers.map((provider) => [provider, 0]));
  registry.read('ephemera_machines_unattributed', () =>
    [...unattributed].map(([provider, value]) => ({ labels: { provider }, value })),
  );
  for (const provider of providers) {
    for (const outcome of ['done', 'failed']) countSweep({ provider, outcome }, 0);
    countOrphans({ provider }, 0);
    countSwept({ provider }, 0);
  }
  return (provider, report) => {
    countSweep({ provider, outcome: report === null ? 'failed' : 'done' });
    if (report === null) return;
    const numberOf = (wanted: (machine: SweepReport['machines'][number]) => boolean): number =>
      report.machines.filter(wanted).length;
    countOrphans(
      { provider },
      numberOf(({ verdict }) => verdict === 'orphan'),
    );
    countSwept(
      { provider },
      numberOf(({ action }) => action === 'destroyed'),
    );
    unattributed.set(
      provider,
      numberOf(({ verdict }) => verdict === 'unattributed'),
    );
  };
}

/** The same sweeps, observed; dry runs change nothing and are not. */
export function measuredSweeps(
  { sweepMachines }: SweepActivities,
  provider: string,
  observe: SweepObserver,
): SweepActivities {
  return {
    sweepMachines: async (input) => {
      try {
        const report = await sweepMachines(input);
        if (!input.dryRun) observe(provider, report);
        return report;
      } catch (error) {
        if (!input.dryRun) observe(provider, null);
        throw error;
      }
    },
  };
}

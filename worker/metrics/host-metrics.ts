import type { RoomSize } from '../../domain/capacity/room.ts';
import type { MetricRegistry, Sample } from '../../telemetry/metric-registry.ts';
import { providerObserver, type CallObserver } from './measured-provider.ts';
import { sweepObserver, type SweepObserver } from './measured-sweeps.ts';
import type { MachineHost } from '../host/machine-host.ts';

const BYTES_IN_MB = 1024 ** 2;
const BYTES_IN_GB = 1024 ** 3;
const OVER_CHANNEL = { transport: 'channel' };

/** What the hosts of one worker tell of themselves. */
export interface HostMetrics {
  observerOf: (provider: string) => CallObserver;
  observeSweep: SweepObserver;
  /** From now on these hosts are looked at. */
  watch: (hosts: readonly MachineHost[]) => void;
}

export function createHostMetrics(registry: MetricRegistry, providers: readonly string[]): HostMetrics {
  let hosts: readonly MachineHost[] = [];
  const ofLinks = (valueOf: (links: MachineHost['links']) => number | undefined) => () =>
    hosts.flatMap(({ provider, links }) => {
      const value = valueOf(links);
      return value === undefined ? [] : [{ labels: { provider: provider.name }, value }];
    });
  const sum = (valueOf: (links: MachineHost['links']) => number): number =>
    hosts.reduce((total, { links }) => total + valueOf(links), 0);
  registry.read(
    'ephemera_agent_links',
    ofLinks(({ counters }) => counters.links),
  );
  registry.read(
    'ephemera_agent_report_age_median_seconds',
    ofLinks((links) => median(links.reportAgesSeconds())),
  );
  registry.read(
    'ephemera_agent_report_age_max_seconds',
    ofLinks((links) => links.reportAgesSeconds().at(-1)),
  );
  registry.read('ephemera_agent_reports_total', () => [
    { labels: OVER_CHANNEL, value: sum(({ counters }) => counters.reportsReceived) },
  ]);
  registry.read('ephemera_agent_signals_total', () => [
    { labels: OVER_CHANNEL, value: sum(({ counters }) => counters.signalsSent) },
  ]);
  // A report on its way counts as saved until it is delivered: what was shown must not shrink.
  let saved = 0;
  registry.read('ephemera_agent_signals_saved_total', () => {
    saved = Math.max(
      saved,
      sum(({ counters }) => counters.signalsSaved),
    );
    return [{ labels: OVER_CHANNEL, value: saved }];
  });
  readRoom(registry, () => hosts.find(({ room }) => room !== null)?.room?.usage());
  return {
    observerOf: providerObserver(registry),
    observeSweep: sweepObserver(registry, providers),
    watch: (watched) => {
      hosts = watched;
    },
  };
}

interface RoomUsage {
  total: RoomSize;
  taken: RoomSize;
  waiting: number;
}

function readRoom(registry: MetricRegistry, usage: () => RoomUsage | undefined): void {
  const of = (valueOf: (usage: RoomUsage) => number) => (): Sample<'ephemera_host_free_cpus'>[] => {
    const now = usage();
    return now === undefined ? [] : [{ labels: {}, value: valueOf(now) }];
  };
  const free = (part: keyof RoomSize, { total, taken }: RoomUsage): number => Math.max(0, total[part] - taken[part]);
  registry.read(
    'ephemera_host_capacity_cpus',
    of(({ total }) => total.cpus),
  );
  registry.read(
    'ephemera_host_free_cpus',
    of((room) => free('cpus', room)),
  );
  registry.read(
    'ephemera_host_capacity_memory_bytes',
    of(({ total }) => total.memoryMb * BYTES_IN_MB),
  );
  registry.read(
    'ephemera_host_free_memory_bytes',
    of((room) => free('memoryMb', room) * BYTES_IN_MB),
  );
  registry.read(
    'ephemera_host_capacity_disk_bytes',
    of(({ total }) => total.diskGb * BYTES_IN_GB),
  );
  registry.read(
    'ephemera_host_free_disk_bytes',
    of((room) => free('diskGb', room) * BYTES_IN_GB),
  );
  registry.read(
    'ephemera_host_waiting_creates',
    of(({ waiting }) => waiting),
  );
}

/** Of ages in ascending order; undefined without any. */
function median(ages: readonly number[]): number | undefined {
  return ages[Math.floor((ages.length - 1) / 2)];
}

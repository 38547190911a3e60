/**
 * A storm: many lives at once on real machines of several hosts, behind real workers, the API and the Temporal server,
 * something going wrong in each. Afterwards nothing may be left, and nobody's VM may have been taken from him.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inParallel } from '../../lib/waiting/in-parallel.ts';
import type { SweepReport } from '../../domain/machine/sweep.ts';
import { ensureImage } from '../machines/guest-image.ts';
import { startFleet, type Fleet, type FleetHost } from '../hosts/fleet.ts';
import { eventually, machineIdsIn, processesOf, type Part } from '../stack.ts';
import { startTestServer, type TestServer } from '../temporal-server.ts';
import { workflowBundle } from '../workflow/vm-harness.ts';
import { sweepsOf, sweptMachines } from '../trials/sweep-reports.ts';
import { leftImages } from './kept.ts';
import { abandonedBy } from '../machines/abandoned-creates.ts';
import { liveOne, type LifeOutcome } from './one-life.ts';
import { planStorm, type StormLife, type StormProvider } from './plan.ts';
import { endPool, startPool } from './pooled.ts';
import type { StormScene } from './scene.ts';
import { StormFiles } from './stormy-activities.ts';

export interface StormOptions {
  seed: number;
  lives: number;
  /** Lives at the same time. */
  parallel: number;
  provider?: StormProvider;
  /** Of `qemu`; by default each host finds out what its computer has, which takes it up to half a minute. */
  accelerator?: 'tcg';
  /** Each with a worker process, a host id and a state directory of its own; 3 by default. */
  hosts?: number;
  /** Only the lives with these numbers of the plan. */
  only?: readonly number[];
  bystanderMs?: number;
  /** A worker that says it destroyed what it did not: the storm must find that. */
  lie?: 'destroy';
  onProgress?: (text: string) => void;
}

export interface StormReport {
  seed: number;
  provider: string;
  lives: number;
  /** How many machines each host was asked for. */
  spread: Record<string, number>;
  /** How often each fault really happened, as `step fault when`. */
  faults: Record<string, number>;
  /** Planned faults whose moment never came. */
  notReached: string[];
  workerDeaths: number;
  terminated: number;
  /** Machines that the sweeper removed: of VMs that were terminated, and of creates whose worker died. */
  swept: number;
  sweeps: number;
  violations: string[];
  tookSeconds: number;
}

const SWEEP_PERIOD_SECONDS = 5;
const ORPHANS_GONE_MS = (SWEEP_PERIOD_SECONDS + 15) * 1000 + 20_000;

/** Runs a storm to its end. What must not have happened is in `violations`, each with the life it happened to. */
export async function runStorm(options: StormOptions): Promise<StormReport> {
  const { seed, lives, provider = 'local', only } = options;
  const plan = planStorm(seed, lives, provider).filter((_, index) => only?.includes(index) ?? true);
  const startedAt = Date.now();
  const directory = await mkdtemp(join(tmpdir(), 'eph-storm-'));
  const files = new StormFiles(directory);
  const server = await startTestServer();
  try {
    const fleet = await startStormFleet(server, directory, options);
    const workers = fleet.hosts.map(({ worker }) => supervise(worker));
    try {
      const scene: StormScene = {
        stack: { ...fleet.stack, logs: fleet.logs },
        hosts: fleet.hosts,
        files,
        provider,
        handleOf: (workflowId) => server.client.workflow.getHandle(workflowId),
        bystanderMs: options.bystanderMs ?? 15_000,
      };
      const usesPool = plan.some(({ step }) => step === 'adoptMachine');
      if (usesPool) await startPool(scene.stack);
      const outcomes = await liveAll(scene, plan, options);
      if (usesPool) await endPool(scene.stack);
      const left = [...(await leftImages(scene, ORPHANS_GONE_MS)), ...(await leftovers(fleet))];
      const sweeps = await sweepsOf(server);
      const abandoned = await abandonedByPool(scene, sweeps);
      return {
        ...reportOf(outcomes, sweeps),
        spread: spreadOver(fleet.hosts, files),
        ...{ seed, provider, lives: plan.length, workerDeaths: workers.reduce((sum, { deaths }) => sum + deaths(), 0) },
        violations: [...violationsOf(outcomes, sweeps, abandoned), ...left],
        tookSeconds: Math.round((Date.now() - startedAt) / 1000),
      };
    } finally {
      await Promise.all(workers.map(({ stop }) => stop()));
      await fleet.stop();
    }
  } finally {
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function startStormFleet(server: TestServer, directory: string, options: StormOptions): Promise<Fleet> {
  const bundleFile = join(directory, 'workflows.js');
  await writeFile(bundleFile, (await workflowBundle()).code);
  return startFleet({
    server,
    hosts: options.hosts ?? 3,
    workerScript: 'test-support/storm/worker.ts',
    env: {
      ...(await providerEnvironment(options)),
      EPHEMERA_SWEEP_INTERVAL_SECONDS: `${SWEEP_PERIOD_SECONDS}`,
      EPHEMERA_IMAGES_SWEEP_INTERVAL_SECONDS: `${SWEEP_PERIOD_SECONDS}`,
      // Of a VM that was terminated with its image half made nobody is about it.
      EPHEMERA_IMAGES_ORPHAN_SECONDS: `${2 * SWEEP_PERIOD_SECONDS}`,
      STORM_DIR: directory,
      STORM_BUNDLE: bundleFile,
      ...(options.lie === undefined ? {} : { STORM_LIE: options.lie }),
    },
  });
}

async function providerEnvironment({ provider = 'local', accelerator }: StormOptions): Promise<Record<string, string>> {
  if (provider === 'local') return { EPHEMERA_PROVIDER: 'local' };
  const image = await ensureImage();
  return {
    EPHEMERA_PROVIDER: 'qemu',
    EPHEMERA_QEMU_IMAGE_DIR: dirname(image.kernel),
    ...(accelerator === undefined ? {} : { EPHEMERA_QEMU_ACCELERATOR: accelerator }),
  };
}

/** Starts a worker again whenever it died, as a supervisor would. */
function supervise(worker: Part): { deaths: () => number; stop: () => Promise<void> } {
  let deaths = 0;
  const over = new AbortController();
  const watch = (async () => {
    while (!over.signal.aborted) {
      if (!isAlive(worker.pid())) {
        deaths += 1;
        // One that is killed again while it starts is started again.
        await worker.begin();
      }
      await sleep(100, undefined, { signal: over.signal }).catch(() => undefined);
    }
  })();
  return {
    deaths: () => deaths,
    stop: async () => {
      over.abort();
      await watch;
    },
  };
}

function isAlive(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function liveAll(
  scene: StormScene,
  plan: StormLife[],
  { parallel, onProgress }: StormOptions,
): Promise<LifeOutcome[]> {
  const outcomes: LifeOutcome[] = [];
  await inParallel(plan, parallel, async (life) => {
    const { id, step, fault, when } = life;
    try {
      outcomes.push(await liveOne(scene, life));
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      const stuck = { vm: id, machineId: '', ended: 'STUCK', reason: undefined, faultHappened: true, abandoned: [] };
      outcomes.push({ life, ...stuck, violations: [text] });
    }
    const last = outcomes.at(-1)!;
    const end = last.violations.length === 0 ? `${last.ended} ${last.reason ?? ''}` : last.violations.join('; ');
    onProgress?.(`${outcomes.length}/${plan.length}  ${id} ${step} ${fault ?? 'no fault'} ${when}: ${end}`);
  });
  return outcomes;
}

/** Machines, and processes of machines, that nobody removed: orphans of Terminate get the sweeper's time. */
async function leftovers({ hosts, logs }: Fleet): Promise<string[]> {
  const look = async (): Promise<string[]> => {
    const found = hosts.map(async (host) => [...(await machineIdsIn(host.stateDir)), ...(await processesOf(host))]);
    return (await Promise.all(found)).flat();
  };
  try {
    await eventually(
      { logs },
      'nothing left',
      async () => ((await look()).length === 0 ? true : undefined),
      ORPHANS_GONE_MS,
    );
    return [];
  } catch {
    return (await look()).map((what) => `left behind: ${what}`);
  }
}

function reportOf(
  outcomes: LifeOutcome[],
  sweeps: SweepReport[],
): Pick<StormReport, 'faults' | 'notReached' | 'terminated' | 'swept' | 'sweeps'> {
  const faults: Record<string, number> = {};
  for (const { life, faultHappened } of outcomes) {
    if (life.fault === null || !faultHappened) continue;
    const key = `${life.step} ${life.fault} ${life.when}`;
    faults[key] = (faults[key] ?? 0) + 1;
  }
  return {
    faults,
    notReached: outcomes
      .filter(({ faultHappened }) => !faultHappened)
      .map(({ life }) => `${life.id} ${life.step} ${life.fault ?? ''} ${life.when}`),
    terminated: outcomes.filter(({ ended }) => ended === 'TERMINATED').length,
    swept: sweptMachines(sweeps).length,
    sweeps: sweeps.length,
  };
}

function spreadOver(hosts: readonly FleetHost[], files: StormFiles): Record<string, number> {
  const asked = files.hostsAsked();
  return Object.fromEntries(hosts.map(({ id }) => [id, asked.filter((host) => host === id).length]));
}

/** Machines that the pool's workflows asked for and gave up as a host died. */
async function abandonedByPool({ handleOf }: StormScene, sweeps: SweepReport[]): Promise<string[]> {
  const owners = sweptMachines(sweeps).flatMap(({ vm }) =>
    vm.startsWith('warm-') ? [vm.replace('warm-', 'warm/')] : [],
  );
  return (await Promise.all(owners.map((owner) => abandonedBy(handleOf(owner))))).flat();
}

/** The sweeper is for owners that were terminated and for abandoned creates; what else it finds was left by a bug. */
function violationsOf(outcomes: LifeOutcome[], sweeps: SweepReport[], ofPool: readonly string[]): string[] {
  const own = outcomes.flatMap(({ life, violations }) =>
    violations.map((what) => `${life.id} (${life.step} ${life.fault ?? 'no fault'} ${life.when}): ${what}`),
  );
  const terminated = new Set(outcomes.filter(({ ended }) => ended === 'TERMINATED').map(({ vm }) => vm));
  const abandoned = new Set([...ofPool, ...outcomes.flatMap((outcome) => outcome.abandoned)]);
  const wronglySwept = sweptMachines(sweeps).filter(
    ({ vm, machineId }) => !terminated.has(vm) && !abandoned.has(machineId),
  );
  return [...own, ...wronglySwept.map(({ vm }) => `${vm}: the sweeper had to remove its machine`)];
}

/**
 * A storm: many lives at once on real machines behind the real worker, API and Temporal server, something going
 * wrong in each. Afterwards nothing may be left, and nobody's VM may have been taken from him.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SweepReport } from '../../../domain/sweep.ts';
import { ensureImage } from '../../../scripts/image.ts';
import { eventually, processesOf, startStack, type Stack } from '../../stack.ts';
import { startTestServer, type TestServer } from '../../temporal-server.ts';
import { workflowBundle } from '../../workflow/vm-harness.ts';
import { sweptVms, sweepsOf } from '../sweep-reports.ts';
import { liveOne, type LifeOutcome, type StormScene } from './one-life.ts';
import { planStorm, type StormLife } from './plan.ts';
import { StormFiles } from './stormy-activities.ts';

export interface StormOptions {
  seed: number;
  lives: number;
  /** Lives at the same time. */
  parallel: number;
  provider?: 'local' | 'qemu';
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
  /** How often each fault really happened, as `step fault when`. */
  faults: Record<string, number>;
  /** Planned faults whose moment never came. */
  notReached: string[];
  workerDeaths: number;
  terminated: number;
  /** Machines that the sweeper removed; all of them had lost their owner to Terminate. */
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
  const plan = planStorm(seed, lives).filter((_, index) => only?.includes(index) ?? true);
  const startedAt = Date.now();
  const directory = await mkdtemp(join(tmpdir(), 'eph-storm-'));
  const files = new StormFiles(directory);
  const server = await startTestServer();
  try {
    const stack = await startStormStack(server, directory, options);
    const worker = superviseWorker(stack);
    try {
      const scene: StormScene = {
        stack,
        files,
        provider,
        handleOf: (workflowId) => server.client.workflow.getHandle(workflowId),
        killWorker: worker.kill,
        bystanderMs: options.bystanderMs ?? 15_000,
      };
      const outcomes = await liveAll(scene, plan, options);
      const left = await leftovers(stack);
      const sweeps = await sweepsOf(server);
      return {
        ...reportOf(outcomes, sweeps),
        ...{ seed, provider, lives: plan.length, workerDeaths: worker.deaths() },
        violations: [...violationsOf(outcomes, sweeps), ...left],
        tookSeconds: Math.round((Date.now() - startedAt) / 1000),
      };
    } finally {
      await worker.stop();
      await stack.stop();
    }
  } finally {
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function startStormStack(server: TestServer, directory: string, options: StormOptions): Promise<Stack> {
  const bundleFile = join(directory, 'workflows.js');
  await writeFile(bundleFile, (await workflowBundle()).code);
  return startStack({
    server,
    workerScript: 'test/chaos/storm/worker.ts',
    env: {
      ...(await providerEnvironment(options.provider ?? 'local')),
      EPHEMERA_SWEEP_INTERVAL_SECONDS: `${SWEEP_PERIOD_SECONDS}`,
      STORM_DIR: directory,
      STORM_BUNDLE: bundleFile,
      ...(options.lie === undefined ? {} : { STORM_LIE: options.lie }),
    },
  });
}

async function providerEnvironment(provider: 'local' | 'qemu'): Promise<Record<string, string>> {
  if (provider === 'local') return { EPHEMERA_PROVIDER: 'local' };
  const image = await ensureImage();
  return { EPHEMERA_PROVIDER: 'qemu', EPHEMERA_QEMU_IMAGE_DIR: dirname(image.kernel) };
}

/** Starts the worker again whenever it died, as a supervisor would. */
function superviseWorker(stack: Stack): { kill: () => void; deaths: () => number; stop: () => Promise<void> } {
  let deaths = 0;
  const over = new AbortController();
  const watch = (async () => {
    while (!over.signal.aborted) {
      if (!isAlive(stack.worker.pid())) {
        deaths += 1;
        await stack.worker.start();
      }
      await sleep(100, undefined, { signal: over.signal }).catch(() => undefined);
    }
  })();
  return {
    kill: () => {
      const pid = stack.worker.pid();
      if (pid !== undefined && isAlive(pid)) process.kill(pid, 'SIGKILL');
    },
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
  const waiting = [...plan];
  const live = async (): Promise<void> => {
    for (let life = waiting.shift(); life !== undefined; life = waiting.shift()) {
      const { id, step, fault, when } = life;
      try {
        outcomes.push(await liveOne(scene, life));
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        const stuck = { vm: id, machineId: '', ended: 'STUCK', reason: undefined, faultHappened: true };
        outcomes.push({ life, ...stuck, violations: [text] });
      }
      const last = outcomes.at(-1)!;
      const end = last.violations.length === 0 ? `${last.ended} ${last.reason ?? ''}` : last.violations.join('; ');
      onProgress?.(`${outcomes.length}/${plan.length}  ${id} ${step} ${fault ?? 'no fault'} ${when}: ${end}`);
    }
  };
  await Promise.all(Array.from({ length: parallel }, live));
  return outcomes;
}

/** Machines, and processes of machines, that nobody removed: orphans of Terminate get the sweeper's time. */
async function leftovers(stack: Stack): Promise<string[]> {
  const look = async (): Promise<string[]> => [...(await stack.machines()), ...(await processesOf(stack))];
  try {
    await eventually(
      stack,
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
    swept: sweptVms(sweeps).length,
    sweeps: sweeps.length,
  };
}

/** The sweeper is for owners that were terminated; whatever else it finds was left behind by a bug. */
function violationsOf(outcomes: LifeOutcome[], sweeps: SweepReport[]): string[] {
  const own = outcomes.flatMap(({ life, violations }) =>
    violations.map((what) => `${life.id} (${life.step} ${life.fault ?? 'no fault'} ${life.when}): ${what}`),
  );
  const terminated = new Set(outcomes.filter(({ ended }) => ended === 'TERMINATED').map(({ vm }) => vm));
  const wronglySwept = sweptVms(sweeps).filter((vm) => !terminated.has(vm));
  return [...own, ...wronglySwept.map((vm) => `${vm}: the sweeper had to remove its machine`)];
}

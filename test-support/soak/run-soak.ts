/** A steady life of many VMs for a while, watched from outside: what grows, what ends wrongly, what is left. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, processesOf, startStack, type Stack } from '../stack.ts';
import { startTestServer, textOf, type TestServer } from '../temporal-server.ts';
import { sweepsOf, sweptMachines } from '../trials/sweep-reports.ts';
import { growthOf, type Growth, type Tolerance } from './growth.ts';
import { live, type LivedLife } from './lives.ts';
import { differences, DYNAMIC_CONFIG, LongLived } from './long-lived.ts';
import { Resident } from './residents.ts';
import { sampleOf, type ProcessSample, type Sampled, type SoakSample } from './samples.ts';
import { SoakScene } from './scene.ts';

export interface SoakOptions {
  /** How long lives begin and end; the last begins a little earlier. */
  minutes: number;
  onProgress?: (text: string) => void;
}

export interface SoakReport {
  minutes: number;
  lives: number;
  livesByKind: Record<string, number>;
  residents: number;
  /** How often each of the long-lived VMs was continued as new. */
  moves: number[];
  requests: number;
  sweeps: number;
  /** Least squares after the warm-up; null when the soak was too short for a trend. */
  growth: Record<string, Growth> | null;
  warmUpSeconds: number;
  /** With no VM but the residents: after the first lives, and at the end. */
  atRest: { before: RestingProcesses; after: RestingProcesses };
  samples: SoakSample[];
  violations: string[];
}

type RestingProcesses = Record<'worker' | 'api', ProcessSample>;

const COLLECT_GARBAGE = new URL('./collect-garbage.mjs', import.meta.url).href;
const RESIDENTS = 3;
const LONG_LIVED = 2;
/** It is asked nothing until the end. */
const POLLING_REPLICA = 1;
const PACE_MS = 2700;
/** A slower computer gets fewer lives, not more of them at once. */
const MOST_AT_ONCE = 12;
const LAST_START_BEFORE_END_MS = 22_000;
const SAMPLE_MS = 10_000;
const WARM_UP_SHARE = 1 / 3;
const SHORTEST_FOR_TREND_MINUTES = 10;
const FIRST_LIVES = 2;
/** Connections that come and go with the load. */
const RESTING_FILES_SPARE = 8;

const MEMORY: Tolerance = { share: 0.1, absolute: 0 };
const COUNT: Tolerance = { share: 0.1, absolute: 3 };
const WATCHED: Record<string, { of: (sample: SoakSample) => number; tolerance: Tolerance | null }> = {
  'worker RSS MB': { of: ({ worker }) => worker.rssMb, tolerance: MEMORY },
  'API RSS MB': { of: ({ api }) => api.rssMb, tolerance: MEMORY },
  'used machine RSS MB': { of: ({ resident }) => resident.rssMb, tolerance: MEMORY },
  'worker open files': { of: ({ worker }) => worker.openFiles, tolerance: COUNT },
  'API open files': { of: ({ api }) => api.openFiles, tolerance: COUNT },
  'used machine open files': { of: ({ resident }) => resident.openFiles, tolerance: COUNT },
  'worker children': { of: ({ worker }) => worker.children, tolerance: COUNT },
  'API children': { of: ({ api }) => api.children, tolerance: COUNT },
  'worker threads': { of: ({ worker }) => worker.threads, tolerance: COUNT },
  'API threads': { of: ({ api }) => api.threads, tolerance: COUNT },
  'worker heap MB': { of: ({ worker }) => worker.heapMb ?? 0, tolerance: MEMORY },
  'API heap MB': { of: ({ api }) => api.heapMb ?? 0, tolerance: MEMORY },
  // Temporal is not ours: this only informs.
  'Temporal RSS MB': { of: ({ temporal }) => temporal.rssMb, tolerance: null },
};

/** Runs a soak to its end. What must not have happened is in `violations`. */
export async function runSoak(options: SoakOptions): Promise<SoakReport> {
  const server = await startTestServer(DYNAMIC_CONFIG);
  const directory = await mkdtemp(join(tmpdir(), 'eph-soak-'));
  try {
    const heapFile = join(directory, 'heaps');
    const env = { NODE_OPTIONS: `--import ${COLLECT_GARBAGE}`, SOAK_HEAP_FILE: heapFile };
    const stack = await startStack({ server, env, apiReplicas: 2 });
    try {
      return await soak(server, stack, heapFile, options);
    } finally {
      await stack.stop();
    }
  } finally {
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function soak(server: TestServer, stack: Stack, heapFile: string, options: SoakOptions): Promise<SoakReport> {
  const scene = new SoakScene(stack);
  const lives = await Promise.all(Array.from({ length: FIRST_LIVES }, (_, index) => live(scene, index)));
  const residents = await Promise.all(
    Array.from({ length: RESIDENTS }, (_, index) => Resident.moveIn(scene, `resident-${index}`)),
  );
  const sampled = { stack, heapFile, temporalPid: server.pid(), residentMachine: residents[0]!.machineId };
  const before = await resting(sampled);
  const elders = await Promise.all(
    Array.from({ length: LONG_LIVED }, (_, index) => LongLived.start(scene, server, `elder-${index}`)),
  );
  const over = new AbortController();
  const goingOn = Promise.all(elders.map((elder) => elder.livesOn(over.signal)));
  const samples = await liveAndWatch(scene, lives, residents, sampled, options);
  over.abort();
  await goingOn;
  const untrue = await differences(scene, server, POLLING_REPLICA);
  await Promise.all(elders.map((elder) => elder.end()));
  const after = await resting(sampled);
  await Promise.all(residents.map((resident) => resident.moveOut()));
  const left = await leftovers(server, stack);
  const sweeps = await sweepsOf(server);
  const trend = options.minutes >= SHORTEST_FOR_TREND_MINUTES ? trends(samples) : null;
  return {
    minutes: options.minutes,
    lives: lives.length,
    livesByKind: countByKind(lives),
    residents: RESIDENTS,
    moves: elders.map(({ moves }) => moves),
    requests: scene.requests,
    sweeps: sweeps.length,
    growth: trend,
    warmUpSeconds: warmUpOf(samples),
    atRest: { before, after },
    samples,
    violations: [
      ...lives.flatMap(({ wrong }) => (wrong === null ? [] : [`wrong end: ${wrong}`])),
      ...residents.flatMap(({ wrongs }) => wrongs.map((wrong) => `in use: ${wrong}`)),
      ...scene.apiErrors.map((what) => `API error: ${what}`),
      // Nobody was terminated, so whatever a sweep removed was left behind by a bug.
      ...sweptMachines(sweeps).map(({ vm }) => `${vm}: the sweeper had to remove its machine`),
      ...untrue,
      ...left.map((what) => `left behind: ${what}`),
      ...(await loggedErrors(stack)),
      ...heldMore(before, after),
      ...Object.entries(trend ?? {}).flatMap(([what, growth]) => (growth.flat === false ? [grows(what, growth)] : [])),
    ],
  };
}

/** Begins a life at each beat and samples, until the time is over and the last life has ended. */
async function liveAndWatch(
  scene: SoakScene,
  lives: LivedLife[],
  residents: readonly Resident[],
  sampled: Sampled,
  { minutes, onProgress }: SoakOptions,
): Promise<SoakSample[]> {
  const begunAt = Date.now();
  const over = new AbortController();
  const look = async (): Promise<SoakSample> => {
    const [sample, liveVms] = await Promise.all([sampleOf(sampled), countLive(scene)]);
    await Promise.all(residents.map((resident) => resident.check()));
    return { atSeconds: Math.round((Date.now() - begunAt) / 1000), livesEnded: lives.length, liveVms, ...sample };
  };
  const watching = sampleUntil(over.signal, begunAt, look, onProgress);
  await startLives(scene, lives, begunAt + minutes * 60_000 - LAST_START_BEFORE_END_MS);
  over.abort();
  return watching;
}

async function sampleUntil(
  over: AbortSignal,
  begunAt: number,
  look: () => Promise<SoakSample>,
  onProgress: SoakOptions['onProgress'],
): Promise<SoakSample[]> {
  const samples: SoakSample[] = [];
  for (let tick = 1; !over.aborted; tick += 1) {
    await sleep(Math.max(0, begunAt + tick * SAMPLE_MS - Date.now()));
    const sample = await look();
    samples.push(sample);
    onProgress?.(progressLine(sample));
  }
  return samples;
}

/** Resolves when the last life has ended. */
async function startLives(scene: SoakScene, lives: LivedLife[], lastStartAt: number): Promise<void> {
  const running = new Set<Promise<void>>();
  let index = lives.length;
  while (Date.now() < lastStartAt) {
    if (running.size < MOST_AT_ONCE) {
      const life = live(scene, index).then((lived) => {
        lives.push(lived);
        running.delete(life);
      });
      running.add(life);
      index += 1;
    }
    await sleep(PACE_MS);
  }
  await Promise.all(running);
}

async function countLive(scene: SoakScene): Promise<number> {
  return (await scene.ask('list', (calls) => calls.listVms({ pageSize: 1000 }))).vms.length;
}

function progressLine({ atSeconds, livesEnded, worker, api, temporal, liveVms, load }: SoakSample): string {
  const memory = `RSS worker ${worker.rssMb}, API ${api.rssMb}, Temporal ${temporal.rssMb} MB`;
  const files = `open files ${worker.openFiles}, ${api.openFiles}`;
  return `${atSeconds} s: ${livesEnded} lives, ${liveVms} VMs; ${memory}; ${files}; load ${load}`;
}

async function resting(sampled: Sampled): Promise<RestingProcesses> {
  const { worker, api } = await sampleOf(sampled);
  return { worker, api };
}

/** Compares what is held at rest: a leak of one file in some lives shows here whatever the load was. */
function heldMore(before: RestingProcesses, after: RestingProcesses): string[] {
  return (['worker', 'api'] as const).flatMap((name) => {
    const [then, now] = [before[name], after[name]];
    const files = now.openFiles > then.openFiles + RESTING_FILES_SPARE;
    return [
      ...(files ? [`the ${name} holds ${now.openFiles} open files at rest, ${then.openFiles} at first`] : []),
      ...(now.children > then.children ? [`the ${name} has ${now.children} children, ${then.children} at first`] : []),
    ];
  });
}

function warmUpOf(samples: readonly SoakSample[]): number {
  return Math.round((samples.at(-1)?.atSeconds ?? 0) * WARM_UP_SHARE);
}

function trends(samples: readonly SoakSample[]): Record<string, Growth> {
  const measured = samples.filter(({ atSeconds }) => atSeconds >= warmUpOf(samples));
  const entries = Object.entries(WATCHED).map(([what, { of, tolerance }]) => {
    const points = measured.map((sample) => ({ seconds: sample.atSeconds, value: of(sample) }));
    return [what, growthOf(points, tolerance)] as const;
  });
  return Object.fromEntries(entries);
}

function grows(what: string, { mean, inWindow, inWindowShare, perHour }: Growth): string {
  const share = Math.round(inWindowShare * 100);
  return `${what} grows: ${perHour} an hour, ${inWindow} in the window, ${share} % of its mean ${mean}`;
}

const EMPTY_WITHIN_MS = 30_000;

/** Machines, their processes (which hold their addresses), VMs in the list and workflows that nobody ended. */
async function leftovers(server: TestServer, stack: Stack): Promise<string[]> {
  const look = async (): Promise<string[]> => {
    const [directories, commands, { body }] = [
      await stack.machines(),
      await processesOf(stack),
      await stack.calls.listVms(),
    ];
    const workflows: string[] = [];
    const query = `WorkflowType = 'vm' AND ExecutionStatus = 'Running'`;
    for await (const { workflowId } of server.client.workflow.list({ query })) workflows.push(workflowId);
    const listed = body.vms.map(({ name, state }) => `${name} is ${state}`);
    return [...directories, ...commands, ...listed, ...workflows.map((id) => `workflow ${id} runs`)];
  };
  const isEmpty = async (): Promise<true | undefined> => ((await look()).length === 0 ? true : undefined);
  const empty = await eventually(stack, 'nothing left', isEmpty, EMPTY_WITHIN_MS).catch(() => false);
  return empty ? [] : look();
}

async function loggedErrors({ stateDir }: Stack): Promise<string[]> {
  const logs = await Promise.all(['worker', 'api-0', 'api-1'].map((name) => textOf(`${stateDir}/${name}.log`)));
  return logs
    .flatMap((text) => text.split('\n'))
    .filter((line) => /"level":(50|60|"error"|"fatal")/.test(line))
    .map((line) => `logged as an error: ${line.slice(0, 400)}`);
}

function countByKind(lives: readonly LivedLife[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of lives) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

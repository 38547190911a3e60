/**
 * What happens when the one worker of many VMs is killed, stays away longer than their silence time-out, and comes
 * back: every VM falls silent at once, some have passed their idle deadline, and each one's link, workflow and machine
 * has to be found again. Light machines: see light-agents.ts.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildScript } from '../../commands/start/build-programs.ts';
import { inParallel } from '../../lib/waiting/in-parallel.ts';
import type { VmView } from '../../domain/vm/view.ts';
import { SEARCH_ATTRIBUTE, vmWorkflowId } from '../../domain/wire-names.ts';
import { viewQuery } from '../../workflows/messages.ts';
import { eventually, startStack, type Stack } from '../stack.ts';
import { startTestServer, type TestServer } from '../temporal-server.ts';
import { LightAgents } from './light-fleet.ts';
import type { LightWorkerNote } from './light-worker.ts';
import { requestsOf } from './server-requests.ts';

export interface RestartTrialOptions {
  vms: number;
  downSeconds: number;
  silenceTimeoutSeconds: number;
  /** Calls a second to the provider; its default when absent. */
  callsPerSecond?: number;
  say: (text: string) => void;
}

/** All times in ms since the worker was started again. */
export interface RestartResult {
  vms: number;
  withUsers: number;
  adoptedMs: number;
  /** Every VM with users answered a query. */
  queriesMs: number;
  /** Every new count of a sample reached its workflow. */
  reportsMs: number;
  /** Every VM whose users had left before the restart has ended. */
  idleEndsMs: number;
  wronglyEnded: string[];
  endedAsIdle: number;
  /** Machines that are there without a VM, or the other way round, at the end. */
  strayMachines: number;
  mostProviderCallsInASecond: number;
  providerCalls: number;
  mostTemporalRequestsInASecond: number;
  temporalRequests: Record<string, number>;
  mostOpenFiles: number;
  mostLinksOfOneMachine: number;
}

const WORKER = 'test-support/trials/light-worker.ts';
const AGENTS = 'test-support/trials/light-agents.ts';
const IN_FLIGHT = 30;
const LIMIT_MS = 180_000;

interface Trial {
  options: RestartTrialOptions;
  server: TestServer;
  stack: Stack;
  agents: LightAgents;
  notes: LightWorkerNote[];
  startWorker: () => Promise<ChildProcess>;
}

interface StartedVm {
  name: string;
  workflowId: string;
  machineId: string;
  leaves: boolean;
}

export async function runRestartTrial(options: RestartTrialOptions): Promise<RestartResult> {
  const server = await startTestServer();
  const rate = options.callsPerSecond;
  const env = {
    EPHEMERA_HOST_ID: 'light',
    EPHEMERA_SWEEP_INTERVAL_SECONDS: '5',
    ...(rate === undefined ? {} : { EPHEMERA_PROVIDER_CALLS_PER_SECOND: `local=${rate}` }),
  };
  const stack = await startStack({ server, worker: false, env });
  const dir = join(stack.stateDir, 'light');
  await mkdir(dir);
  const children: ChildProcess[] = [];
  const launch = async (script: string, args: string[]): Promise<ChildProcess> => {
    const child = fork(await buildScript(script), args, {
      execArgv: ['--enable-source-maps'],
      env: { ...process.env, ...stack.env },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    children.push(child);
    return child;
  };
  await launch(AGENTS, [LightAgents.controlPath(dir)]);
  const agents = await eventually(stack, 'the agents', async () => {
    await access(LightAgents.controlPath(dir));
    const found = new LightAgents(dir);
    const answer = await Promise.race([found.ask({ kind: 'look' }), sleep(1000)]);
    return answer === undefined ? undefined : found;
  });
  const notes: LightWorkerNote[] = [];
  const startWorker = async (): Promise<ChildProcess> => {
    const child = await launch(WORKER, []);
    child.on('message', (note: LightWorkerNote) => notes.push(note));
    return child;
  };
  try {
    return await measure({ options, server, stack, agents, notes, startWorker });
  } finally {
    agents.close();
    for (const child of children) child.kill('SIGKILL');
    await stack.stop();
    await server.stop();
  }
}

async function measure(trial: Trial): Promise<RestartResult> {
  const { options, server, agents, notes } = trial;
  const worker = await trial.startWorker();
  const vms = await startVms(trial);
  const stayers = vms.filter(({ leaves }) => !leaves);
  options.say(`${vms.length} VMs run`);
  await inParallel(
    vms.filter(({ leaves }) => leaves),
    IN_FLIGHT,
    ({ machineId }) => agents.ask({ kind: 'count', machineId, connections: 0 }).then(() => undefined),
  );
  const leaving = vms.length - stayers.length;
  await untilCount(trial, 'the users gone', leaving, async () => {
    const views = await viewsOf(
      trial,
      vms.filter(({ leaves }) => leaves),
    );
    return views.filter(({ connections }) => connections === 0).length;
  });
  worker.kill('SIGKILL');
  await once(worker, 'exit');
  options.say(`the worker is dead for ${options.downSeconds} s`);
  await sleep(options.downSeconds * 1000);
  notes.length = 0;
  const before = await requestsOf(server);
  const watch = watchRequests(server);
  const begun = Date.now();
  await trial.startWorker();
  const since = async (work: Promise<unknown>): Promise<number> => {
    await work;
    return Date.now() - begun;
  };
  const [adoptedMs = NaN, queriesMs = NaN, reportsMs = NaN, idleEndsMs = NaN] = await allSettled([
    since(untilCount(trial, 'adopted', 1, () => Promise.resolve(notes.some(({ adopted }) => adopted) ? 1 : 0))),
    since(inParallel(stayers, IN_FLIGHT, (vm) => viewOf(trial, vm).then(() => undefined))),
    since(newCounts(trial, stayers.slice(0, 50))),
    since(untilCount(trial, 'ended as idle', leaving, () => closedAs(trial, 'destroyed'))),
  ]);
  options.say(`ms: adopted ${adoptedMs}, queries ${queriesMs}, reports ${reportsMs}, idle ends ${idleEndsMs}`);
  // Whoever is to be lost wrongly is lost after the silence and its grace.
  await sleep(Math.max(0, begun + (2 * options.silenceTimeoutSeconds + 5) * 1000 - Date.now()));
  const views = await viewsOf(trial, stayers);
  const wronglyEnded = views
    .filter(({ state, health }) => state !== 'running' || health !== 'ok')
    .map(({ name, state, reason, health }) => `${name}: ${state} ${reason ?? ''} ${health}`);
  const { machines } = await agents.ask({ kind: 'look' });
  const calls = notes.flatMap(({ providerCalls }) => providerCalls);
  const after = await requestsOf(server);
  return {
    vms: vms.length,
    withUsers: stayers.length,
    adoptedMs,
    queriesMs,
    reportsMs,
    idleEndsMs,
    wronglyEnded,
    endedAsIdle: await closedAs(trial, 'destroyed'),
    strayMachines: Math.abs(machines.length - stayers.length),
    mostProviderCallsInASecond: mostInASecond(calls),
    providerCalls: calls.length,
    mostTemporalRequestsInASecond: watch.stop(),
    temporalRequests: Object.fromEntries(
      Object.entries(after)
        .map(([name, count]) => [name, count - (before[name] ?? 0)] as const)
        .filter(([, count]) => count > 0)
        .sort(([, a], [, b]) => b - a),
    ),
    mostOpenFiles: Math.max(...notes.map(({ openFiles }) => openFiles)),
    mostLinksOfOneMachine: Math.max(...machines.map(({ links }) => links)),
  };
}

async function startVms(trial: Trial): Promise<StartedVm[]> {
  const { options, stack } = trial;
  const { silenceTimeoutSeconds, downSeconds } = options;
  const wanted = Array.from({ length: options.vms }, (_, index) => ({ name: `vm-${index}`, leaves: index % 5 === 0 }));
  const started: StartedVm[] = [];
  await inParallel(wanted, IN_FLIGHT, async ({ name, leaves }) => {
    const idle = { silenceTimeoutSeconds, timeoutSeconds: leaves ? downSeconds + 5 : 3600 };
    const body = { name, template: 'chat', labels: { connections: '1' }, idle };
    const { status, body: vm } = await stack.calls.createVm(body, { wait: 'ready', timeoutSeconds: 120 });
    if (status !== 201 || vm.state !== 'running') throw new Error(`${status}: ${JSON.stringify(vm)}`);
    started.push({ name, leaves, machineId: vm.machineId, workflowId: vmWorkflowId('default', name) });
  });
  return started;
}

/** Asks until somebody answers: for some seconds after a restart nobody does. */
function viewOf({ server, stack }: Trial, { workflowId }: StartedVm): Promise<VmView> {
  const ask = (): Promise<VmView> => server.client.workflow.getHandle(workflowId).query(viewQuery);
  return eventually(stack, `an answer of ${workflowId}`, ask, LIMIT_MS);
}

async function viewsOf(trial: Trial, vms: StartedVm[]): Promise<VmView[]> {
  const views: VmView[] = [];
  await inParallel(vms, IN_FLIGHT, async (vm) => void views.push(await viewOf(trial, vm)));
  return views;
}

async function newCounts(trial: Trial, vms: StartedVm[]): Promise<void> {
  await inParallel(vms, IN_FLIGHT, async (vm) => {
    await trial.agents.ask({ kind: 'count', machineId: vm.machineId, connections: 7 });
    await untilCount(trial, `${vm.name} with 7 connections`, 7, async () => (await viewOf(trial, vm)).connections ?? 0);
  });
}

async function closedAs({ server, stack }: Trial, state: string): Promise<number> {
  const query = `TaskQueue = '${stack.controlTaskQueue}' AND ExecutionStatus = 'Completed' AND ${SEARCH_ATTRIBUTE.state.name} = '${state}'`;
  return (await server.client.workflow.count(query)).count;
}

async function untilCount(trial: Trial, what: string, wanted: number, count: () => Promise<number>): Promise<void> {
  let last = -1;
  const look = async (): Promise<true | undefined> => {
    last = await count();
    if (last === wanted) return true;
    await sleep(200);
    throw new Error(`${last} of ${wanted}`);
  };
  await eventually(trial.stack, what, look, LIMIT_MS);
}

/** All of them have ended when it rejects, so that nobody is still talking to what is stopped then. */
async function allSettled(works: Promise<number>[]): Promise<number[]> {
  await Promise.allSettled(works);
  return Promise.all(works);
}

function mostInASecond(times: number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  let [most, first] = [0, 0];
  for (const [last, at] of sorted.entries()) {
    while ((sorted[first] ?? at) <= at - 1000) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

/** The most requests that the server answered in any second, as far as it is looked at each second. */
function watchRequests(server: TestServer): { stop: () => number } {
  let [most, last, lastAt, isOver] = [0, -1, 0, false];
  void (async () => {
    while (!isOver) {
      const total = Object.values(await requestsOf(server)).reduce((sum, count) => sum + count, 0);
      const now = Date.now();
      if (last >= 0) most = Math.max(most, ((total - last) / (now - lastAt)) * 1000);
      [last, lastAt] = [total, now];
      await sleep(1000);
    }
  })().catch(() => undefined);
  return {
    stop: () => {
      isOver = true;
      return Math.round(most);
    },
  };
}

/**
 * kill -9 of the Temporal server, the worker and the API at the same moment, beside many VMs with real local machines:
 * a quarter with users that stay, a quarter whose users leave while everything is down, the rest empty.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { TimelineEntryView, VmView } from '../../domain/vm/view.ts';
import { inParallel } from '../../lib/waiting/in-parallel.ts';
import { joinChat, type ChatClient } from '../chat-client.ts';
import { seeVm, startStack, type Stack } from '../stack.ts';
import { startTestServer } from '../temporal-server.ts';

export interface CrashTrialOptions {
  vms: number;
  downSeconds: number;
  say: (text: string) => void;
}

export interface CrashResult {
  vms: number;
  withUsers: number;
  left: number;
  /** From the restart until each VM answered a query through the API, and someone who joined was counted, in ms. */
  responsiveMs: number;
  /** From the restart until every VM whose users had left was destroyed as idle, in ms. */
  idleEndsMs: number;
  /** How much earlier than its deadline, by the idle rule, the earliest of them ended; 0 when none did. */
  endedTooEarlyMs: number;
  /** VMs that are not what they should be, with what they are. */
  wronglyEnded: string[];
  /** Machines too many, too few or twice. */
  strayMachines: string[];
  /** Timelines with a gap, a repetition or without what must be there. */
  brokenTimelines: string[];
  /** Users that stayed and heard no echo of what they said. */
  cutOff: number;
}

interface TrialVm {
  name: string;
  machineId: string;
  kind: 'stays' | 'leaves' | 'empty';
  user: ChatClient | null;
}

const LANES = 8;
const PORT = 8080;
const LIMIT_MS = 180_000;
const CLOCK_MS = 1000;

export async function runCrashTrial(options: CrashTrialOptions): Promise<CrashResult> {
  const server = await startTestServer();
  const stack = await startStack({ server });
  const api = stack.apis[0];
  if (api === undefined) throw new Error('the stack has no API');
  const vms: TrialVm[] = [];
  try {
    const idleSeconds = options.downSeconds + 10;
    const kinds = Array.from({ length: options.vms }, (_, index) => KINDS[index % KINDS.length] ?? 'empty');
    await inParallel(kinds, LANES, async (kind, index) => {
      vms.push(await startVm(stack, `vm-${index}`, kind, idleSeconds));
    });
    options.say(`${vms.length} VMs run`);
    await Promise.all([server.kill(), stack.worker.kill(), api.kill()]);
    await Promise.all(vms.filter(({ kind }) => kind === 'leaves').map(leave));
    const leftAt = Date.now();
    await sleep(options.downSeconds * 1000);
    const begun = Date.now();
    await Promise.all([server.restart(), stack.worker.start(), api.start()]);
    await untilResponsive(stack, vms);
    const responsiveMs = Date.now() - begun;
    options.say(`all responsive after ${responsiveMs} ms`);
    const ended = await idleEnds(stack, vms);
    const idleEndsMs = Date.now() - begun;
    const earliest = Math.min(...ended.map(({ updatedAt }) => Date.parse(updatedAt)));
    return {
      vms: vms.length,
      withUsers: vms.filter(({ kind }) => kind === 'stays').length,
      left: ended.length,
      responsiveMs,
      idleEndsMs,
      endedTooEarlyMs: Math.max(0, leftAt + idleSeconds * 1000 - CLOCK_MS - earliest),
      wronglyEnded: await wronglyEnded(stack, vms),
      strayMachines: await strayMachines(stack, vms),
      brokenTimelines: await brokenTimelines(stack, vms),
      cutOff: await cutOff(vms),
    };
  } catch (error) {
    options.say(await stack.logs());
    throw error;
  } finally {
    await Promise.allSettled(vms.map(leave));
    await stack.stop();
    await server.stop();
  }
}

const KINDS: readonly TrialVm['kind'][] = ['stays', 'leaves', 'empty', 'empty'];

async function startVm(stack: Stack, name: string, kind: TrialVm['kind'], idleSeconds: number): Promise<TrialVm> {
  const idle = { timeoutSeconds: kind === 'leaves' ? idleSeconds : 3600, firstConnectTimeoutSeconds: 3600 };
  await stack.calls.createVm({ name, template: 'chat', idle });
  const vm = await seeVm(stack, name, 'running', ({ state }) => state === 'running', LIMIT_MS);
  const user = kind === 'empty' ? null : await joinChat(vm.address?.ip ?? '', PORT, 'lobby', 'ann');
  if (user) await seeVm(stack, name, 'one connection', ({ connections }) => connections === 1, LIMIT_MS);
  return { name, machineId: vm.machineId, kind, user };
}

async function leave({ user }: TrialVm): Promise<void> {
  await user?.leave();
}

/** Asked of the workflow itself. */
const FRESH = { fresh: true };

/** Each workflow answers, and each link carries: somebody new is counted in every VM with users. */
async function untilResponsive(stack: Stack, vms: readonly TrialVm[]): Promise<void> {
  await inParallel(vms, LANES, async ({ name, kind }) => {
    if (kind === 'leaves') {
      await seeVm(stack, name, 'an answer', ({ name: answered }) => answered === name, LIMIT_MS, FRESH);
      return;
    }
    const vm = await seeVm(stack, name, 'running', ({ state }) => state === 'running', LIMIT_MS, FRESH);
    if (kind === 'empty') return;
    const visitor = await joinChat(vm.address?.ip ?? '', PORT, 'lobby', 'visitor');
    await seeVm(stack, name, 'two connections', ({ connections }) => connections === 2, LIMIT_MS, FRESH);
    await visitor.leave();
  });
}

async function idleEnds(stack: Stack, vms: readonly TrialVm[]): Promise<VmView[]> {
  const ended: VmView[] = [];
  const leaving = vms.filter(({ kind }) => kind === 'leaves');
  await inParallel(leaving, LANES, async ({ name }) => {
    const vm = await seeVm(
      stack,
      name,
      'its end',
      ({ state }) => state === 'destroyed' || state === 'failed',
      LIMIT_MS,
    );
    ended.push(vm);
  });
  return ended;
}

async function wronglyEnded(stack: Stack, vms: readonly TrialVm[]): Promise<string[]> {
  const wrong: string[] = [];
  await inParallel(vms, LANES, async ({ name, machineId, kind }) => {
    const { body } = await stack.calls.getVm(name);
    const isRight =
      kind === 'leaves'
        ? body.state === 'destroyed' && body.reason === 'idle'
        : body.state === 'running' && body.health === 'ok';
    if (!isRight || body.machineId !== machineId) wrong.push(`${name} (${kind}): ${JSON.stringify(body)}`);
  });
  return wrong;
}

async function strayMachines(stack: Stack, vms: readonly TrialVm[]): Promise<string[]> {
  const wanted = vms.filter(({ kind }) => kind !== 'leaves').map(({ machineId }) => machineId);
  const look = async (): Promise<string[]> => {
    const there = await stack.machines();
    const tooMany = there
      .filter((machineId) => !wanted.includes(machineId))
      .map((machineId) => `${machineId} too many`);
    const missing = wanted.filter((machineId) => !there.includes(machineId)).map((machineId) => `${machineId} missing`);
    return [...tooMany, ...missing];
  };
  return look();
}

async function brokenTimelines(stack: Stack, vms: readonly TrialVm[]): Promise<string[]> {
  const broken: string[] = [];
  await inParallel(vms, LANES, async ({ name, kind }) => {
    const { body } = await stack.calls.getTimeline(name);
    const why = timelineFault(body.events, kind);
    if (why !== undefined) broken.push(`${name} (${kind}): ${why}: ${JSON.stringify(body.events)}`);
  });
  return broken;
}

function timelineFault(events: readonly TimelineEntryView[], kind: TrialVm['kind']): string | undefined {
  const first = events[0]?.number ?? NaN;
  if (!events.every(({ number }, index) => number === first + index)) return 'a gap or a repetition';
  const states = events.filter((event) => event.kind === 'state').map(({ state }) => state);
  const lived = ['creating', 'booting', 'running'];
  const wanted = kind === 'leaves' ? [...lived, 'destroying', 'destroyed'] : lived;
  if (states.join() !== wanted.join()) return `states ${states.join()} instead of ${wanted.join()}`;
  const counts = events.filter((event) => event.kind === 'connections').map(({ detail }) => detail);
  if (kind === 'leaves' && counts.join() !== '1 connection,0 connections') return `counts ${counts.join()}`;
  return undefined;
}

async function cutOff(vms: readonly TrialVm[]): Promise<number> {
  const stayed = vms.filter(({ kind }) => kind === 'stays');
  const heard = stayed.map(async ({ user }) => {
    user?.say('still there?');
    await user?.hears('still there?');
  });
  return (await Promise.allSettled(heard)).filter(({ status }) => status === 'rejected').length;
}

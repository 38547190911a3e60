/** One whole life of a VM, told line by line; everything goes through the REST API and the VM's own address. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TimelineEntry, Vm } from '../../client/api-client.ts';
import { DemoChatter, acceptsConnections, type DemoApi } from './demo-client.ts';
import { ScriptError, coloured, say, step } from '../terminal/terminal.ts';

const IDLE_SECONDS = 5;
const POLL_MS = 200;
const COUNT_DEADLINE_MS = 15_000;
/** The idle time, the confirmation before a machine is destroyed, and the destroy itself. */
const DESTROYED_DEADLINE_MS = IDLE_SECONDS * 1000 + 45_000;
const GONE_DEADLINE_MS = 5000;

interface Endpoint {
  ip: string;
  port: number;
}

/** @throws ScriptError at the first thing that is not as it should be. */
export async function liveOneLife(api: DemoApi): Promise<void> {
  const name = `demo-${randomBytes(4).toString('hex')}`;
  try {
    const vm = await createVm(api, name);
    const endpoint = endpointOf(vm);
    const chatters = await chat(endpoint);
    await step('the list shows 2 connections', () => awaitConnections(api, name, 2));
    const leftAt = await leave(api, name, chatters);
    await awaitDestroyed(api, name, leftAt);
    await awaitGone(endpoint);
    await sayTimeline(api, name);
  } catch (error) {
    await api.destroy(name).catch(() => undefined);
    throw error;
  }
}

async function createVm(api: DemoApi, name: string): Promise<Vm> {
  return step(`create ${name} from the template chat, idle after ${IDLE_SECONDS} s`, async ({ note }) => {
    const vm = await api.create({ name, template: 'chat', idle: { timeoutSeconds: IDLE_SECONDS } });
    if (vm.state !== 'running') throw new ScriptError(`${name} is ${vm.state} and not running: ${vm.detail ?? ''}`);
    note(`${vm.state} at ${vm.address?.ip ?? 'no address'}, machine ${vm.machineId ?? '?'}`);
    if (vm.temporalUiUrl !== undefined) say(`  its workflow: ${vm.temporalUiUrl}`);
    return vm;
  });
}

function endpointOf(vm: Vm): Endpoint {
  const port = vm.address?.ports.find(({ name }) => name === 'http')?.port;
  if (vm.address === undefined || port === undefined) throw new ScriptError(`${vm.name} has no address with port http`);
  return { ip: vm.address.ip, port };
}

async function chat({ ip, port }: Endpoint): Promise<DemoChatter[]> {
  return step('two chat clients exchange messages', async ({ note }) => {
    const url = `ws://${ip}:${port}/rooms/demo`;
    const ada = await DemoChatter.join(url, 'Ada');
    const grace = await DemoChatter.join(url, 'Grace');
    await ada.hears(({ people }) => people === 2, 'that Grace came');
    ada.say('Is this machine ours alone?');
    await grace.hears(({ from, text }) => from === 'Ada' && text === 'Is this machine ours alone?', 'Ada');
    grace.say('Yes, until we leave.');
    await ada.hears(({ from, text }) => from === 'Grace' && text === 'Yes, until we leave.', 'Grace');
    note(url);
    return [ada, grace];
  });
}

async function awaitConnections(api: DemoApi, name: string, wanted: number): Promise<Vm> {
  let last: Vm | undefined;
  const until = Date.now() + COUNT_DEADLINE_MS;
  while (Date.now() < until) {
    last = (await api.list()).find((vm) => vm.name === name);
    if (last?.connections === wanted) return last;
    await sleep(POLL_MS);
  }
  throw new ScriptError(`the list shows ${String(last?.connections)} connections of ${name}, not ${wanted}`);
}

async function leave(api: DemoApi, name: string, chatters: DemoChatter[]): Promise<number> {
  return step('both leave', async ({ note }) => {
    await Promise.all(chatters.map((chatter) => chatter.leave()));
    const leftAt = Date.now();
    const vm = await awaitConnections(api, name, 0);
    note(
      `alive because ${String(vm.aliveBecause)}, next: ${vm.nextDeadline?.kind ?? '?'} at ${vm.nextDeadline?.at ?? '?'}`,
    );
    return leftAt;
  });
}

async function awaitDestroyed(api: DemoApi, name: string, leftAt: number): Promise<void> {
  await step('destroyed at its idle deadline', async ({ note }) => {
    let vm = await api.get(name);
    while (vm.state !== 'destroyed') {
      if (vm.state === 'failed' || Date.now() > leftAt + DESTROYED_DEADLINE_MS) {
        throw new ScriptError(`${name} is ${vm.state} (${vm.reason ?? vm.aliveBecause ?? ''}), not destroyed`);
      }
      await sleep(POLL_MS);
      vm = await api.get(name);
    }
    const afterSeconds = (Date.now() - leftAt) / 1000;
    if (vm.reason !== 'idle')
      throw new ScriptError(`${name} was destroyed for the reason ${vm.reason ?? '?'}, not idle`);
    if (afterSeconds < IDLE_SECONDS - 1) throw new ScriptError(`${name} was destroyed after ${afterSeconds} s already`);
    note(`reason ${vm.reason}, ${afterSeconds.toFixed(1)} s after the last one left`);
  });
}

async function awaitGone({ ip, port }: Endpoint): Promise<void> {
  await step('the machine is gone', async ({ note }) => {
    const until = Date.now() + GONE_DEADLINE_MS;
    while (await acceptsConnections(ip, port)) {
      if (Date.now() > until) throw new ScriptError(`something still listens at ${ip}:${port}`);
      await sleep(POLL_MS);
    }
    note(`${ip}:${port} refuses connections`);
  });
}

async function sayTimeline(api: DemoApi, name: string): Promise<void> {
  const events = await api.timeline(name);
  if (events.at(-1)?.state !== 'destroyed')
    throw new ScriptError(`the timeline of ${name} does not end with destroyed`);
  say(`\n${coloured(`Timeline of ${name}`, 'bold')}`);
  for (const row of timelineTable(events)) say(`  ${row}`);
  say('');
}

/** Rows of aligned columns: time since the start, state, what happened, why. */
export function timelineTable(events: readonly TimelineEntry[]): string[] {
  const startedAt = Date.parse(events[0]?.at ?? '');
  const cells = events.map(({ at, state, kind, reason, detail }) => [
    at.slice(11, 23),
    `+${((Date.parse(at) - startedAt) / 1000).toFixed(1)} s`,
    state,
    kind === 'state' ? '' : kind,
    [reason, detail].filter(Boolean).join(': '),
  ]);
  const rows = [['time (UTC)', 'since', 'state', 'event', 'reason'], ...cells];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

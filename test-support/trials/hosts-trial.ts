/**
 * Many VMs on four hosts, and what happens to hosts: the worker of one is killed and comes back; then the power of that
 * host is cut, the worker of another is stopped for longer than its host may be away, and a third is cut off from Temporal,
 * all at once. The fourth is left alone. Then all return.
 */
import type { VmView } from '../../domain/vm/view.ts';
import { inParallel } from '../../lib/waiting/in-parallel.ts';
import { joinChat, type ChatClient } from '../chat-client.ts';
import { startFleet, type Fleet, type FleetHost } from '../hosts/fleet.ts';
import { watchServing } from '../hosts/serving-watch.ts';
import { eventually, seeVm } from '../stack.ts';
import { startTestServer } from '../temporal-server.ts';

export interface HostsTrialOptions {
  vms: number;
  /** How long a host may be away; its fence and the registry go by it. */
  lostSeconds: number;
  /** Loses three hosts at once after that; otherwise only a worker is killed. */
  loses: boolean;
  say: (text: string) => void;
  /** What is known so far, for a trial that is ended before its end. */
  note?: (part: Partial<HostsTrialResult>) => void;
  /** Ends the trial: it rejects with the reason once its processes are gone. */
  signal?: AbortSignal;
}

export interface HostsTrialResult {
  vms: number;
  /** VMs on each host at first. */
  spread: Record<string, number>;
  startedSeconds: number;
  /** From the loss of three hosts until every VM of theirs had ended or served elsewhere. */
  settledSeconds: number;
  /** From when they came back until the registry had them ready again. */
  returnedSeconds: number;
  recreated: number;
  endedAsLost: number;
  /** How often all machines were looked at. */
  looks: number;
  /** What must not have happened. */
  wrong: string[];
}

interface TrialVm {
  name: string;
  onLost: 'recreate' | 'destroy';
  first: VmView;
  user: ChatClient | null;
}

type FourHosts = [FleetHost, FleetHost, FleetHost, FleetHost];
type Losses = Pick<HostsTrialResult, 'settledSeconds' | 'returnedSeconds' | 'recreated' | 'endedAsLost' | 'wrong'>;

const NO_LOSSES: Losses = { settledSeconds: 0, returnedSeconds: 0, recreated: 0, endedAsLost: 0, wrong: [] };
const LANES = 8;
const PORT = 8080;
/** Every so many VMs one has a user, and one comes back elsewhere when its host is lost. */
const USED_EACH = 2;
const RECREATED_EACH = 3;
const SETTLE_MS = 180_000;
const SAID_EACH = 20;

export async function runHostsTrial(options: HostsTrialOptions): Promise<HostsTrialResult> {
  const server = await startTestServer();
  const fleet = await startFleet({
    server,
    hosts: 4,
    env: {
      EPHEMERA_HOST_LOST_SECONDS: `${options.lostSeconds}`,
      EPHEMERA_SWEEP_INTERVAL_SECONDS: '5',
      EPHEMERA_HOST_CPUS: `${options.vms}`,
      EPHEMERA_HOST_MEMORY_MB: `${options.vms * 1024}`,
    },
  });
  try {
    const trial = runOn(fleet, options);
    trial.catch(() => undefined);
    return await Promise.race([trial, ...(options.signal === undefined ? [] : [aborted(options.signal)])]);
  } catch (error) {
    if (options.signal?.aborted !== true) options.say(await fleet.logs());
    throw error;
  } finally {
    await fleet.stop();
    await server.stop();
  }
}

async function runOn(fleet: Fleet, options: HostsTrialOptions): Promise<HostsTrialResult> {
  const { say } = options;
  const wrong: string[] = [];
  const watch = watchServing(fleet);
  const begunAt = performance.now();
  const vms = await startVms(fleet, options);
  const startedSeconds = secondsSince(begunAt);
  const spread = Object.fromEntries(
    fleet.hosts.map(({ id }) => [id, vms.filter(({ first }) => first.host === id).length]),
  );
  options.note?.({ vms: vms.length, spread, startedSeconds });
  say(`${vms.length} VMs run after ${startedSeconds} s: ${JSON.stringify(spread)}`);
  for (const [id, count] of Object.entries(spread)) if (count === 0) wrong.push(`${id} got no VM`);

  const [killed, , , spared] = fleet.hosts as FourHosts;
  await killed.worker.kill();
  await killed.worker.start();
  wrong.push(...(await untouched(fleet, vms, [killed.id, spared.id])).map((what) => `after a killed worker: ${what}`));
  say('a worker was killed and is back');

  const losses = options.loses ? await loseThree(fleet, vms, options) : NO_LOSSES;
  wrong.push(...losses.wrong);
  await Promise.all(vms.map(async ({ user }) => user?.leave()));
  await inParallel(vms, LANES, ({ name }) => fleet.stack.calls.destroyVm(name).then(() => undefined));
  wrong.push(...(await leftovers(fleet)));
  await watch.stop();
  wrong.push(...watch.twice.map((what) => `two machines served: ${what}`));
  return {
    ...{ vms: vms.length, spread, startedSeconds, ...losses },
    ...{ looks: watch.looks, wrong },
  };
}

/** The power of one is cut, the worker of another is stopped, a third is cut off; then all return. */
async function loseThree(fleet: Fleet, vms: readonly TrialVm[], options: HostsTrialOptions): Promise<Losses> {
  const { say, note } = options;
  const [powerless, paused, cutOff, spared] = fleet.hosts as FourHosts;
  const away = [powerless.id, paused.id, cutOff.id];
  const lostAt = performance.now();
  paused.pause();
  cutOff.network.cut();
  await powerless.cutPower();
  const settled = await untilSettled(fleet, vms, away);
  const settledSeconds = secondsSince(lostAt);
  const { recreated, endedAsLost } = settled;
  note?.({ settledSeconds, recreated, endedAsLost });
  say(`the VMs of three lost hosts have ended or serve elsewhere after ${settledSeconds} s`);
  const meanwhile = await untouched(fleet, vms, [spared.id]);
  const returnedAt = performance.now();
  paused.resume();
  cutOff.network.heal();
  await powerless.worker.start();
  const back = await untilBack(fleet, away);
  const returnedSeconds = secondsSince(returnedAt);
  note?.({ returnedSeconds });
  say(`all hosts are ready again after ${returnedSeconds} s`);
  const spoiled = [...meanwhile, ...(await untouched(fleet, vms, [spared.id]))];
  const wrong = [...settled.wrong, ...back, ...spoiled.map((what) => `on the spared host: ${what}`)];
  return { ...settled, settledSeconds, returnedSeconds, wrong };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = (): void => reject(signal.reason as Error);
    if (signal.aborted) fail();
    signal.addEventListener('abort', fail, { once: true });
  });
}

async function startVms(fleet: Fleet, { vms: count, say }: HostsTrialOptions): Promise<TrialVm[]> {
  const vms: TrialVm[] = [];
  const numbers = Array.from({ length: count }, (_, number) => number);
  await inParallel(numbers, LANES, async (number) => {
    const name = `vm-${number}`;
    const onLost = number % RECREATED_EACH === 0 ? 'recreate' : 'destroy';
    const idle = { timeoutSeconds: 3600, firstConnectTimeoutSeconds: 3600, silenceTimeoutSeconds: 3600 };
    const { status, body } = await fleet.stack.calls.createVm({ name, template: 'chat', onLost, idle });
    if (status !== 201) throw new Error(`${name}: ${JSON.stringify(body)}`);
    const first = await seeVm(
      { ...fleet.stack, logs: fleet.logs },
      name,
      'running',
      ({ state }) => state === 'running',
      SETTLE_MS,
    );
    const user = number % USED_EACH === 0 ? await joinChat(first.address?.ip ?? '', PORT, 'lobby', 'ann') : null;
    vms.push({ name, onLost, first, user });
    if (vms.length % SAID_EACH === 0) say(`${vms.length} of ${count} VMs run`);
  });
  return vms;
}

/** VMs on these hosts serve with the machine that they had, and their users still talk. */
async function untouched({ stack }: Fleet, vms: readonly TrialVm[], hosts: readonly string[]): Promise<string[]> {
  const wrong: string[] = [];
  const here = vms.filter(({ first }) => hosts.includes(first.host ?? ''));
  await inParallel(here, LANES, async ({ name, first, user }) => {
    const { body } = await stack.calls.getVm(name, { fresh: true });
    if (body.state !== 'running' || body.machineId !== first.machineId)
      wrong.push(`${name} is ${JSON.stringify(body)}`);
    const text = `still there at ${Math.round(performance.now())}?`;
    user?.say(text);
    await user?.hears(text).catch(() => wrong.push(`the user of ${name} was cut off`));
  });
  return wrong;
}

interface Settled {
  recreated: number;
  endedAsLost: number;
  wrong: string[];
}

/** VMs of lost hosts end as lost, or serve on another host under the same name. */
async function untilSettled(fleet: Fleet, vms: readonly TrialVm[], away: readonly string[]): Promise<Settled> {
  const settled: Settled = { recreated: 0, endedAsLost: 0, wrong: [] };
  const stack = { ...fleet.stack, logs: fleet.logs };
  const lost = vms.filter(({ first }) => away.includes(first.host ?? ''));
  await inParallel(lost, LANES, async ({ name, onLost, first }) => {
    const isSettled = ({ state, machineId }: VmView): boolean =>
      state === 'failed' || state === 'destroyed' || (state === 'running' && machineId !== first.machineId);
    const vm = await seeVm(stack, name, 'lost and settled', isSettled, SETTLE_MS);
    const isElsewhere = vm.state === 'running' && !away.includes(vm.host ?? '');
    if (onLost === 'recreate' && isElsewhere) settled.recreated += 1;
    else if (onLost === 'destroy' && vm.state === 'failed' && vm.reason === 'lost') settled.endedAsLost += 1;
    else settled.wrong.push(`${name} (${onLost}) is ${JSON.stringify(vm)}`);
  });
  return settled;
}

/** Ready in the registry, and by then without any machine of before. */
async function untilBack(fleet: Fleet, away: readonly string[]): Promise<string[]> {
  const wrong: string[] = [];
  const stack = { ...fleet.stack, logs: fleet.logs };
  const waits = away.map(async (id) => {
    await eventually(
      stack,
      `${id} is ready`,
      async () => ((await stateOf(fleet, id)) === 'ready' ? true : undefined),
      SETTLE_MS,
    );
    const host = fleet.hosts.find((one) => one.id === id);
    for (const { machineId } of (await host?.machines()) ?? []) wrong.push(`${id} is ready and still has ${machineId}`);
  });
  await Promise.all(waits);
  return wrong;
}

async function stateOf({ stack }: Fleet, id: string): Promise<string | undefined> {
  const { body } = await stack.calls.listHosts();
  const hosts = body['hosts'] as { id: string; state: string }[] | undefined;
  return hosts?.find((host) => host.id === id)?.state;
}

async function leftovers(fleet: Fleet): Promise<string[]> {
  const look = async (): Promise<string[]> => {
    const found = fleet.hosts.map(async ({ id, machines }) =>
      (await machines()).map(({ machineId }) => `${machineId} on ${id}`),
    );
    return (await Promise.all(found)).flat();
  };
  try {
    const stack = { logs: () => Promise.resolve('') };
    await eventually(stack, 'nothing left', async () => ((await look()).length === 0 ? true : undefined), SETTLE_MS);
    return [];
  } catch {
    return (await look()).map((what) => `left behind: ${what}`);
  }
}

function secondsSince(at: number): number {
  return Math.round((performance.now() - at) / 100) / 10;
}

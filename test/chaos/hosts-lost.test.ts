/** Hosts that are gone for longer than they may be, and what they find when they go on. Real processes. */
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import type { VmView } from '../../domain/vm/view.ts';
import { joinChat } from '../../test-support/chat-client.ts';
import { startFleet, type Fleet, type FleetHost } from '../../test-support/hosts/fleet.ts';
import {
  CHAT_PORT,
  cutOff,
  readyVmWhere,
  serves,
  stateOfHost,
  type ReachedVm,
} from '../../test-support/hosts/fleet-vms.ts';
import { watchServing } from '../../test-support/hosts/serving-watch.ts';
import { eventually, machineIdsIn, seeVm } from '../../test-support/stack.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';

/** The shortest there is: the fence stops machines after 10 s, and after 10 s + 15 s the host is lost. */
const LOST_SECONDS = 15;
/** Of the host whose id moves: time enough for another worker of its id to start while its machines serve. */
const MOVED_LOST_SECONDS = LOST_SECONDS + 30;
const SEEN_MS = (MOVED_LOST_SECONDS + 65) * 1000;
/** A frozen computer that goes on knows nothing of it before its fence has looked; each half second it does. */
const FENCE_LOOKS_MS = 2000;

let server: TestServer;
let fleet: Fleet;
beforeAll(async () => {
  server = await startTestServer();
  fleet = await startFleet({
    server,
    hosts: 2,
    env: { EPHEMERA_HOST_LOST_SECONDS: `${LOST_SECONDS}`, EPHEMERA_SWEEP_INTERVAL_SECONDS: '5' },
    hostEnv: (index) => (index === 1 ? { EPHEMERA_HOST_LOST_SECONDS: `${MOVED_LOST_SECONDS}` } : {}),
  });
});
afterAll(async () => {
  await fleet.stop();
  await server.stop();
});

const readyOn = ({ id }: FleetHost, onLost: 'recreate' | 'destroy'): Promise<ReachedVm> =>
  readyVmWhere(fleet, ({ host }) => host === id, { onLost });
const see = (name: string, what: string, wanted: (vm: VmView) => boolean): Promise<VmView> =>
  seeVm({ ...fleet.stack, logs: fleet.logs }, name, what, wanted, SEEN_MS);
const until = (what: string, isSo: () => Promise<boolean>): Promise<true> =>
  eventually(fleet, what, async () => ((await isSo()) ? true : undefined), SEEN_MS);

describe('a host', () => {
  it('of which everything was stopped for longer than it may be away: its VMs are elsewhere, and it goes on clean', async () => {
    onTestFailed(async () => console.log(await fleet.logs()));
    const [frozen, other] = fleet.hosts as [FleetHost, FleetHost];
    const [again, gone, bystander] = [
      await readyOn(frozen, 'recreate'),
      await readyOn(frozen, 'destroy'),
      await readyOn(other, 'destroy'),
    ];
    const ann = await joinChat(bystander.ip, CHAT_PORT, 'lobby', 'ann');
    const watch = watchServing(fleet);
    const thaw = await frozen.freeze();
    const replaced = await see(again.name, 'elsewhere', ({ state, host }) => state === 'running' && host === other.id);
    await see(gone.name, 'its loss', ({ state, reason }) => state === 'failed' && reason === 'lost');
    await watch.stop();
    expect(watch.twice).toEqual([]);

    const thawedAt = performance.now();
    thaw();
    await until('the end of its machines', async () => !(await serves(again)) && !(await serves(gone)));
    expect(performance.now() - thawedAt).toBeLessThan(FENCE_LOOKS_MS);
    const afterwards = watchServing(fleet);
    await until('the host ready', async () => (await stateOfHost(fleet, frozen.id)) === 'ready');
    expect(await machineIdsIn(frozen.stateDir)).toEqual([]);
    await readyOn(frozen, 'destroy');
    await afterwards.stop();
    expect(afterwards.twice).toEqual([]);

    for (const { name, machineId } of [replaced, bystander])
      expect((await fleet.stack.call('GET', `/v1/vms/${name}?fresh=true`)).body).toMatchObject({
        ...{ state: 'running', machineId },
      });
    ann.say('still here');
    await ann.hears('still here');
    await ann.leave();
  });

  it('whose id moves to another computer while its machines serve where it was: none is replaced before it has ended', async () => {
    onTestFailed(async () => console.log(await fleet.logs()));
    const here = fleet.hosts[1]!;
    const again = await readyOn(here, 'recreate');
    const bystander = await readyOn(fleet.hosts[0]!, 'destroy');
    const watch = watchServing(fleet);
    await cutOff(fleet, here);
    const moved = await fleet.elsewhere(here);
    await moved.worker.begin();
    await until('why it waits', async () => (await moved.log()).includes('whose machines may still serve'));
    expect(await serves(again)).toBe(true);
    expect((await fleet.stack.call('GET', `/v1/vms/${again.name}`)).body.machineId).toBe(again.machineId);

    const replaced = await see(
      again.name,
      'another machine',
      ({ state, machineId }) => state === 'running' && machineId !== again.machineId,
    );
    expect(await serves(again)).toBe(false);
    await until('the host there', async () => (await stateOfHost(fleet, here.id)) === 'ready');
    expect(await machineIdsIn(moved.stateDir)).toEqual(replaced.host === here.id ? [replaced.machineId] : []);
    await watch.stop();
    expect(watch.twice).toEqual([]);
    expect((await fleet.stack.call('GET', `/v1/vms/${bystander.name}`)).body.machineId).toBe(bystander.machineId);
    await here.cutPower();
  });
});

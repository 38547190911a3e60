/** Host ids that are on two computers one after the other, or that change. Real processes. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import type { VmView } from '../../domain/vm/view.ts';
import { joinChat } from '../../test-support/chat-client.ts';
import { startFleet, type Fleet, type FleetHost } from '../../test-support/hosts/fleet.ts';
import { CHAT_PORT, cutOff, readyVmWhere, serves, type ReachedVm } from '../../test-support/hosts/fleet-vms.ts';
import { eventually, machineIdsIn, part } from '../../test-support/stack.ts';
import { startTestServer, textOf, type TestServer } from '../../test-support/temporal-server.ts';

const LOST_SECONDS = [200, 15];

let server: TestServer;
let fleet: Fleet;
beforeAll(async () => {
  server = await startTestServer();
  fleet = await startFleet({
    server,
    hosts: 2,
    env: { EPHEMERA_SWEEP_INTERVAL_SECONDS: '5' },
    // The first one is away for as long as a worker takes to start, which may be long on a busy computer.
    hostEnv: (index) => ({ EPHEMERA_HOST_LOST_SECONDS: `${LOST_SECONDS[index]}` }),
  });
});
afterAll(async () => {
  await fleet.stop();
  await server.stop();
});

/** By its state directory: two hosts have one id. */
const readyIn = ({ stateDir }: FleetHost): Promise<ReachedVm> =>
  readyVmWhere(fleet, async ({ machineId }) => (await machineIdsIn(stateDir)).includes(machineId));
const fresh = async ({ name }: VmView): Promise<VmView> =>
  (await fleet.stack.call('GET', `/v1/vms/${name}?fresh=true`)).body;

describe('a host id', () => {
  it('that changed under machines that live is refused, and names the one to start with', async () => {
    onTestFailed(async () => console.log(await fleet.logs()));
    const host = fleet.hosts[0]!;
    const vm = await readyIn(host);
    await host.worker.end();
    const logFile = join(fleet.stack.stateDir, 'renamed.log');
    const env = {
      ...{ ...fleet.stack.env, EPHEMERA_STATE_DIR: host.stateDir, EPHEMERA_HOST_ID: 'renamed' },
      ...{ EPHEMERA_WORKER_ROLES: 'host', EPHEMERA_INTERNAL_PORT: '0' },
    };
    const renamed = part('worker/main.ts', env, logFile, () => Promise.resolve());
    await renamed.begin();
    await eventually(fleet, 'what it says', async () =>
      (await textOf(logFile)).includes(`EPHEMERA_HOST_ID=${host.id}`) ? true : undefined,
    );
    expect(await serves(vm)).toBe(true);
    await renamed.end();
    await host.worker.start();
    const { body } = await fleet.stack.calls.listHosts();
    expect(body.hosts.map(({ id }) => id)).not.toContain('renamed');
    await fleet.stack.call('DELETE', `/v1/vms/${vm.name}?wait=destroyed`);
  });

  it('that moved on to another computer stays there when the first one is heard again', async () => {
    onTestFailed(async () => console.log(await fleet.logs()));
    const first = fleet.hosts[1]!;
    await cutOff(fleet, first);
    const moved = await fleet.elsewhere(first);
    await moved.worker.start();
    const vm = await readyIn(moved);
    const ann = await joinChat(vm.ip, CHAT_PORT, 'lobby', 'ann');
    first.network.heal();
    const healedAt = Date.now();
    const seen: string[] = [];
    while (Date.now() - healedAt < 25_000) {
      const { state, reason = '', machineId } = await fresh(vm);
      const line = `${state} ${reason} ${machineId === vm.machineId ? 'same' : 'other'} serves=${String(await serves(vm))}`;
      if (seen.at(-1) !== line) seen.push(line);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    expect(seen).toEqual(['running  same serves=true']);
    ann.say('still here');
    await ann.hears('still here');
    await ann.leave();
  });
});

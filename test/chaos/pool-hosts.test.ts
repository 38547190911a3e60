/** The machines of a pool on several hosts: real processes, of which one is cordoned, one drained and one lost. */
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { poolListSchema, type ApiPool } from '../../api/schemas/pool.ts';
import { startFleet, type Fleet, type FleetHost } from '../../test-support/hosts/fleet.ts';
import { stateOfHost } from '../../test-support/hosts/fleet-vms.ts';
import { eventually } from '../../test-support/stack.ts';
import { putTemplate } from '../../test-support/trials/put-template.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';

const LOST_SECONDS = 15;
const WAIT_MS = (LOST_SECONDS + 60) * 1000;
const ZONES = ['attic', 'attic', 'cellar'];
const MIN = 4;

let server: TestServer;
let fleet: Fleet;
beforeAll(async () => {
  server = await startTestServer();
  fleet = await startFleet({
    server,
    hosts: ZONES.length,
    env: { EPHEMERA_HOST_LOST_SECONDS: `${LOST_SECONDS}`, EPHEMERA_SWEEP_INTERVAL_SECONDS: '5' },
    hostEnv: (index) => ({ EPHEMERA_HOST_ZONE: ZONES[index]! }),
  });
});
afterAll(async () => {
  await fleet.stop();
  await server.stop();
});

async function pool(template: string): Promise<ApiPool | undefined> {
  const { body } = await fleet.stack.call('GET', '/v1/pools');
  return poolListSchema.parse(body).pools.find((one) => one.template === template);
}

/** How many machines that wait each host has, in the order of the hosts. */
async function waiting(): Promise<number[]> {
  const count = async ({ machines }: FleetHost): Promise<number> =>
    (await machines()).filter(({ vm }) => vm.startsWith('warm/')).length;
  return Promise.all(fleet.hosts.map(count));
}

const until = (what: string, isSo: () => Promise<boolean>): Promise<true> =>
  eventually(fleet, what, async () => ((await isSo()) ? true : undefined), WAIT_MS);
const untilWaiting = (what: string, isSo: (counts: number[]) => boolean): Promise<true> =>
  until(what, async () => (await pool('den'))?.ready === MIN && isSo(await waiting()));

/** Looks at the pool all the time; the fewest that it ever had ready. */
function watchReady(): { stop: () => Promise<number> } {
  let [least, isOver] = [Infinity, false];
  const watching = (async () => {
    while (!isOver) {
      least = Math.min(least, (await pool('den'))?.ready ?? Infinity);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  return {
    stop: async () => {
      isOver = true;
      await watching;
      return least;
    },
  };
}

describe('the machines of a pool on three hosts in two zones', () => {
  it('are spread over zones and hosts', async () => {
    onTestFailed(async () => console.log(await fleet.logs()));
    const body = { spec: { image: 'vm-server' }, warm: { min: MIN, max: 8, ttlSeconds: 3600 } };
    await putTemplate({ ...fleet.stack, logs: fleet.logs }, 'den', body);
    await untilWaiting('each zone with two', (counts) => counts.join() === '1,1,2');
  }, 120_000);

  it('are replaced elsewhere before they go from a host that is cordoned, and no claim gets one there', async () => {
    onTestFailed(async () => console.log(await fleet.logs()));
    const cordoned = fleet.hosts[2]!;
    const watch = watchReady();
    expect((await fleet.stack.call('POST', `/v1/hosts/${cordoned.id}/cordon`)).status).toBeLessThan(300);
    await untilWaiting('none on the cordoned host', (counts) => counts.join() === '2,2,0');
    expect(await watch.stop()).toBe(MIN);
    const made = await fleet.stack.call('POST', '/v1/vms?wait=ready&timeoutSeconds=60', { template: 'den' });
    expect([made.status, made.body.startedFrom], JSON.stringify(made.body)).toEqual([201, 'warm']);
    expect(made.body.host).not.toBe(cordoned.id);
    await fleet.stack.call('DELETE', `/v1/vms/${made.body.name}`);
    await fleet.stack.call('POST', `/v1/hosts/${cordoned.id}/uncordon`);
  }, 120_000);

  it('are replaced before they go from a host that drains, which is empty then', async () => {
    onTestFailed(async () => console.log(await fleet.logs()));
    await until('all hosts ready', async () => (await stateOfHost(fleet, fleet.hosts[2]!.id)) === 'ready');
    await untilWaiting('four', (counts) => counts.reduce((sum, one) => sum + one) === MIN);
    const drained = fleet.hosts[1]!;
    const watch = watchReady();
    expect((await fleet.stack.call('POST', `/v1/hosts/${drained.id}/drain`)).status).toBeLessThan(300);
    await untilWaiting('none on the drained host', (counts) => counts[1] === 0);
    expect(await watch.stop()).toBe(MIN);
    expect(await drained.machines()).toEqual([]);
  }, 120_000);

  it('count as gone as soon as their host is lost, and others take their places', async () => {
    onTestFailed(async () => console.log(await fleet.logs()));
    const lost = fleet.hosts[0]!;
    expect((await waiting())[0]).toBeGreaterThan(0);
    await lost.cutPower();
    await until('the loss', async () => (await stateOfHost(fleet, lost.id)) === 'lost');
    await untilWaiting('all on the host that is left', (counts) => counts[2] === MIN);
  }, 180_000);
});

/** One deployment on two clouds: what is left behind on either goes, also while the other one does not answer. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import type { CreateVm } from '../../client/api-client.ts';
import type { ShownVm } from '../../test-support/api/api-calls.ts';
import { answeringGuests } from '../../test-support/clouds/guests.ts';
import { startDigitalOceanServer, type DigitalOceanServer } from '../../test-support/digitalocean-server/server.ts';
import { eventually } from '../../test-support/eventually.ts';
import { startGceServer, type GceServer } from '../../test-support/gce-server/server.ts';
import { startStack, type Stack } from '../../test-support/stack.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';

const PERIOD_SECONDS = 5;
const CLOUDS = ['gcp', 'digitalocean'] as const;
type CloudName = (typeof CLOUDS)[number];

/** What one cloud has: a VM that lives, and one for each test whose workflow is terminated there. */
interface Vms {
  live: ShownVm;
  doomed: ShownVm[];
}

let server: TestServer;
let google: GceServer;
let ocean: DigitalOceanServer;
let stack: Stack;
let vms: Record<CloudName, Vms>;
const guests = answeringGuests();

beforeAll(async () => {
  [server, google, ocean] = await Promise.all([
    startTestServer(),
    startGceServer({ project: 'ephemera' }),
    startDigitalOceanServer({ guests, token: null }),
  ]);
  const env = {
    EPHEMERA_PROVIDER: CLOUDS.join(','),
    EPHEMERA_GCP_ENDPOINT: google.endpoint,
    EPHEMERA_DIGITALOCEAN_ENDPOINT: ocean.endpoint,
    EPHEMERA_SWEEP_INTERVAL_SECONDS: `${PERIOD_SECONDS}`,
  };
  stack = await startStack({ server, env });
  const [gcp, digitalocean] = await Promise.all(CLOUDS.map(begin));
  vms = { gcp: gcp!, digitalocean: digitalocean! };
});
afterAll(async () => {
  await stack.stop();
  await Promise.all([google.close(), ocean.close()]);
  guests.close();
  await server.stop();
});

async function begin(cloud: CloudName): Promise<Vms> {
  const [live, ...doomed] = await Promise.all([1, 2, 3, 4].map(() => readyVm(cloud)));
  return { live: live!, doomed };
}

/** Ids of the machines that a cloud has, as the cloud itself knows. */
function machinesOf(cloud: CloudName): string[] {
  const names =
    cloud === 'gcp'
      ? [...google.model.instances.values()].map(({ name = '' }) => name)
      : [...ocean.model.droplets.values()].map(({ name }) => name);
  return names.map((name) => /m-[0-9a-f]+/.exec(name)?.[0] ?? name);
}

async function readyVm(provider: CloudName): Promise<ShownVm> {
  const name = `vm-${randomUUID().slice(0, 8)}`;
  // Nobody in these machines reports.
  const readiness = { kind: 'machine' as const };
  const spec: CreateVm = { name, template: 'chat', provider, readiness };
  const { status, body } = await stack.calls.createVm(spec, { wait: 'ready', timeoutSeconds: 60 });
  expect(body.state, `${status} ${JSON.stringify(body)}`).toBe('running');
  return body;
}

/** Ends the workflow of the next VM that is to be ended, as a person does who presses Terminate: nothing of it runs any more. */
async function terminateOne(cloud: CloudName): Promise<ShownVm> {
  const vm = vms[cloud].doomed.pop()!;
  await server.client.workflow.getHandle(`vm/default/${vm.name}`).terminate('a person pressed Terminate');
  return vm;
}

const untilGone = (cloud: CloudName, { machineId }: ShownVm): Promise<void> =>
  eventually(() => expect(machinesOf(cloud)).not.toContain(machineId), 90_000);

async function expectSpared(cloud: CloudName): Promise<void> {
  const { live, doomed } = vms[cloud];
  expect(machinesOf(cloud).toSorted()).toEqual([live, ...doomed].map(({ machineId }) => machineId).toSorted());
  const { machineId } = live;
  expect((await stack.calls.getVm(live.name)).body).toMatchObject({ state: 'running', machineId });
}

describe('the sweeper of a deployment on two clouds', () => {
  it('removes what is left behind on both, and touches no machine of a VM that lives', async () => {
    onTestFailed(async () => console.log(await stack.logs()));
    const ended = await Promise.all(CLOUDS.map(terminateOne));
    await Promise.all(CLOUDS.map((cloud, index) => untilGone(cloud, ended[index]!)));
    await Promise.all(CLOUDS.map(expectSpared));
  });

  it.each([
    ['gcp', 'digitalocean'],
    ['digitalocean', 'gcp'],
  ] as const)('removes what is left behind while %s is down on %s, and there once it is back', async (down, up) => {
    onTestFailed(async () => console.log(await stack.logs()));
    const faults = down === 'gcp' ? google.faults : ocean.faults;
    const what = { kind: 'answer', status: 503, reason: 'down', message: 'the cloud is down' } as const;
    faults.add({ method: '*', times: Infinity, what });
    const [endedThere, ended] = [await terminateOne(down), await terminateOne(up)];
    await untilGone(up, ended);
    expect(machinesOf(down)).toContain(endedThere.machineId);
    await expectSpared(up);
    faults.clear();
    await untilGone(down, endedThere);
    await expectSpared(down);
  });
});

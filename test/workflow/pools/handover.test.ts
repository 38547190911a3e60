/** How a warm machine becomes a VM: real workflows and local machines, the API's part done by the test. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { warmSpecOf } from '../../../domain/pool/warm-spec.ts';
import { warmWorkflowId } from '../../../domain/wire-names.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { signatureFor } from '../../../test-support/signed-start.ts';
import { FaultPlan } from '../../../test-support/trials/faulty-activities.ts';
import {
  POOLED,
  sceneOf,
  startPoolServer,
  type PoolScene,
  type PoolServer,
} from '../../../test-support/workflow/pool-scene.ts';
import { untilView } from '../../../test-support/workflow/vm-harness.ts';
import { adoptSignal, grantedSignal, retireSignal } from '../../../workflows/messages.ts';

const { signal } = new AbortController();
let pools: PoolServer;
let scene: PoolScene;

beforeAll(async () => {
  pools = await startPoolServer();
  scene = await pools.scene();
});
afterAll(async () => {
  await pools.stop();
});

const statusOf = async (machineId: string): Promise<string> => {
  const { status } = await pools.server.client.workflow.getHandle(warmWorkflowId(machineId)).describe();
  return status.name;
};

const untilClosed = (machineId: string, ms = 15_000): Promise<void> =>
  eventually(async () => expect(await statusOf(machineId)).toBe('COMPLETED'), ms);

const ownerOf = async (machineId: string): Promise<string | undefined> =>
  (await scene.provider.describe(machineId, { signal }))?.labels.owner;

async function titleOf(ip: string, port: number): Promise<string> {
  return (await fetch(`http://${ip}:${port}/`)).text();
}

/** A pool of one machine that is not refilled, and its machine, granted to one claim. */
async function grantedMachine(request: string = randomUUID()): Promise<string> {
  const pool = await fresh().configure({ warm: { min: 1, max: 1, ttlSeconds: 600 } });
  await pool.until({ ready: 1 });
  const [machineId] = await pool.claim(request);
  await pool.handle.terminate('no refill');
  return machineId!;
}

/** The same workers, and another template. */
function fresh(): Pick<PoolScene, 'configure'> {
  return sceneOf(pools.server, scene.queue);
}

describe('a machine of a pool', () => {
  it('waits without a variable, and becomes the VM that claimed it, with its name, variables and secrets', async () => {
    const machineId = await grantedMachine();
    expect(await ownerOf(machineId)).toBe(warmWorkflowId(machineId));
    const spec = {
      ...POOLED,
      env: { CHAT_TITLE: 'plain' },
      sealed: { secretEnvNames: ['TOKEN'], startupScript: true },
    };
    const secret = {
      secretEnv: { TOKEN: 'the-token' },
      startupScript: 'echo "it has ${#TOKEN} letters of $CHAT_TITLE"',
    };
    const vm = await scene.startVm({ machineId, spec, secret });
    const view = await untilView(vm, ({ state }) => state === 'running');
    expect(view).toMatchObject({ machineId, connections: 0 });
    expect(view.address?.ports).toEqual(POOLED.ports);
    await untilClosed(machineId);
    expect(await ownerOf(machineId)).toBe(vm.workflowId);
    expect(await titleOf(view.address!.ip, view.address!.ports[0]!.port)).toContain('plain');
    const bytes = await scene.provider.readConsole(machineId, { maxBytes: 10_000, owner: vm.workflowId }, { signal });
    expect(new TextDecoder().decode(bytes)).toContain('it has 9 letters of plain');
    expect(await scene.sweep()).toMatchObject({ machines: [], lost: [] });
    await vm.signal('destroy');
    await vm.result();
    expect(await ownerOf(machineId)).toBeUndefined();
  });

  it('gets to one of two VMs that ask for it, and the other one makes its own', async () => {
    const machineId = await grantedMachine();
    const vms = await Promise.all([scene.startVm({ machineId }), scene.startVm({ machineId })]);
    const views = await Promise.all(vms.map((vm) => untilView(vm, ({ state }) => state === 'running')));
    expect(views.filter((view) => view.machineId === machineId)).toHaveLength(1);
    await untilClosed(machineId);
    const winner = vms[views.findIndex((view) => view.machineId === machineId)]!;
    expect(await ownerOf(machineId)).toBe(winner.workflowId);
    for (const vm of vms) await vm.signal('destroy');
  });

  it('is gone: the VM that was granted it makes its own', async () => {
    const machineId = await grantedMachine();
    await pools.server.client.workflow.getHandle(warmWorkflowId(machineId)).terminate('by a person');
    const vm = await scene.startVm({ machineId });
    const view = await untilView(vm, ({ state }) => state === 'running');
    expect(view.machineId).not.toBe(machineId);
    expect((await scene.sweep()).machines).toMatchObject([{ machineId, verdict: 'orphan', action: 'destroyed' }]);
    await vm.signal('destroy');
  });

  it('is destroyed when no VM asks for it in the time of its grant', async () => {
    const pool = await fresh().configure({ warm: { min: 1, max: 1, ttlSeconds: 600 } });
    await pool.until({ ready: 1 });
    const [machine] = (await scene.provider.list({ signal })).filter(({ labels }) => labels.owner.startsWith('warm/'));
    const warm = pools.server.client.workflow.getHandle(warmWorkflowId(machine!.machineId));
    await pool.handle.terminate('no refill');
    await warm.signal(grantedSignal, { request: 'of a test', seconds: 1 });
    await untilClosed(machine!.machineId);
    expect(await ownerOf(machine!.machineId)).toBeUndefined();
  });

  it('whose pool was terminated waits for its time, then goes', async () => {
    const pool = await fresh().configure({ warm: { min: 1, max: 1, ttlSeconds: 15 } });
    await pool.until({ ready: 1 });
    const waiting = (await scene.provider.list({ signal })).filter(({ labels }) => labels.owner.startsWith('warm/'));
    const { machineId } = waiting[0]!;
    await pool.handle.terminate('by a person');
    expect(await ownerOf(machineId)).toBe(warmWorkflowId(machineId));
    await untilClosed(machineId, 60_000);
    expect(await ownerOf(machineId)).toBeUndefined();
  });

  it('is destroyed when the VM that it was offered to has closed', async () => {
    const machineId = await grantedMachine();
    const warm = pools.server.client.workflow.getHandle(warmWorkflowId(machineId));
    await warm.signal(adoptSignal, { by: { workflowId: 'vm/default/never-was', runId: randomUUID() } });
    await untilClosed(machineId);
    expect(await ownerOf(machineId)).toBeUndefined();
  });

  it('stays with its VM when its pool wants it no more, or its warm workflow is cancelled, after the handover', async () => {
    const machineId = await grantedMachine();
    const warm = pools.server.client.workflow.getHandle(warmWorkflowId(machineId));
    const vm = await scene.startVm({ machineId });
    await warm.signal(retireSignal).catch(() => undefined);
    await warm.cancel().catch(() => undefined);
    const view = await untilView(vm, ({ state }) => state === 'running');
    await untilClosed(machineId);
    const serves = await scene.provider.describe(view.machineId, { signal });
    expect(serves).toMatchObject({ status: 'running', labels: { owner: vm.workflowId } });
    await vm.signal('destroy');
  });

  it('goes with a VM that is deleted before it was told what it is', async () => {
    const machineId = await grantedMachine();
    const vm = await scene.startVm({ machineId });
    await vm.signal('destroy');
    await vm.result();
    await untilClosed(machineId);
    expect(await ownerOf(machineId)).toBeUndefined();
  });

  it('is given back by a VM that ends before it asked for it', async () => {
    const machineId = await grantedMachine();
    const vm = await scene.startVm({ machineId, endsAtOnce: true });
    await vm.result();
    await untilClosed(machineId, 60_000);
    expect(await ownerOf(machineId)).toBeUndefined();
    const { events } = await pools.server.client.workflow.getHandle(warmWorkflowId(machineId)).fetchHistory();
    const signals = events?.map((event) => event.workflowExecutionSignaledEventAttributes?.signalName);
    expect(signals).toContain('returned');
  });

  it('is given to no VM without a signature of the API for it', async () => {
    const machineId = await grantedMachine();
    const vm = await scene.startVm({ machineId, signedFor: 'm-another' });
    const view = await untilView(vm, ({ state }) => state === 'running');
    expect(view.machineId).not.toBe(machineId);
    await untilClosed(machineId);
    await vm.signal('destroy');
  });

  it('shows its console to its VM alone', async () => {
    const machineId = await grantedMachine();
    const vm = await scene.startVm({ machineId });
    await untilView(vm, ({ state }) => state === 'running');
    const read = (owner: string): Promise<Uint8Array | undefined> =>
      scene.provider.readConsole(machineId, { maxBytes: 100, owner }, { signal });
    expect(await read(warmWorkflowId(machineId))).toBeUndefined();
    expect(await read(vm.workflowId)).toBeDefined();
    await vm.signal('destroy');
  });
});

describe('a pool', () => {
  it('makes no machine of what the API did not sign for it, and no VM gets one by its word', async () => {
    const forged = { ...POOLED, env: { NODE_OPTIONS: '--inspect' }, image: 'vm-server', cpus: 3 };
    const stolen = signatureFor({ workflowId: 'pool/default/another', spec: warmSpecOf(forged) });
    const warmOwners = async (): Promise<string[]> => {
      const machines = await scene.provider.list({ signal });
      return machines.map(({ labels }) => labels.owner).filter((owner) => owner.startsWith('warm/'));
    };
    // Machines of other tests may still be on their way out.
    const before = await warmOwners();
    const pool = await fresh().configure({
      spec: forged,
      signature: stolen,
      warm: { min: 1, max: 1, ttlSeconds: 600 },
    });
    await eventually(async () => {
      expect((await pool.view()).waitsFor).toMatch(/failed in a row \(.*sign/);
    }, 60_000);
    expect((await warmOwners()).filter((owner) => !before.includes(owner))).toEqual([]);
    expect(await pool.claim('mine')).toEqual([null]);
    await pool.handle.terminate('of a test');
  });
});

describe('whatever goes wrong at the handover on its host', () => {
  it('the VM gets one machine, and none is left', async () => {
    const plan = new FaultPlan();
    const other = await pools.scene((activities) => plan.around(activities));
    const pool = await other.configure({ warm: { min: 3, max: 3, ttlSeconds: 600 } });
    await pool.until({ ready: 3 });
    const machineIds = await pool.claim('a', 'b', 'c');
    await pool.handle.terminate('no refill');
    for (const fault of ['fails', 'replyLost', 'runsTwice'] as const) plan.add('adoptMachine', fault);
    const vms = await Promise.all(machineIds.map((machineId) => other.startVm({ machineId })));
    for (const vm of vms) await untilView(vm, ({ state }) => state === 'running', 40_000);
    for (const machineId of machineIds) await untilClosed(machineId!);
    await other.sweep();
    const owners = (await other.provider.list({ signal })).map(({ labels }) => labels.owner);
    expect(owners.sort()).toEqual(vms.map(({ workflowId }) => workflowId).sort());
    expect(plan.calls.filter((name) => name === 'adoptMachine').length).toBeGreaterThanOrEqual(3);
    for (const vm of vms) await vm.signal('destroy');
    for (const vm of vms) await vm.result();
  }, 60_000);
});

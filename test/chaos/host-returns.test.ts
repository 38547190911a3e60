import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import type { VmView } from '../../domain/vm/view.ts';
import { eventually, killMachine, seeVm, startStack, type Stack } from '../../test-support/stack.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';

const HOST = 'only-host';
/** The shortest there is: the fence stops machines after 10 s, and after 10 s + 15 s the host is lost. */
const LOST_SECONDS = 15;

let server: TestServer;
let stack: Stack;
beforeAll(async () => {
  server = await startTestServer();
  const env = { EPHEMERA_HOST_ID: HOST, EPHEMERA_HOST_LOST_SECONDS: `${LOST_SECONDS}` };
  stack = await startStack({ server, controlWorkers: 1, env });
});
afterAll(async () => {
  await stack.stop();
  await server.stop();
});

async function readyVm(): Promise<VmView> {
  const name = `vm-${randomUUID().slice(0, 8)}`;
  const { status, body } = await stack.call('POST', '/v1/vms?wait=ready&timeoutSeconds=60', { name, template: 'chat' });
  expect({ status, state: body.state }, JSON.stringify(body)).toEqual({ status: 201, state: 'running' });
  return body;
}

interface HostAnswer {
  state: string;
  machines: number;
}

async function host(): Promise<HostAnswer | undefined> {
  const { body } = await stack.call('GET', '/v1/hosts');
  return (body['hosts'] as HostAnswer[])[0];
}

const hostIs = (state: string, deadlineMs?: number): Promise<true> =>
  eventually(stack, `the host ${state}`, async () => ((await host())?.state === state ? true : undefined), deadlineMs);

describe('a host', () => {
  it('that starts notices at once which VMs have lost their machine meanwhile, without any sweep', async () => {
    onTestFailed(async () => console.log(await stack.logs()));
    const vm = await readyVm();
    await stack.worker.kill();
    await killMachine(stack, vm.machineId);
    await stack.worker.start();
    const startedAt = Date.now();
    await seeVm(stack, vm.name, 'its loss', ({ state }) => state === 'failed');
    expect(Date.now() - startedAt).toBeLessThan(8000);
  });

  it('that is cordoned takes no VM until that is taken back', async () => {
    onTestFailed(async () => console.log(await stack.logs()));
    await stack.call('POST', `/v1/hosts/${HOST}/cordon`);
    await hostIs('cordoned');
    const name = `vm-${randomUUID().slice(0, 8)}`;
    await stack.call('POST', '/v1/vms', { name, template: 'chat' });
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const waiting = await stack.call('GET', `/v1/vms/${name}`);
    await stack.call('POST', `/v1/hosts/${HOST}/uncordon`);
    await seeVm(stack, name, 'its start', ({ state }) => state === 'running');
    expect(waiting.body.state).toBe('creating');
    await stack.call('DELETE', `/v1/vms/${name}?wait=destroyed`);
  });

  it('that is drained has nothing left, and may be removed: then its worker ends by itself', async () => {
    onTestFailed(async () => console.log(await stack.logs()));
    const { name } = await readyVm();
    expect((await stack.call('DELETE', `/v1/hosts/${HOST}`)).body.code).toBe('hostInUse');
    await stack.call('POST', `/v1/hosts/${HOST}/drain`);
    await seeVm(stack, name, 'its end', ({ state }) => state === 'destroyed');
    await eventually(stack, 'an empty host', async () => ((await host())?.machines === 0 ? true : undefined));
    // A VM counts until its workflow has closed, and lists learn of that a moment later.
    await eventually(stack, 'the host removed', async () => {
      const { status, body } = await stack.call('DELETE', `/v1/hosts/${HOST}`);
      if (body.code === 'hostInUse') return undefined;
      expect(status).toBe(200);
      return true;
    });
    expect(await stack.call('GET', '/v1/hosts').then(({ body }) => body['hosts'])).toEqual([]);
    await eventually(stack, 'the end of its worker', () =>
      Promise.resolve(isAlive(stack.worker.pid()) ? undefined : true),
    );
    await stack.worker.start();
    await hostIs('ready');
  });

  it('that is killed stops its machines before it is lost; it returns clean and takes VMs again', async () => {
    onTestFailed(async () => console.log(await stack.logs()));
    const vm = await readyVm();
    const health = (): Promise<boolean> =>
      fetch(`http://${vm.address!.ip}:8080/`).then(
        () => true,
        () => false,
      );
    expect(await health()).toBe(true);
    await stack.worker.kill();
    await hostIs('away');
    await eventually(stack, 'the machine stopped by the fence', async () => ((await health()) ? undefined : true));
    expect((await host())?.state).toBe('away');
    await hostIs('lost', 40_000);
    await seeVm(stack, vm.name, 'its loss', ({ state, reason }) => state === 'failed' && reason === 'lost');
    await stack.worker.start();
    await hostIs('ready');
    expect(await stack.machines()).toEqual([]);
    const { name } = await readyVm();
    await stack.call('DELETE', `/v1/vms/${name}?wait=destroyed`);
  });
});

function isAlive(pid: number | undefined): boolean {
  try {
    return pid !== undefined && process.kill(pid, 0);
  } catch {
    return false;
  }
}

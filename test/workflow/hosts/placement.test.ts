import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VmView } from '../../../domain/vm/view.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { startTestServer, type TestServer } from '../../../test-support/temporal-server.ts';
import { startPulledDeployment, type PulledDeployment } from '../../../test-support/workflow/pulled-deployment.ts';
import { untilView, type VmHandle } from '../../../test-support/workflow/vm-harness.ts';
import { destroySignal, viewQuery } from '../../../workflows/messages.ts';

let server: TestServer;
const stops: (() => Promise<void>)[] = [];
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  await Promise.all(stops.map((stop) => stop()));
  await server.stop();
});

async function deployment(): Promise<PulledDeployment> {
  const made = await startPulledDeployment(server);
  stops.push(made.stop);
  return made;
}

const running = (handle: VmHandle, withinMs?: number): Promise<VmView> =>
  untilView(handle, ({ state }) => state === 'running', withinMs);

async function end(...handles: VmHandle[]): Promise<void> {
  await Promise.all(handles.map((handle) => handle.signal(destroySignal)));
  await Promise.all(handles.map((handle) => handle.result()));
}

describe('hosts that pull creates', () => {
  it('take what fits them, and one that is full makes nobody wait while another has room', async () => {
    const { host, start } = await deployment();
    const small = await host('small', 2);
    const first = [await start({ cpus: 1 }), await start({ cpus: 1 })];
    for (const vm of first) await running(vm);
    expect(small.machines.cpus).toBe(2);
    const waiting = [await start({ cpus: 1 }), await start({ cpus: 1 }), await start({ cpus: 2 })];
    const big = await host('big', 8);
    for (const vm of waiting) expect(await running(vm)).toMatchObject({ host: 'big' });
    const more = [await start({ cpus: 1 }), await start({ cpus: 1 }), await start({ cpus: 1 })];
    const asked = Date.now();
    for (const vm of more) expect(await running(vm, 5000)).toMatchObject({ host: 'big' });
    expect(Date.now() - asked).toBeLessThan(5000);
    expect(small.machines.mostCpus).toBe(2);
    expect(big.machines.mostCpus).toBeLessThanOrEqual(8);
    await end(...first, ...waiting, ...more);
    expect([small.machines.cpus, big.machines.cpus]).toEqual([0, 0]);
  });

  it('keep to zones in their order and to labels', async () => {
    const { host, start } = await deployment();
    await host('plain', 8);
    await host('in-a', 1, { zone: 'a' });
    await host('in-b', 8, { zone: 'b', labels: { disk: 'ssd' } });
    const first = await start({ zones: ['a', 'b'] });
    expect(await running(first)).toMatchObject({ host: 'in-a', zone: 'a' });
    const next = await start({ zones: ['a', 'b'] });
    const labelled = await start({ hostSelector: { disk: 'ssd' } });
    expect(await running(labelled)).toMatchObject({ host: 'in-b' });
    expect((await next.query(viewQuery)).state).toBe('creating');
    expect(await running(next, 40_000)).toMatchObject({ host: 'in-b', zone: 'b' });
    const nowhere = await start({ hostSelector: { disk: 'tape' } });
    const { reason, detail } = await untilView(nowhere, ({ state }) => state === 'failed');
    expect(reason).toBe('createFailed');
    for (const name of ['plain', 'in-a', 'in-b']) expect(detail).toContain(`host ${name} has no label disk=tape`);
    await end(first, next, labelled);
  });

  it('hand back what they have no image for; what none has an image for fails and names them', async () => {
    const { host, start } = await deployment();
    await host('without', 8, { images: ['other'] });
    await host('with', 8, { images: ['wanted', 'other'] });
    const vms = [await start({ image: 'wanted' }), await start({ image: 'wanted' }), await start({ image: 'wanted' })];
    for (const vm of vms) expect(await running(vm)).toMatchObject({ host: 'with' });
    const none = await start({ image: 'none' });
    const { detail } = await untilView(none, ({ state }) => state === 'failed');
    expect(detail).toMatch(/no image none here; so on every host: (with, without|without, with)/);
    await end(...vms);
  });

  it('take a create of the one queue of before when there is room, and hand it back meanwhile', async () => {
    const { host, start } = await deployment();
    const { machines } = await host('only', 1);
    const first = await start({ cpus: 1 });
    await running(first);
    const older = await start({ cpus: 1 }, 'before');
    await eventually(async () => {
      const { raw } = await older.describe();
      expect(raw.pendingActivities?.[0]?.lastFailure?.applicationFailureInfo?.type).toBe('noCapacity');
    });
    await end(first);
    await running(older);
    expect(machines.mostCpus).toBe(1);
    await end(older);
  });

  it('reserve room for a big one that small ones would starve', { timeout: 120_000 }, async () => {
    const { host, start } = await deployment();
    await host('a', 4);
    await host('b', 4);
    const small = await Promise.all(Array.from({ length: 8 }, () => start({ cpus: 1 })));
    for (const vm of small) await running(vm);
    const big = await start({ cpus: 4 });
    // As one ends another is asked for, so that small ones wait all the while and take any room that is not reserved.
    const ones = [...small, ...(await Promise.all(Array.from({ length: 4 }, () => start({ cpus: 1 }))))];
    const states = (): Promise<string[]> => Promise.all(ones.map(async (vm) => (await vm.query(viewQuery)).state));
    const deadline = Date.now() + 90_000;
    while ((await big.query(viewQuery)).state === 'creating' && Date.now() < deadline) {
      const at = (await states()).indexOf('running');
      if (at < 0) continue;
      await end(...ones.splice(at, 1));
      ones.push(await start({ cpus: 1 }));
    }
    expect(await states()).toContain('creating');
    await running(big);
    await end(big, ...ones);
  });
});

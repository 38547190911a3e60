import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MEMO } from '../../../domain/wire-names.ts';
import { runningLease } from '../../../config/temporal/temporal-lease.ts';
import {
  cordonHostSignal,
  drainHostSignal,
  removeHostSignal,
  uncordonHostSignal,
} from '../../../workflows/messages.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { startTestServer, type TestServer } from '../../../test-support/temporal-server.ts';
import {
  LEASE_STATUS,
  startRegistryScene,
  type RegistryScene,
  type RegistrySceneOptions,
} from '../../../test-support/workflow/registry-scene.ts';

let server: TestServer;
const stops: (() => Promise<void>)[] = [];
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  await Promise.all(stops.map((stop) => stop()));
  await server.stop();
});

async function scene(options: RegistrySceneOptions = {}): Promise<RegistryScene> {
  const made = await startRegistryScene(server, options);
  stops.push(made.stop);
  return made;
}

describe('the registry', () => {
  it('gives a host that is ready its lease, whose heartbeats are no events and say what the host has', async () => {
    const { handle, announce, beat, isLeased, view } = await scene();
    await announce();
    await isLeased(1);
    const events = async (): Promise<number> => (await handle.describe()).historyLength;
    const before = await events();
    for (let beats = 0; beats < 100; beats += 1) await beat();
    expect(await events()).toBe(before);
    expect(before).toBeLessThan(20);
    const described = await handle.describe();
    expect(runningLease(described.raw)).toMatchObject(LEASE_STATUS);
    expect(Math.abs(Date.now() - runningLease(described.raw)!.seenAt)).toBeLessThan(10_000);
    expect(described.memo?.[MEMO.host]).toEqual(await view());
  });

  it('tells a host by a new lease that it takes no creates, and that it takes them again', async () => {
    const { handle, announce, leases, isLeased, is, calls } = await scene();
    await announce();
    await isLeased(1);
    await handle.signal(cordonHostSignal);
    await isLeased(2);
    await is('cordoned');
    await eventually(() => expect(calls).toEqual(['evict']));
    await handle.signal(drainHostSignal);
    await is('draining');
    await eventually(() => expect(calls).toEqual(['evict', 'drain']));
    await handle.signal(uncordonHostSignal);
    await isLeased(3);
    await is('ready');
    expect(leases.map(({ cordoned }) => cordoned)).toEqual([false, true, false]);
    expect(leases.map(({ lease }) => lease)).toEqual([1, 2, 3]);
  });

  it('calls a host away at once when it leaves; it is ready again when it returns, and its cordon holds', async () => {
    const { handle, announce, leases, isLeased, is, view, leave, calls } = await scene();
    await announce();
    await isLeased(1);
    await leave();
    await is('away');
    expect((await view()).lastStatus).toEqual(LEASE_STATUS);
    await handle.signal(cordonHostSignal);
    await announce();
    await isLeased(2);
    await is('cordoned');
    expect(leases.at(-1)?.cordoned).toBe(true);
    await eventually(() => expect(calls).toEqual(['evict']));
  });

  it('calls a host that stops to heartbeat away, and after its time lost; then its machines are released', async () => {
    const { announce, beat, isLeased, is, view, calls, leave } = await scene({ lostSeconds: 2 });
    await announce();
    await isLeased(1);
    await beat();
    await is('away', 20_000);
    expect((await view()).lastStatus).toEqual(LEASE_STATUS);
    await is('lost');
    await eventually(() => expect(calls).toEqual(['release']));
    await announce();
    await isLeased(2);
    await is('ready');
    await leave();
    await is('away');
  }, 40_000);

  it('is left by a lost host that is removed only when its VMs know that it is lost', async () => {
    let [tries, released] = [0, 0];
    const releaseMachines = (): Promise<void> => {
      tries += 1;
      if (tries === 1) return Promise.reject(new Error('Temporal allows no more searches'));
      released += 1;
      return Promise.resolve();
    };
    const { handle, announce, isLeased, is, leave } = await scene({ lostSeconds: 2, before: { releaseMachines } });
    await announce();
    await isLeased(1);
    await leave();
    await is('lost');
    await eventually(() => expect(tries).toBe(1));
    await handle.signal(removeHostSignal);
    expect(await handle.result()).toMatchObject({ removed: true });
    expect(released).toBe(1);
  });

  it('is left by a host that is removed, and entered anew when it comes again', async () => {
    const { handle, announce, isLeased, is } = await scene();
    await announce();
    await isLeased(1);
    await handle.signal(removeHostSignal);
    expect(await handle.result()).toMatchObject({ removed: true });
    await announce();
    await isLeased(2);
    await is('ready');
  });

  it('ignores readiness that says nothing', async () => {
    const { handle, announce, isLeased, is, view } = await scene();
    await announce();
    await isLeased(1);
    const before = await view();
    await handle.signal('hostReady', { incarnation: 7 });
    await sleep(50);
    await is('ready');
    expect(await view()).toEqual(before);
  });
});

/** So few that nearly every event of a host is followed by a fresh history. */
const EVERY_STEP = 5;

describe('a host whose history is continued as new at every step', () => {
  it('keeps its state, its lease, its cordon and its drain, and is lost when its time is over', async () => {
    let drains = 0;
    let endDrain: () => void = () => undefined;
    const drained = new Promise<void>((resolve) => (endDrain = resolve));
    const { handle, announce, leases, calls, view, beat, is, leave } = await scene({
      ...{ lostSeconds: 3, historyLimitEvents: EVERY_STEP },
      // The drain takes long, and each run asks for it anew.
      before: { drainHost: () => ((drains += 1), drained) },
    });
    const runs = new Set<string>();
    const noteRun = async (): Promise<void> => void runs.add((await handle.describe()).runId);
    const holds = (lease: number, cordoned: boolean): Promise<void> =>
      eventually(() => expect(leases.at(-1)).toMatchObject({ lease, cordoned }));

    await announce();
    await holds(1, false);
    await noteRun();
    await handle.signal(cordonHostSignal);
    await holds(2, true);
    await is('cordoned');
    await noteRun();
    await handle.signal(uncordonHostSignal);
    await holds(3, false);
    await noteRun();
    await handle.signal(drainHostSignal);
    await holds(4, true);
    await is('draining');
    await eventually(beat);
    await noteRun();
    expect((await handle.describe()).memo?.[MEMO.host]).toEqual(await view());

    await leave();
    await is('away');
    const { lostAt } = await view();
    await noteRun();
    await is('lost');
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(lostAt!) - 100);
    expect((await view()).lastStatus).toEqual(LEASE_STATUS);
    await eventually(() => expect(calls).toContain('release'));
    await announce();
    await is('draining');
    await holds(5, true);
    endDrain();
    await noteRun();
    expect(runs.size).toBeGreaterThan(3);
    expect(drains).toBeGreaterThan(1);
    expect(leases.map(({ lease }) => lease)).toEqual(leases.map(({ lease }) => lease).sort((a, b) => a - b));

    await handle.signal(removeHostSignal);
    expect(await handle.result()).toMatchObject({ removed: true });
  }, 40_000);
});

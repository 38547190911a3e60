/** VMs that get another machine because their host is lost: nothing that is asked or said of the lost one concerns them. */
import { defineSearchAttributeKey } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { releaseMachines } from '../../../activities/control/registry-activities.ts';
import type { VmSpec } from '../../../domain/vm/spec.ts';
import { SEARCH_ATTRIBUTE } from '../../../domain/wire-names.ts';
import { activityContext } from '../../../test-support/activity-context.ts';
import { startTestServer, type TestServer } from '../../../test-support/temporal-server.ts';
import type { HostInMemory } from '../../../test-support/workflow/host-in-memory.ts';
import { startPulledDeployment } from '../../../test-support/workflow/pulled-deployment.ts';
import { untilView, type VmHandle } from '../../../test-support/workflow/vm-harness.ts';
import { temporalHostLedger } from '../../../worker/temporal/temporal-host-ledger.ts';
import { destroySignal, machineLostSignal, viewQuery } from '../../../workflows/messages.ts';

const HOST = defineSearchAttributeKey(SEARCH_ATTRIBUTE.host.name, 'KEYWORD');

let server: TestServer;
const stops: (() => Promise<void>)[] = [];
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  await Promise.all(stops.map((stop) => stop()));
  await server.stop();
});

async function deployment() {
  const made = await startPulledDeployment(server);
  stops.push(made.stop);
  const host = (hostId: string, labels: Record<string, string> = {}): Promise<HostInMemory> =>
    made.host(hostId, 8, { labels });
  const start = (changes: Partial<Omit<VmSpec, 'idle'>> = {}): Promise<VmHandle> =>
    made.start({ onLost: 'recreate', ...changes });
  return { host, start, ledger: temporalHostLedger(server.client, made.controlTaskQueue) };
}

/** The host dies and is lost: the VM waits for another machine. Resolves with the id of that one. */
async function lose(vm: VmHandle, host: HostInMemory): Promise<string> {
  const { machineId } = await untilView(vm, ({ state }) => state === 'running');
  await host.stop();
  await vm.signal(machineLostSignal, { machineId, cause: 'hostLost' });
  return (await untilView(vm, (view) => view.machineId !== machineId)).machineId;
}

describe.concurrent('a VM whose host is lost', () => {
  it('is on no host while it waits for another machine', async () => {
    const { host, start } = await deployment();
    const first = await host('first');
    const vm = await start();
    await untilView(vm, ({ state }) => state === 'running');
    expect((await vm.describe()).typedSearchAttributes.get(HOST)).toBe('first');
    await lose(vm, first);
    expect((await vm.describe()).typedSearchAttributes.get(HOST)).toBeUndefined();
    const second = await host('second');
    expect(await untilView(vm, ({ state }) => state === 'running')).toMatchObject({ host: 'second' });
    expect((await vm.describe()).typedSearchAttributes.get(HOST)).toBe('second');
    await vm.signal(destroySignal);
    await vm.result();
    expect(second.machines.cpus).toBe(0);
  });

  it('and for which no other host will do ends, and waits for no host that is gone for good', async () => {
    const { host, start } = await deployment();
    const only = await host('only', { disk: 'ssd' });
    await host('other');
    const vm = await start({ hostSelector: { disk: 'ssd' } });
    await lose(vm, only);
    const { reason, detail } = await untilView(vm, ({ state }) => state === 'failed', 15_000);
    expect([reason, detail]).toEqual(['createFailed', expect.stringContaining('host other has no label disk=ssd')]);
  });

  it('keeps the machine that it got elsewhere when a release of the lost host is tried once more', async () => {
    const { host, start, ledger } = await deployment();
    const first = await host('first');
    const vm = await start();
    const next = await lose(vm, first);
    // A try that broke off is repeated; what it lists is a moment old when it tells the VMs.
    const release = releaseMachines(
      { ledger },
      { hostId: 'first' },
      activityContext({
        confirm: async () => {
          await host('second');
          await untilView(vm, ({ state }) => state === 'running');
        },
      }),
    );
    await release;
    expect(await vm.query(viewQuery)).toMatchObject({ state: 'running', machineId: next, host: 'second' });
    await vm.signal(destroySignal);
    await vm.result();
  });
});

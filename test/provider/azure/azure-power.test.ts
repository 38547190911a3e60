/** Machines of Azure that are stopped and started, change their owner, and prove themselves anew. */
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AgentBootstrap } from '../../../domain/machine/provider.ts';
import { eventually } from '../../../test-support/eventually.ts';
import {
  azureHarness,
  azureRequest,
  chatOnAzure,
  nameOf,
  partsLeft,
  warmClient,
  type AzureHarness,
} from '../../../test-support/azure-server/harness.ts';

const never = { signal: new AbortController().signal };
const API = 'http://10.0.0.2:7400';

beforeAll(warmClient, 60_000);

let harness: AzureHarness;
beforeEach(async () => {
  harness = await azureHarness();
});
afterEach(() => harness.dispose());

const proofOf = (machineId: string): unknown =>
  JSON.parse(harness.running.get(nameOf(machineId))?.changeable() ?? '{}');
const bootstrap = (secret: string): AgentBootstrap => ({ apiUrl: API, secret });

describe('a machine of Azure that is stopped', () => {
  it('is deallocated, keeps its addresses, and starts with another secret at the same ones', async () => {
    const rules = { ...harness.options.rules!, externalIp: 'allowed' as const };
    const provider = harness.withOptions({ rules });
    const request = azureRequest({ spec: chatOnAzure({ externalIp: true }), agentBootstrap: bootstrap('first') });
    const machine = await provider.create(request, never);
    expect(proofOf(machine.machineId)).toMatchObject({ 'ephemera-agent-secret': 'first' });
    await provider.power!.stop(machine.machineId, never);
    expect(harness.server.model.vms.powerOf(nameOf(machine.machineId))).toBe('deallocated');
    const start = { machineId: machine.machineId, agentBootstrap: bootstrap('second') };
    expect(await provider.power!.start(start, never)).toEqual(machine);
    expect(proofOf(machine.machineId)).toMatchObject({ 'ephemera-agent-secret': 'second' });
    await provider.destroy(machine.machineId, never);
    expect(partsLeft(harness.server)).toEqual([]);
  });

  it('that finds no room when it is started stays stopped, and starts when there is some', async () => {
    const { machineId } = await harness.provider.create(azureRequest(), never);
    await harness.provider.power!.stop(machineId, never);
    harness.server.model.vms.rooms.stockedOut.add('westeurope');
    const start = { machineId, agentBootstrap: bootstrap('again') };
    await expect(harness.provider.power!.start(start, never)).rejects.toMatchObject({ code: 'noCapacity' });
    expect(await harness.provider.describe(machineId, never)).toMatchObject({ status: 'stopped' });
    harness.server.model.vms.rooms.stockedOut.clear();
    expect(await harness.provider.power!.start(start, never)).toMatchObject({ status: 'running' });
  });

  it('is started though each change keeps Azure busy for longer than the next request takes', async () => {
    const slow = await azureHarness({ stepMs: 150 });
    try {
      const { machineId } = await slow.provider.create(azureRequest(), never);
      await slow.provider.power!.stop(machineId, never);
      const start = { machineId, agentBootstrap: bootstrap('again') };
      expect(await slow.provider.power!.start(start, never)).toMatchObject({ status: 'running' });
      const proof = JSON.parse(slow.running.get(nameOf(machineId))?.changeable() ?? '{}') as unknown;
      expect(proof).toMatchObject({ 'ephemera-agent-secret': 'again' });
    } finally {
      await slow.dispose();
    }
  });

  it('by lost replies is stopped and started once all the same', async () => {
    const { machineId } = await harness.provider.create(azureRequest(), never);
    for (const method of ['virtualMachines.update', 'virtualMachines.deallocate', 'virtualMachines.start']) {
      harness.server.faults.add({ method, times: 1, what: { kind: 'resetAfter' } });
    }
    expect(await harness.provider.power!.stop(machineId, never)).toMatchObject({ status: 'stopped' });
    const start = { machineId, agentBootstrap: bootstrap('again') };
    expect(await harness.provider.power!.start(start, never)).toMatchObject({ status: 'running' });
    expect(await harness.countRunning(machineId)).toBe(1);
  });
});

describe('a machine of Azure that waits for its VM', () => {
  const waiting = () =>
    azureRequest({ owner: 'warm/default/pool-1', madeFor: 'vm/default/*', agentBootstrap: bootstrap('of the pool') });
  const adoption = (machineId: string, to: string) => ({
    ...{ machineId, from: 'warm/default/pool-1', to, uid: `life of ${to}`, startSignature: `signature of ${to}` },
    ...{
      madeFor: 'vm/default/*',
      spec: chatOnAzure({ labels: { team: 'blue' } }),
      agentBootstrap: bootstrap(`of ${to}`),
    },
  });

  it('changes its owner and what it proves itself with in one request, once', async () => {
    const { machineId } = await harness.provider.create(waiting(), never);
    const updates = harness.server.countOf('virtualMachines.update');
    const adopted = await harness.provider.adopt!(adoption(machineId, 'vm/default/lobby'), never);
    expect(harness.server.countOf('virtualMachines.update') - updates).toBe(1);
    expect(adopted).toMatchObject({
      machineId,
      labels: { owner: 'vm/default/lobby', uid: 'life of vm/default/lobby' },
    });
    expect(proofOf(machineId)).toMatchObject({ 'ephemera-agent-secret': 'of vm/default/lobby' });
    expect(harness.running.get(nameOf(machineId))!.tags()).toMatchObject({
      'ephemera-vm': 'lobby',
      'ephemera-owner': 'vm/default/lobby',
      team: 'blue',
    });
    await expect(harness.provider.adopt!(adoption(machineId, 'vm/default/other'), never)).rejects.toMatchObject({
      code: 'notSigned',
    });
  });

  it('is of one of two VMs that claim it at once', async () => {
    const { machineId } = await harness.provider.create(waiting(), never);
    const claims = ['vm/default/one', 'vm/default/two'].map((to) =>
      harness.restarted().adopt!(adoption(machineId, to), never),
    );
    const outcomes = await Promise.allSettled(claims);
    const won = outcomes.filter(({ status }) => status === 'fulfilled');
    expect(won).toHaveLength(1);
    const owner = (await harness.provider.describe(machineId, never))?.labels.owner;
    expect(won).toMatchObject([{ value: { labels: { owner } } }]);
    await eventually(() => expect(proofOf(machineId)).toMatchObject({ 'ephemera-agent-secret': `of ${owner}` }));
  });
});

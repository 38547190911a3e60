import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GCP_RULES } from '../../domain/gcp-rules.ts';
import { gcpHarness, gcpRequest, placesOf, warmClient, chatOnGcp, type GcpHarness } from './gce-server/harness.ts';

const never = new AbortController().signal;

beforeAll(warmClient);

let harness: GcpHarness;
beforeEach(async () => {
  harness = await gcpHarness();
});
afterEach(() => harness.dispose());

describe('stop and start', () => {
  it('give the machine another external address, and keep its disk', async () => {
    const { server } = harness;
    const provider = harness.withOptions({ rules: { ...GCP_RULES, externalIp: 'allowed' } });
    const machine = await provider.create(gcpRequest({ spec: chatOnGcp({ externalIp: true }) }), never);
    const { machineId } = machine;
    const stopped = await provider.power!.stop(machineId, never);
    expect(stopped).toMatchObject({ status: 'stopped', address: null });
    expect(await harness.countRunning(machineId)).toBe(0);
    expect(await provider.describe(machineId, never)).toEqual(stopped);
    const started = await provider.power!.start(machineId, never);
    expect(started.status).toBe('running');
    expect(started.address!.ip).not.toBe(machine.address!.ip);
    expect(await harness.askMachine(started)).toContain(machineId);
    expect(server.world.disks.size).toBe(1);
    expect(await provider.describe(machineId, never)).toEqual(started);
  });

  it('are fine twice', async () => {
    const { provider } = harness;
    const { machineId } = await provider.create(gcpRequest(), never);
    await provider.power!.stop(machineId, never);
    await harness.restarted().power!.stop(machineId, never);
    await provider.power!.start(machineId, never);
    expect((await harness.restarted().power!.start(machineId, never)).status).toBe('running');
    expect(harness.server.countOf('instances.stop')).toBe(1);
    expect(harness.server.countOf('instances.start')).toBe(1);
  });

  it('read the labels again when somebody else changed them meanwhile', async () => {
    const { provider, server } = harness;
    const { machineId } = await provider.create(gcpRequest(), never);
    server.faults.add({
      method: 'instances.setLabels',
      times: 2,
      what: { kind: 'answer', status: 412, reason: 'conditionNotMet', message: 'Labels fingerprint either invalid' },
    });
    expect((await provider.power!.stop(machineId, never)).status).toBe('stopped');
    expect(server.countOf('instances.setLabels')).toBe(3);
  });

  it('of a machine that nobody knows is an error that says so', async () => {
    await expect(harness.provider.power!.stop(gcpRequest().machineId, never)).rejects.toMatchObject({
      code: 'machineEnded',
    });
  });

  it('leave a stopped machine that destroy removes with its disk', async () => {
    const { provider, server } = harness;
    const { machineId } = await provider.create(gcpRequest(), never);
    await provider.power!.stop(machineId, never);
    await provider.destroy(machineId, never);
    expect([server.world.instances.size, server.world.disks.size]).toEqual([0, 0]);
  });
});

describe('suspend and resume', () => {
  it('come back to the running machine', async () => {
    const { provider } = harness;
    const { machineId } = await provider.create(gcpRequest(), never);
    expect((await provider.power!.suspend(machineId, never)).status).toBe('suspended');
    const [place] = placesOf(harness.server, machineId);
    expect(harness.server.world.instance(...place!).status).toBe('SUSPENDED');
    expect((await provider.power!.resume(machineId, never)).status).toBe('running');
  });
});

describe('images', () => {
  it('are made from a stopped machine, found by family, deprecated and deleted', async () => {
    const { provider } = harness;
    const { machineId } = await provider.create(gcpRequest(), never);
    const order = { name: 'lobby-v1', family: 'lobby', machineId };
    await expect(provider.images!.create(order, never)).rejects.toThrow(/in use/);
    await provider.power!.stop(machineId, never);
    const image = await provider.images!.create(order, never);
    expect(image).toMatchObject({ name: 'lobby-v1', family: 'lobby', status: 'ready', deprecated: false });
    expect(await provider.images!.create(order, never)).toEqual(image);
    expect(await provider.images!.list(never)).toEqual([image]);
    expect(await harness.ofAnotherDeployment().images!.list(never)).toEqual([]);

    const fromFamily = await provider.create(gcpRequest({ spec: chatOnGcp({ image: 'family/lobby' }) }), never);
    expect(fromFamily.status).toBe('running');
    await provider.images!.deprecate('lobby-v1', never);
    expect(await provider.images!.list(never)).toMatchObject([{ deprecated: true }]);
    const late = provider.create(gcpRequest({ spec: chatOnGcp({ image: 'family/lobby' }) }), never);
    await expect(late).rejects.toMatchObject({ code: 'imageUnknown' });

    await expect(harness.ofAnotherDeployment().images!.delete('lobby-v1', never)).rejects.toMatchObject({
      code: 'permissionDenied',
    });
    await provider.images!.delete('lobby-v1', never);
    await provider.images!.delete('lobby-v1', never);
    expect(await provider.images!.list(never)).toEqual([]);
  });
});

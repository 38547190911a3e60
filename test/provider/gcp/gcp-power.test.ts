import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GCP_RULES } from '../../../providers/gcp/rules.ts';
import {
  gcpHarness,
  gcpRequest,
  placesOf,
  warmClient,
  chatOnGcp,
  type GcpHarness,
} from '../../../test-support/gce-server/harness.ts';

const never = { signal: new AbortController().signal };

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
    const started = await provider.power!.start({ machineId, agentBootstrap: null }, never);
    expect(started.status).toBe('running');
    expect(started.address!.ip).not.toBe(machine.address!.ip);
    expect(await harness.askMachine(started)).toContain(machineId);
    expect(server.model.disks.size).toBe(1);
    expect(await provider.describe(machineId, never)).toEqual(started);
  });

  it('give its agent something new to prove itself with, for its first secret is used up by then', async () => {
    const { provider, server } = harness;
    const { machineId } = await provider.create(gcpRequest(), never);
    const metadata = () => {
      const [place] = placesOf(server, machineId);
      const items = server.model.instance(...place!).metadata?.items ?? [];
      return Object.fromEntries(items.map(({ key, value }) => [key, value]));
    };
    const before = metadata();
    expect(before['ephemera-agent-secret']).toBe('one-time');
    await provider.power!.stop(machineId, never);
    const agentBootstrap = { apiUrl: 'http://10.0.0.2:7400', secret: 'another' };
    await provider.power!.start({ machineId, agentBootstrap }, never);
    expect(metadata()).toEqual({ ...before, 'ephemera-agent-secret': 'another' });
    await provider.power!.start({ machineId, agentBootstrap: { ...agentBootstrap, secret: 'late' } }, never);
    expect(metadata()['ephemera-agent-secret'], 'one that runs has it already').toBe('another');
  });

  it('are fine twice', async () => {
    const { provider } = harness;
    const { machineId } = await provider.create(gcpRequest(), never);
    await provider.power!.stop(machineId, never);
    await harness.restarted().power!.stop(machineId, never);
    await provider.power!.start({ machineId, agentBootstrap: null }, never);
    expect((await harness.restarted().power!.start({ machineId, agentBootstrap: null }, never)).status).toBe('running');
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
    expect([server.model.instances.size, server.model.disks.size]).toEqual([0, 0]);
  });
});

describe('suspend and resume', () => {
  it('come back to the running machine', async () => {
    const { provider } = harness;
    const { machineId } = await provider.create(gcpRequest(), never);
    expect((await provider.power!.suspend!(machineId, never)).status).toBe('suspended');
    const [place] = placesOf(harness.server, machineId);
    expect(harness.server.model.instance(...place!).status).toBe('SUSPENDED');
    expect((await provider.power!.resume!({ machineId, agentBootstrap: null }, never)).status).toBe('running');
  });

  it('are fine twice, on another instance too, and a suspended machine is destroyed with its disk', async () => {
    const { provider, server } = harness;
    const { machineId } = await provider.create(gcpRequest(), never);
    await provider.power!.suspend!(machineId, never);
    expect(await harness.restarted().power!.suspend!(machineId, never)).toMatchObject({
      ...{ status: 'suspended', address: null },
    });
    expect(await provider.describe(machineId, never)).toMatchObject({ status: 'suspended' });
    await provider.power!.resume!({ machineId, agentBootstrap: null }, never);
    await harness.restarted().power!.resume!({ machineId, agentBootstrap: null }, never);
    expect([server.countOf('instances.suspend'), server.countOf('instances.resume')]).toEqual([1, 1]);
    await provider.power!.suspend!(machineId, never);
    await provider.destroy(machineId, never);
    expect([server.model.instances.size, server.model.disks.size]).toEqual([0, 0]);
  });

  it('go on from the disk where Compute Engine has stopped the machine meanwhile', async () => {
    const { provider, server } = harness;
    const { machineId } = await provider.create(gcpRequest(), never);
    await provider.power!.suspend!(machineId, never);
    const [place] = placesOf(server, machineId);
    // As it does after 60 days.
    server.model.instance(...place!).status = 'TERMINATED';
    expect((await provider.describe(machineId, never))?.status).toBe('stopped');
    expect((await provider.power!.suspend!(machineId, never)).status, 'there is nothing to suspend').toBe('stopped');
    expect((await provider.power!.resume!({ machineId, agentBootstrap: null }, never)).status).toBe('running');
    expect(server.countOf('instances.start')).toBe(1);
  });

  it('let a suspended machine be stopped', async () => {
    const { provider } = harness;
    const { machineId } = await provider.create(gcpRequest(), never);
    await provider.power!.suspend!(machineId, never);
    expect((await provider.power!.stop(machineId, never)).status).toBe('stopped');
    expect((await provider.power!.start({ machineId, agentBootstrap: null }, never)).status).toBe('running');
  });
});

import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CreateMachineRequest } from '../../../domain/machine/provider.ts';
import { proofOfNames } from '../../../domain/machine/agent-proof.ts';
import { recordOf } from '../../../providers/digitalocean/droplet/droplet-tags.ts';
import { DIGITALOCEAN_RULES } from '../../../providers/digitalocean/rules.ts';
import {
  chatOnDigitalOcean,
  digitalOceanHarness,
  digitalOceanRequest,
  warmClient,
  type DigitalOceanHarness,
} from '../../../test-support/digitalocean-server/harness.ts';
import { eventually } from '../../../test-support/eventually.ts';

const never = { signal: new AbortController().signal };

beforeAll(warmClient);

let harness: DigitalOceanHarness;
beforeEach(async () => {
  harness = await digitalOceanHarness();
});
afterEach(() => harness.dispose());

const tagsOf = (machineId: string): string[] => {
  const [droplet] = harness.dropletsOf(machineId);
  return harness.server.model.tags.of('droplet', droplet!.id);
};
const secretOf = (machineId: string): string | undefined => proofOfNames('ephemera-agent-secret', tagsOf(machineId));
const bootstrap = (secret: string) => ({ apiUrl: 'http://10.0.0.2:7400', secret });

describe('stop and start', () => {
  it('shut the droplet down and bring it back, with something new to prove itself with', async () => {
    const { provider, server } = harness;
    const { machineId } = await provider.create(digitalOceanRequest(), never);
    expect(secretOf(machineId)).toBe('one-time');
    await provider.power!.stop(machineId, never);
    expect(server.countOf('dropletActions.power_off')).toBe(0);
    await provider.power!.start({ machineId, agentBootstrap: bootstrap('Another') }, never);
    expect(secretOf(machineId)).toBe('Another');
    await provider.power!.start({ machineId, agentBootstrap: bootstrap('late') }, never);
    expect(secretOf(machineId), 'one that runs has it already').toBe('Another');
    const actions = ['shutdown', 'power_on'].map((action) => server.countOf(`dropletActions.${action}`));
    expect(actions).toEqual([1, 1]);
  });

  it('cut the power of a droplet whose system does not shut itself down', async () => {
    const { provider, server } = harness;
    const { machineId } = await provider.create(digitalOceanRequest(), never);
    for (const { id } of harness.dropletsOf(machineId)) server.model.deaf.add(id);
    expect((await provider.power!.stop(machineId, never)).status).toBe('stopped');
    expect(['shutdown', 'power_off'].map((action) => server.countOf(`dropletActions.${action}`))).toEqual([1, 1]);
  });

  it('survive answers that are lost, each by a look', async () => {
    const { provider, server } = harness;
    const { machineId } = await provider.create(digitalOceanRequest(), never);
    server.faults.add({ method: 'dropletActions.shutdown', times: 1, what: { kind: 'resetAfter' } });
    expect((await provider.power!.stop(machineId, never)).status).toBe('stopped');
    server.faults.add({ method: 'dropletActions.power_on', times: 1, what: { kind: 'resetAfter' } });
    const started = await provider.power!.start({ machineId, agentBootstrap: bootstrap('next') }, never);
    expect(started.status).toBe('running');
  });
});

describe('another owner', () => {
  const warm = (): CreateMachineRequest =>
    digitalOceanRequest({ owner: 'warm/m-warm', madeFor: 'pool-1', uid: 'life-of-the-pool' });
  const adoption = (machineId: string, vm: string, secret: string) => ({
    ...{ machineId, from: 'warm/m-warm', to: `vm/default/${vm}`, uid: `life-of-${vm}`, madeFor: 'pool-1' },
    ...{ startSignature: 'signed', agentBootstrap: bootstrap(secret) },
    spec: chatOnDigitalOcean({ labels: { team: vm } }),
  });

  it('is written with what the agent proves itself with, and labels follow', async () => {
    const { provider } = harness;
    const { machineId } = await provider.create(warm(), never);
    const machine = await provider.adopt!(adoption(machineId, 'lobby', 'of-the-lobby'), never);
    expect(machine.labels).toMatchObject({ owner: 'vm/default/lobby', uid: 'life-of-lobby', vm: 'lobby' });
    expect(secretOf(machineId)).toBe('of-the-lobby');
    expect(tagsOf(machineId)).toContain('ephemera-label:team:lobby');
    expect(await harness.restarted().describe(machineId, never)).toEqual(machine);
  });

  it('is one of two that ask at a time, who also has its proof', async () => {
    const { provider } = harness;
    const { machineId } = await provider.create(warm(), never);
    const asked = await Promise.allSettled([
      harness.restarted().adopt!(adoption(machineId, 'one', 'of-one'), never),
      harness.restarted().adopt!(adoption(machineId, 'two', 'of-two'), never),
    ]);
    const { owner } = recordOf(tagsOf(machineId))!.labels;
    const winners = asked.filter(({ status }) => status === 'fulfilled');
    expect(winners).toHaveLength(1);
    expect(winners[0]).toMatchObject({ value: { labels: { owner } } });
    expect(secretOf(machineId)).toBe(owner === 'vm/default/one' ? 'of-one' : 'of-two');
  });

  it('is gone on with where a try ended in the middle', async () => {
    const { provider, server } = harness;
    const { machineId } = await provider.create(warm(), never);
    for (const operation of ['tags.create', 'tags.assign', 'droplets.get']) {
      server.faults.add({ method: operation, times: 1, what: { kind: 'resetAfter' } });
    }
    const machine = await provider.adopt!(adoption(machineId, 'lobby', 'of-the-lobby'), never);
    expect(machine.labels.owner).toBe('vm/default/lobby');
    expect(secretOf(machineId)).toBe('of-the-lobby');
    await provider.destroy(machineId, never);
    await eventually(() => {
      const left = server.model.tags.all().filter(({ name }) => /^ephemera-(record|agent|machine)/.test(name));
      expect(left.map(({ name }) => name)).toEqual([]);
    });
  });
});

describe('an address on the internet', () => {
  const outside = (externalIp: 'allowed' | 'reserved') =>
    harness.withOptions({ rules: { ...DIGITALOCEAN_RULES, externalIp } });
  const request = () => digitalOceanRequest({ spec: chatOnDigitalOcean({ externalIp: true }) });

  it('is had where it is asked for; without, the droplet has no public network at all', async () => {
    const machine = await outside('allowed').create(request(), never);
    expect(machine.address!.ip).toBe(harness.dropletsOf(machine.machineId)[0]!.publicIp);
    const inner = await harness.provider.create(digitalOceanRequest(), never);
    expect(harness.dropletsOf(inner.machineId)[0]).toMatchObject({ publicIp: null, privateIp: inner.address!.ip });
  });

  it('is a reserved one where the deployment says so, kept over a stop, and given back with the machine', async () => {
    const provider = outside('reserved');
    const { machineId, address } = await provider.create(request(), never);
    const reserved = () => [...harness.server.model.reservedIps.all.values()];
    expect(reserved().map(({ ip }) => ip)).toEqual([address!.ip]);
    await provider.power!.stop(machineId, never);
    const started = await outside('reserved').power!.start({ machineId, agentBootstrap: null }, never);
    expect(started.address).toEqual(address);
    await outside('reserved').destroy(machineId, never);
    expect(reserved()).toEqual([]);
  });

  it('is reserved once where the answer is lost', async () => {
    harness.server.faults.add({ method: 'reservedIps.create', times: 1, what: { kind: 'resetAfter' } });
    const provider = outside('reserved');
    const { machineId, address } = await provider.create(request(), never);
    expect([...harness.server.model.reservedIps.all.keys()]).toEqual([address!.ip]);
    await provider.destroy(machineId, never);
    expect(harness.server.model.reservedIps.all.size).toBe(0);
  });
});

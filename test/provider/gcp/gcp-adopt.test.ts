/** How an instance that waits in a pool gets its VM as its owner, through the official client against the strict server. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CreateMachineRequest, MachineAdoption } from '../../../domain/machine/provider.ts';
import { warmSpecOf } from '../../../domain/pool/warm-spec.ts';
import { warmWorkflowId } from '../../../domain/wire-names.ts';
import { ownerLabelOf } from '../../../providers/gcp/machine/instance-names.ts';
import {
  chatOnGcp,
  gcpHarness,
  gcpRequest,
  placesOf,
  warmClient,
  type GcpHarness,
} from '../../../test-support/gce-server/harness.ts';
import type { Instance } from '../../../test-support/gce-server/resources.ts';

const never = { signal: new AbortController().signal };
const API = 'https://10.0.0.2:7400';
const MAX_LIFETIME_SECONDS = 3600;

beforeAll(warmClient);

let harness: GcpHarness;
beforeEach(async () => {
  harness = await gcpHarness();
});
afterEach(() => harness.dispose());

const spec = chatOnGcp({
  env: { TITLE: 'of-the-template' },
  labels: { team: 'pool', tier: 'a' },
  maxLifetimeSeconds: 60,
});

/** As its pool has it made. */
function waiting(changes: Partial<CreateMachineRequest> = {}): CreateMachineRequest {
  const { machineId } = gcpRequest();
  return gcpRequest({
    ...{ machineId, spec: warmSpecOf(spec), owner: warmWorkflowId(machineId), uid: randomUUID() },
    ...{ startSignature: 'of-the-pool', madeFor: 'such-vms', agentBootstrap: { apiUrl: API, secret: 'of-the-pool' } },
    ...changes,
  });
}

function adoptionOf({ machineId }: { machineId: string }, changes: Partial<MachineAdoption> = {}): MachineAdoption {
  return {
    ...{ machineId, from: warmWorkflowId(machineId), to: 'vm/acme/lobby', uid: 'uid-of-the-vm' },
    ...{ startSignature: 'of-the-vm', madeFor: 'such-vms' },
    spec: { ...spec, env: { TITLE: 'hall' }, labels: { team: 'games' }, maxLifetimeSeconds: MAX_LIFETIME_SECONDS },
    agentBootstrap: { apiUrl: API, secret: 'of-the-vm' },
    ...changes,
  };
}

function instanceOf(machineId: string): Instance {
  const [place] = placesOf(harness.server, machineId);
  return harness.server.model.instance(...place!);
}

function metadataOf(machineId: string): Record<string, string> {
  return Object.fromEntries((instanceOf(machineId).metadata?.items ?? []).map(({ key, value }) => [key, value]));
}

describe('an instance that waits', () => {
  it('has no name, variable or secret of a VM, and is deleted by Compute Engine no sooner than any VM could want it', async () => {
    const machine = await harness.provider.create(waiting(), never);
    const { labels, scheduling } = instanceOf(machine.machineId);
    expect(labels).toMatchObject({ 'ephemera-owner': `warm_${machine.machineId}`, team: 'pool' });
    const text = JSON.stringify(instanceOf(machine.machineId));
    expect(text).not.toContain('of-the-template');
    const sixtyDays = 60 * 24 * 3600;
    expect(Number(scheduling?.maxRunDuration?.seconds)).toBeGreaterThanOrEqual(sixtyDays);
  });

  it('becomes the machine of its VM, with the labels of that and what its agent proves itself with, and is adopted once', async () => {
    const { machineId } = await harness.provider.create(waiting(), never);
    const before = metadataOf(machineId);
    const adoption = adoptionOf({ machineId });
    const machine = await harness.provider.adopt!(adoption, never);
    const { to, uid, startSignature } = adoption;
    const labels = { deployment: 'test', machineId, owner: to, uid, project: 'acme', vm: 'lobby' };
    expect(machine).toMatchObject({ machineId, status: 'running', startSignature, awaitsAssignment: true, labels });
    expect(instanceOf(machineId).labels).toEqual({
      'ephemera-deployment': 'test',
      'ephemera-machine': machineId,
      'ephemera-owner': ownerLabelOf(to),
      'ephemera-uid': uid,
      'ephemera-project': 'acme',
      'ephemera-vm': 'lobby',
      team: 'games',
    });
    const after = metadataOf(machineId);
    expect(after['ephemera-agent-secret']).toBe('of-the-vm');
    expect(after['ephemera-machine-key']).toBe(before['ephemera-machine-key']);
    expect(after['ephemera-machine']).not.toContain('madeFor');
    expect(JSON.stringify(instanceOf(machineId))).not.toMatch(/hall|of-the-pool/);
    expect(await harness.restarted().describe(machineId, never)).toEqual(machine);
    expect((await harness.provider.list(never)).map((one) => one.labels.owner)).toEqual([to]);
    await expect(
      harness.provider.adopt!(adoptionOf({ machineId }, { to: 'vm/acme/other' }), never),
    ).rejects.toMatchObject({ code: 'notSigned' });
  });

  it('is adopted again by the same VM without a change', async () => {
    const { machineId } = await harness.provider.create(waiting(), never);
    const machine = await harness.provider.adopt!(adoptionOf({ machineId }), never);
    const again = { ...adoptionOf({ machineId }), agentBootstrap: { apiUrl: API, secret: 'made-again' } };
    expect(await harness.restarted().adopt!(again, never)).toEqual(machine);
    expect([harness.server.countOf('instances.setMetadata'), harness.server.countOf('instances.setLabels')]).toEqual([
      1, 1,
    ]);
    expect(metadataOf(machineId)['ephemera-agent-secret']).toBe('of-the-vm');
  });

  it('has the secret of its VM in no label, and its binding where the deployment has an account for machines', async () => {
    const provider = harness.withOptions({ machineServiceAccount: 'nobody@test-project.iam.gserviceaccount.com' });
    const { machineId } = await provider.create(waiting(), never);
    await provider.adopt!(adoptionOf({ machineId }), never);
    expect(metadataOf(machineId)).toMatchObject({ 'ephemera-agent-binding': 'of-the-vm' });
    expect(metadataOf(machineId)).not.toHaveProperty('ephemera-agent-secret');
  });
});

describe('an adoption', () => {
  it('goes to one of two VMs that want the machine at once', async () => {
    const { machineId } = await harness.provider.create(waiting(), never);
    const wanted = ['vm/acme/a', 'vm/acme/b'].map((to) =>
      harness.restarted().adopt!(adoptionOf({ machineId }, { to, startSignature: to }), never),
    );
    const outcomes = await Promise.allSettled(wanted);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(outcomes.find((one) => one.status === 'rejected')).toMatchObject({ reason: { code: 'notSigned' } });
    const won = outcomes.find((one) => one.status === 'fulfilled')!.value.labels.owner;
    expect(instanceOf(machineId).labels!['ephemera-owner']).toBe(ownerLabelOf(won));
  });

  it.each(['instances.setMetadata', 'instances.setLabels'])(
    'looks again where somebody else changed the instance before %s',
    async (method) => {
      const { machineId } = await harness.provider.create(waiting(), never);
      const what = {
        kind: 'answer',
        status: 412,
        reason: 'conditionNotMet',
        message: 'fingerprint is invalid',
      } as const;
      harness.server.faults.add({ method, times: 2, what });
      expect((await harness.provider.adopt!(adoptionOf({ machineId }), never)).labels.owner).toBe('vm/acme/lobby');
      expect(harness.server.countOf(method)).toBe(3);
    },
  );

  it('looks again where its operation finds the instance changed', async () => {
    const { machineId } = await harness.provider.create(waiting(), never);
    const error = { code: 'CONDITION_NOT_MET', message: 'fingerprint is invalid' };
    harness.server.model.engine.failNext.set('setMetadata', { error, httpStatus: 412, times: 1 });
    expect((await harness.provider.adopt!(adoptionOf({ machineId }), never)).labels.owner).toBe('vm/acme/lobby');
  });

  it('that ended between metadata and labels leaves one owner, and the next try of another worker ends it', async () => {
    const { machineId } = await harness.provider.create(waiting(), never);
    const error = { code: 'INTERNAL_ERROR', message: 'lost' };
    harness.server.model.engine.failNext.set('setLabels', { error, httpStatus: 500, times: 1 });
    const adoption = adoptionOf({ machineId });
    await expect(harness.provider.adopt!(adoption, never)).rejects.toMatchObject({ code: 'backendUnavailable' });
    const listed = await harness.provider.list(never);
    expect(listed.map(({ labels }) => labels.owner)).toEqual([adoption.to]);
    expect(instanceOf(machineId).labels!['ephemera-vm']).toBe(`warm-${machineId}`);
    await harness.restarted().adopt!(adoption, never);
    expect(instanceOf(machineId).labels).toMatchObject({ 'ephemera-vm': 'lobby', 'ephemera-owner': 'vm_acme_lobby' });
    expect(harness.server.countOf('instances.setMetadata')).toBe(1);
  });

  it('whose answer was lost is found done', async () => {
    const { machineId } = await harness.provider.create(waiting(), never);
    for (const method of ['instances.setMetadata', 'instances.setLabels']) {
      harness.server.faults.add({ method, times: 1, what: { kind: 'resetAfter' } });
    }
    const machine = await harness.provider.adopt!(adoptionOf({ machineId }), never);
    expect(machine.labels.owner).toBe('vm/acme/lobby');
    expect(harness.server.model.instances.size).toBe(1);
  });

  it('is refused for a machine of another owner, and for one that was made for other VMs', async () => {
    const own = await harness.provider.create(gcpRequest(), never);
    const { machineId } = await harness.provider.create(waiting({ madeFor: 'other-vms' }), never);
    for (const id of [own.machineId, machineId]) {
      const before = JSON.stringify(instanceOf(id));
      await expect(harness.provider.adopt!(adoptionOf({ machineId: id }), never)).rejects.toMatchObject({
        code: 'notSigned',
      });
      expect(JSON.stringify(instanceOf(id))).toBe(before);
    }
  });

  it('is refused for a VM that stays where Compute Engine would end the machine, and for labels that no instance can have', async () => {
    const { machineId } = await harness.provider.create(waiting(), never);
    const before = JSON.stringify(instanceOf(machineId));
    for (const changes of [{ maxLifetimeSeconds: null }, { labels: { 'ephemera-owner': 'me' } }]) {
      const adoption = adoptionOf({ machineId }, { spec: { ...spec, ...changes } });
      await expect(harness.provider.adopt!(adoption, never)).rejects.toMatchObject({ code: 'badSpec' });
    }
    expect(JSON.stringify(instanceOf(machineId))).toBe(before);
    const stays = { ...spec, maxLifetimeSeconds: null };
    const lasting = await harness.provider.create(waiting({ spec: warmSpecOf(stays) }), never);
    expect(await harness.provider.adopt!(adoptionOf(lasting, { spec: stays }), never)).toMatchObject({
      status: 'running',
    });
  });

  it('is refused where the machine was made before machines were given an account, so that its agent could prove nothing', async () => {
    const { machineId } = await harness.provider.create(waiting(), never);
    const before = JSON.stringify(instanceOf(machineId));
    const later = harness.withOptions({ machineServiceAccount: 'nobody@test-project.iam.gserviceaccount.com' });
    await expect(later.adopt!(adoptionOf({ machineId }), never)).rejects.toMatchObject({ code: 'badSpec' });
    expect(JSON.stringify(instanceOf(machineId))).toBe(before);
  });

  it('says that the machine ended where it is gone, goes in its midst, was preempted or stopped by itself', async () => {
    const gone = { code: 'machineEnded' };
    await expect(harness.provider.adopt!(adoptionOf(gcpRequest()), never)).rejects.toMatchObject(gone);
    const crashed = await harness.provider.create(waiting(), never);
    await harness.crash(crashed.machineId);
    await expect(harness.provider.adopt!(adoptionOf(crashed), never)).rejects.toMatchObject(gone);
    const preempted = await harness.provider.create(waiting({ spec: warmSpecOf({ ...spec, spot: true }) }), never);
    const [place] = placesOf(harness.server, preempted.machineId);
    const adopting = harness.provider.adopt!(adoptionOf(preempted), never);
    harness.server.model.preempt(...place!);
    await expect(adopting).rejects.toMatchObject(gone);
  });

  it('of one that is being deleted never makes it live on', async () => {
    const { machineId } = await harness.provider.create(waiting(), never);
    const destroyed = harness.provider.destroy(machineId, never);
    await expect(harness.restarted().adopt!(adoptionOf({ machineId }), never)).rejects.toMatchObject({
      code: 'machineEnded',
    });
    await destroyed;
    expect(harness.server.model.instances.size).toBe(0);
  });

  it.each(['compute.instances.setMetadata', 'compute.instances.setLabels', 'iam.serviceAccounts.actAs'])(
    'says which permission is missing: %s',
    async (permission) => {
      const provider = harness.withOptions({ machineServiceAccount: 'nobody@test-project.iam.gserviceaccount.com' });
      const { machineId } = await provider.create(waiting(), never);
      harness.server.model.denied.add(permission);
      const refused = provider.adopt!(adoptionOf({ machineId }), never);
      await expect(refused).rejects.toThrow(permission);
      await expect(refused).rejects.toMatchObject({ code: 'permissionDenied' });
    },
  );
});

import { isDeepStrictEqual } from 'node:util';
import { machineLabels } from '../../../domain/machine/owner.ts';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import type { CancelSignal, Machine, MachineAdoption } from '../../../domain/machine/provider.ts';
import { pause, type CallSettings } from '../../cloud/api-calls.ts';
import { CloudFailure } from '../../cloud/cloud-failure.ts';
import type { MachineRecord } from '../../cloud/machine-record.ts';
import { asProviderError } from '../calls/client-errors.ts';
import type { ComputeCalls } from '../calls/compute-calls.ts';
import type { ComputeApi, InstanceResource, MetadataItem, OperationResource } from '../calls/compute-api.ts';
import { pendingOperation } from '../calls/operations.ts';
import { checkLabels } from '../spec-check.ts';
import { LABEL } from '../../cloud/resource-names.ts';
import { labelsOf } from './instance-resource.ts';
import type { InstanceParts } from './instance-parts.ts';
import { machineOf, METADATA, recordOf, zoneOf } from './machine-facts.ts';

export interface AdoptionParts extends InstanceParts {
  deployment: string;
  /** Key of the metadata by which its agent proves itself. */
  proofKey: string;
}

const MAX_TRIES = 8;

type Place = { project: string; zone: string; instance: string };

/** One step of an adoption: a call with a precondition, so that of two that want the same step one is refused. */
interface Step {
  call: (place: Place) => Promise<OperationResource>;
  /** The instance once that is done. */
  after: InstanceResource;
}

/**
 * Gives instances another owner. Whose an instance is stands in one value of its metadata, so that it changes hands in one call,
 * together with what its agent proves itself with; labels, which people go by, follow. What an instance says of itself tells what
 * is still to be done: a try goes on where another one ended.
 */
export class MachineAdoptions {
  private readonly parts: () => Promise<AdoptionParts>;

  constructor(parts: () => Promise<AdoptionParts>) {
    this.parts = parts;
  }

  async adopt(adoption: MachineAdoption, signal: CancelSignal): Promise<Machine> {
    signal.throwIfAborted();
    checkLabels(adoption.spec);
    const { machineId } = adoption;
    const settings: CallSettings = { purpose: 'ongoing', signal };
    try {
      return await this.reach(adoption, settings);
    } catch (error) {
      if (!(error instanceof CloudFailure)) throw error;
      throw error.kind === 'notFound' ? ended(machineId) : asProviderError(error, { doing: `adopt ${machineId}` });
    }
  }

  private async reach(adoption: MachineAdoption, settings: CallSettings): Promise<Machine> {
    const { operations, instances, project, pollMs } = await this.parts();
    const { machineId } = adoption;
    let instance = await instances.find(machineId, settings);
    for (let attempt = 1; ; attempt++) {
      const machine = instance === undefined ? undefined : machineOf(instance);
      if (instance === undefined || machine === undefined || machine.status === 'ended') throw ended(machineId);
      const step = await this.nextStep(instance, adoption, settings);
      if (step === null) return machine;
      try {
        const zone = zoneOf(instance);
        const begun = await step.call({ project, zone, instance: instances.nameOf(machineId) });
        await operations.settled(pendingOperation(zone, begun), settings, begun);
        instance = step.after;
      } catch (error) {
        if (!isOvertaken(error) || attempt >= MAX_TRIES) throw error;
        await pause(pollMs, settings.signal);
        instance = await instances.find(machineId, settings);
      }
    }
  }

  /** What is to be done next about an instance as it is now, null when it is all the new owner's. Errors: `notSigned`, `badSpec`. */
  private async nextStep(
    instance: InstanceResource,
    adoption: MachineAdoption,
    settings: CallSettings,
  ): Promise<Step | null> {
    const { api, calls, deployment, proofKey } = await this.parts();
    const items = adoptedItems(instance, adoption, { deployment, proofKey });
    if (items !== null) {
      const metadataResource = { items, fingerprint: instance.metadata?.fingerprint ?? '' };
      const call: Step['call'] = (place) =>
        begun(calls, settings, (options) => api.instances.setMetadata({ ...place, metadataResource }, options));
      return { call, after: { ...instance, metadata: { items } } };
    }
    const labels = adoptedLabels(instance, adoption, deployment);
    if (isDeepStrictEqual(labels, instance.labels)) return null;
    const instancesSetLabelsRequestResource = { labels, labelFingerprint: instance.labelFingerprint ?? '' };
    const call: Step['call'] = (place) =>
      begun(calls, settings, (options) =>
        api.instances.setLabels({ ...place, instancesSetLabelsRequestResource }, options),
      );
    return { call, after: { ...instance, labels } };
  }
}

async function begun(
  calls: ComputeCalls,
  settings: CallSettings,
  call: (
    options: Parameters<ComputeApi['instances']['setLabels']>[1],
  ) => ReturnType<ComputeApi['instances']['setLabels']>,
): Promise<OperationResource> {
  const [{ latestResponse }] = await calls.make(settings, call);
  return latestResponse;
}

/**
 * The metadata with the new owner, null where it is in it. Errors: `notSigned` where the machine is of a third one or was made for
 * others; `badSpec` where Compute Engine would end it before its VM, or its agent has no proof that could be another one.
 */
function adoptedItems(
  instance: InstanceResource,
  { machineId, from, to, uid, startSignature, madeFor, spec, agentBootstrap }: MachineAdoption,
  { deployment, proofKey }: Pick<AdoptionParts, 'deployment' | 'proofKey'>,
): MetadataItem[] | null {
  const record = recordOf(instance);
  if (record === undefined) throw ended(machineId);
  const { owner } = record.labels;
  if (owner === to && record.startSignature === startSignature) return null;
  if (owner !== from) throw notSigned(`${machineId} is a machine of ${owner}, not of ${from}`);
  if (record.madeFor !== madeFor) throw notSigned(`${machineId} was not made for a VM as ${to} is`);
  if (spec.maxLifetimeSeconds === null && instance.scheduling?.maxRunDuration !== undefined) {
    const why = 'Compute Engine deletes it by itself one day, and its limit cannot be taken from an instance that runs';
    throw new ProviderError('badSpec', `field maxLifetimeSeconds: ${machineId} cannot be a VM that stays: ${why}`);
  }
  const items = instance.metadata?.items ?? [];
  if (agentBootstrap !== null && !items.some(({ key }) => key === proofKey)) {
    throw new ProviderError('badSpec', `${machineId} was made for agents that prove themselves in another way`);
  }
  // Once: nobody adopts it from this owner.
  const adopted: MachineRecord = {
    ...{ ...record, madeFor: undefined, startSignature },
    labels: machineLabels({ deployment, machineId, owner: to, uid }),
  };
  const changed = new Map<string, string>([
    [METADATA.machine, JSON.stringify(adopted)],
    ...(agentBootstrap === null ? [] : [[proofKey, agentBootstrap.secret] as const]),
  ]);
  return items.map(({ key, value }) => ({ key, value: changed.get(key) ?? value }));
}

/** What its users gave the machine that waited was its template's. */
function adoptedLabels(
  { labels }: InstanceResource,
  { machineId, to, uid, spec }: MachineAdoption,
  deployment: string,
): Record<string, string> {
  const power = labels?.[LABEL.power];
  return {
    ...labelsOf({ spec, machineId, owner: to, uid }, deployment),
    ...(power === undefined ? {} : { [LABEL.power]: power }),
  };
}

/** Somebody else changed the instance since it was looked at, or is about to. */
function isOvertaken(error: unknown): boolean {
  return error instanceof CloudFailure && (error.kind === 'fingerprint' || error.kind === 'notReady');
}

function ended(machineId: string): ProviderError {
  return new ProviderError('machineEnded', `${machineId} does not run any more`);
}

function notSigned(why: string): ProviderError {
  return new ProviderError('notSigned', `notSigned: ${why}`);
}

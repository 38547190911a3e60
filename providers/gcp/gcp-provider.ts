/**
 * Machines that are Compute Engine instances. All that is known of them is in the instances themselves, so any number
 * of workers see the same ones. docs/decisions/0011 says what keeps one machine from becoming two, or outliving its end.
 */
import { randomUUID } from 'node:crypto';
import type { AuthClient } from 'google-auth-library';
import { callRateWith, type CallRate } from '../../domain/capacity/call-budget.ts';
import { GCP_RULES, type GcpRules } from './rules.ts';
import type {
  CallContext,
  CallProgress,
  WantedConsole,
  CreateMachineRequest,
  Machine,
  MachineAdoption,
  MachineEndCause,
  MachineProvider,
} from '../../domain/machine/provider.ts';
import { ProviderError } from '../../domain/machine/provider-error.ts';
import { CallBudget } from '../call-budget.ts';
import { pause, type BackOff, type CallSettings } from '../cloud/api-calls.ts';
import { ComputeCalls } from './calls/compute-calls.ts';
import { CALL_RATE, PROVIDER_NAME } from './capabilities.ts';
import { CloudFailure } from '../cloud/cloud-failure.ts';
import { asProviderError, failureOfCall } from './calls/client-errors.ts';
import type { ComputeApi, InstanceResource } from './calls/compute-api.ts';
import { computeClients } from './calls/compute-clients.ts';
import { MachineAdoptions } from './machine/machine-adoption.ts';
import { Instances, LIST_PAGE_SIZE } from './machine/instances.ts';
import { proofKeyOf, type InstanceDefaults } from './machine/instance-resource.ts';
import { machineOf, recordOf, zoneOf } from './machine/machine-facts.ts';
import { MachineDiskImages } from './machine/machine-images.ts';
import { MachineInsert } from './machine/machine-insert.ts';
import { Operations, parseToken, pendingOperation, tokenOf } from './calls/operations.ts';
import { MachinePower } from './machine/machine-power.ts';
import { DEFAULT_ZONES } from './place.ts';
import { isMachineId } from '../cloud/cloud-machine.ts';
import { checkRequest } from './spec-check.ts';
import { Tombstones } from '../cloud/tombstones.ts';

export interface GcpProviderOptions {
  deployment: string;
  project: string;
  /** Zones of specs that name none, in the order to try; `us-central1-a` unless given. */
  zones?: readonly string[];
  /** Another endpoint than Google's; `http://` means without credentials. */
  endpoint?: string | null;
  /** Whose credentials to use; Application Default Credentials unless given. */
  authClient?: AuthClient;
  /** The clients themselves, for tests with another transport. */
  api?: ComputeApi;
  /** See {@link InstanceDefaults}. */
  machineServiceAccount?: string | null;
  vmServerUrl?: string | null;
  diskType?: string;
  /** What specs may ask for; those of a deployment that sets none unless given. */
  rules?: GcpRules;
  /** The calls that this process makes to Compute Engine; one of its own unless given. */
  budget?: CallBudget;
  /** Of a budget of its own. */
  rate?: Partial<CallRate>;
  backOff?: Partial<BackOff>;
  /** How long a destroy waits for an insert that may be on its way, when it finds no instance. */
  settleMs?: number;
  /** Machines on one page of a list. */
  listPageSize?: number;
  /** Between two looks at an instance that is not running yet. */
  pollMs?: number;
}

const DEFAULT_BACK_OFF: BackOff = { firstMs: 500, mostMs: 15_000, budgetMs: 60_000 };
const DEFAULT_DISK_TYPE = 'pd-balanced';
const DEFAULT_SETTLE_MS = 5000;
const DEFAULT_POLL_MS = 1000;

/** Makes the provider; no call goes out before the first method is called. */
export function createGcpProvider(options: GcpProviderOptions): MachineProvider {
  return new GcpProvider(options);
}

interface Parts {
  api: ComputeApi;
  calls: ComputeCalls;
  operations: Operations;
  instances: Instances;
  insert: MachineInsert;
}

class GcpProvider implements MachineProvider {
  readonly name = PROVIDER_NAME;
  readonly power: MachinePower;
  readonly images: MachineDiskImages;
  private readonly adoptions: MachineAdoptions;
  private readonly options: GcpProviderOptions;
  private readonly tombstones = new Tombstones();
  private readonly settleMs: number;
  private readonly pollMs: number;
  private readonly rules: GcpRules;
  private parts: Promise<Parts> | undefined;

  constructor(options: GcpProviderOptions) {
    this.options = options;
    this.rules = options.rules ?? GCP_RULES;
    this.settleMs = options.settleMs ?? DEFAULT_SETTLE_MS;
    this.pollMs = options.pollMs ?? DEFAULT_POLL_MS;
    const { deployment, project, machineServiceAccount = null } = options;
    const proofKey = proofKeyOf({ machineServiceAccount });
    this.power = new MachinePower(async () => ({ ...(await this.ready()), project, pollMs: this.pollMs, proofKey }));
    this.adoptions = new MachineAdoptions(async () => ({
      ...(await this.ready()),
      ...{ project, deployment, pollMs: this.pollMs, proofKey },
    }));
    this.images = new MachineDiskImages(async () => ({
      ...(await this.ready()),
      project,
      deployment,
      pollMs: this.pollMs,
    }));
  }

  async create(request: CreateMachineRequest, { signal, progress }: CallContext): Promise<Machine> {
    signal.throwIfAborted();
    const { project, vmServerUrl = null } = this.options;
    checkRequest(request, { project, vmServerUrl, rules: this.rules });
    const { machineId, spec } = request;
    this.refuseDestroyed(machineId);
    return this.withMappedErrors(`create ${machineId}`, async () => {
      const settings: CallSettings = { purpose: 'ongoing', signal };
      const zones = spec.zones.length > 0 ? spec.zones : this.zones();
      const instance =
        (await this.leftBehind(machineId, zones, settings, progress)) ??
        (await this.insertInFirstZone(request, zones, settings, progress));
      const machine = await this.awaitRunning(machineId, instance, settings);
      if (!this.tombstones.has(machineId)) return machine;
      await this.remove(machineId, zoneOf(instance), { purpose: 'destroy', signal }, undefined);
      throw ended(machineId, 'was destroyed while it was made');
    });
  }

  async describe(machineId: string, { signal }: CallContext): Promise<Machine | undefined> {
    signal.throwIfAborted();
    if (!isMachineId(machineId)) return undefined;
    return this.withMappedErrors(`describe ${machineId}`, async () => {
      const instance = await (await this.ready()).instances.find(machineId, { purpose: 'ongoing', signal });
      return instance === undefined ? undefined : machineOf(instance);
    });
  }

  async destroy(machineId: string, { signal, progress }: CallContext): Promise<void> {
    signal.throwIfAborted();
    if (!isMachineId(machineId)) return;
    this.tombstones.add(machineId);
    await this.withMappedErrors(`destroy ${machineId}`, async () => {
      const { instances } = await this.ready();
      const settings: CallSettings = { purpose: 'destroy', signal };
      await this.finishNoted(progress, settings);
      // A zone is known only of an instance that was seen to be ours, so its delete needs no look before.
      const zone = instances.knownZone(machineId) ?? (await this.zoneWhenSettled(machineId, settings));
      if (zone !== undefined) await this.remove(machineId, zone, settings, progress);
      this.tombstones.noteGone(machineId);
    });
  }

  async list({ signal }: CallContext): Promise<Machine[]> {
    signal.throwIfAborted();
    return this.withMappedErrors('list the machines', async () => {
      const found = await (await this.ready()).instances.list({ purpose: 'ongoing', signal });
      return found.map(machineOf).filter((machine) => machine !== undefined);
    });
  }

  adopt(adoption: MachineAdoption, { signal }: CallContext): Promise<Machine> {
    return this.adoptions.adopt(adoption, signal);
  }

  async readConsole(
    machineId: string,
    { maxBytes, owner }: WantedConsole,
    { signal }: CallContext,
  ): Promise<Uint8Array | undefined> {
    signal.throwIfAborted();
    if (!isMachineId(machineId)) return undefined;
    return this.withMappedErrors(`read the console of ${machineId}`, async () => {
      const { api, calls, instances } = await this.ready();
      const settings: CallSettings = { purpose: 'ongoing', signal };
      const known = owner === undefined ? instances.knownZone(machineId) : undefined;
      const found = known === undefined ? await instances.find(machineId, settings) : undefined;
      const itsOwner = found === undefined ? undefined : recordOf(found)?.labels.owner;
      if (owner !== undefined && itsOwner !== owner) return undefined;
      const zone = known ?? (found === undefined ? undefined : zoneOf(found));
      if (zone === undefined) return undefined;
      const output = await calls.find(settings, (options) =>
        api.instances.getSerialPortOutput(
          { project: this.options.project, zone, instance: instances.nameOf(machineId), port: 1 },
          options,
        ),
      );
      return output === undefined ? undefined : new TextEncoder().encode(output.contents ?? '').slice(-maxBytes);
    });
  }

  async endCause(machineId: string, { signal }: CallContext): Promise<MachineEndCause | undefined> {
    signal.throwIfAborted();
    if (!isMachineId(machineId)) return undefined;
    return this.withMappedErrors(`ask for the end of ${machineId}`, async () => {
      const operations = await (await this.ready()).instances.operationsOn(machineId, { purpose: 'ongoing', signal });
      const preempted = operations.some(({ operationType }) => operationType === 'compute.instances.preempted');
      return preempted ? 'preempted' : undefined;
    });
  }

  /** The clients, made by the first call. Without credentials that call fails, and a later one looks again. */
  private ready(): Promise<Parts> {
    this.parts ??= this.makeParts().catch((error: unknown) => {
      this.parts = undefined;
      throw failureOfCall(error);
    });
    return this.parts;
  }

  private async makeParts(): Promise<Parts> {
    const { options } = this;
    const { deployment, project } = options;
    const api = options.api ?? (await computeClients(options));
    const backOff = { ...DEFAULT_BACK_OFF, ...options.backOff };
    const budget = options.budget ?? new CallBudget({ rate: { ...callRateWith(CALL_RATE), ...options.rate } });
    const calls = new ComputeCalls(budget, backOff);
    const operations = new Operations(api, calls, project);
    const pageSize = options.listPageSize ?? LIST_PAGE_SIZE;
    const instances = new Instances(api, calls, { deployment, project, pageSize });
    const { machineServiceAccount = null, vmServerUrl = null, diskType = DEFAULT_DISK_TYPE } = options;
    const { rules } = this;
    const defaults: InstanceDefaults = { deployment, project, machineServiceAccount, vmServerUrl, diskType, rules };
    const insert = new MachineInsert({ api, calls, operations, defaults, retryPauseMs: backOff.firstMs });
    return { api, calls, operations, instances, insert };
  }

  private zones(): readonly string[] {
    const { zones = [] } = this.options;
    return zones.length > 0 ? zones : DEFAULT_ZONES;
  }

  private refuseDestroyed(machineId: string): void {
    if (this.tombstones.has(machineId)) throw ended(machineId, 'was destroyed; its id is never used again');
  }

  /** What an earlier try of this create made, as far as that has to be looked for. */
  private async leftBehind(
    machineId: string,
    zones: readonly string[],
    settings: CallSettings,
    progress: CallProgress | undefined,
  ): Promise<InstanceResource | undefined> {
    await this.finishNoted(progress, settings);
    // In one zone the insert itself finds what is there. In several, an earlier try may have gone on to a later one.
    return zones.length > 1 ? (await this.ready()).instances.find(machineId, settings) : undefined;
  }

  private async insertInFirstZone(
    request: CreateMachineRequest,
    zones: readonly string[],
    { signal }: CallSettings,
    progress: CallProgress | undefined,
  ): Promise<InstanceResource> {
    const { insert, instances } = await this.ready();
    const { machineId, spec, owner } = request;
    const { imageId } = spec.startFrom ?? {};
    const settings: CallSettings = { purpose: 'ongoing', signal };
    const startDisk = imageId === undefined ? undefined : await this.images.startDiskOf(imageId, owner, settings);
    const refuseDestroyed = (): void => this.refuseDestroyed(machineId);
    for (const zone of zones) {
      const options = { zone, startDisk, signal, progress, refuseDestroyed };
      const outcome = await insert.insert(request, options).catch((error: unknown) => {
        throw startDisk && isMissingImage(error) ? imageGone(startDisk.source) : error;
      });
      if (outcome === 'full') continue;
      const instance = await instances.get(machineId, zone, { purpose: 'ongoing', signal });
      if (instance !== undefined) return instance;
      throw ended(machineId, 'was made and is gone; its id is never used again');
    }
    throw new CloudFailure('noCapacity', 'noCapacity', `no room or quota in ${zones.join(', ')}`);
  }

  private async awaitRunning(machineId: string, first: InstanceResource, settings: CallSettings): Promise<Machine> {
    let instance: InstanceResource | undefined = first;
    for (;;) {
      const machine = instance === undefined ? undefined : machineOf(instance);
      if (machine === undefined) throw ended(machineId, 'is gone');
      if (machine.status === 'ended') throw ended(machineId, 'ended; a machine lives once');
      if (machine.status !== 'starting') return machine;
      await pause(this.pollMs, settings.signal);
      instance = await (await this.ready()).instances.get(machineId, zoneOf(first), settings);
    }
  }

  /** Waits for the operation that an earlier try noted; how it ended shows in what is there now. */
  private async finishNoted(progress: CallProgress | undefined, settings: CallSettings): Promise<void> {
    const noted = progress?.resume ? parseToken(progress.resume) : undefined;
    if (noted === undefined) return;
    try {
      await (await this.ready()).operations.settled(noted, settings);
    } catch (error) {
      if (!(error instanceof CloudFailure) || error.passes) throw error;
    }
  }

  /**
   * The zone of a machine that this process has not seen, or undefined when there is none: not now, and not after
   * what may still be on its way has had its time.
   */
  private async zoneWhenSettled(machineId: string, settings: CallSettings): Promise<string | undefined> {
    const { instances } = await this.ready();
    let found = await instances.find(machineId, settings);
    if (found === undefined && !this.tombstones.isGone(machineId)) {
      await pause(this.settleMs, settings.signal);
      for (const operation of await instances.operationsOn(machineId, settings)) {
        const zone = operation.zone?.split('/').at(-1);
        if (operation.status === 'DONE' || zone === undefined) continue;
        await this.finishNoted({ resume: tokenOf(pendingOperation(zone, operation)), note: () => undefined }, settings);
      }
      found = await instances.find(machineId, settings);
    }
    return found === undefined ? undefined : zoneOf(found);
  }

  /** Deletes the instance with its disk, and resolves when it is seen gone. */
  private async remove(
    machineId: string,
    zone: string,
    settings: CallSettings,
    progress: CallProgress | undefined,
  ): Promise<void> {
    const { instances } = await this.ready();
    for (;;) {
      await this.deleteOnce(machineId, zone, settings, progress);
      if ((await instances.get(machineId, zone, settings)) === undefined) break;
      await pause(this.pollMs, settings.signal);
    }
    instances.forget(machineId);
  }

  private async deleteOnce(
    machineId: string,
    zone: string,
    settings: CallSettings,
    progress: CallProgress | undefined,
  ): Promise<void> {
    const { api, calls, operations, instances } = await this.ready();
    const { project } = this.options;
    // A fresh id each time: a delete that failed must not be answered with its own failure for an hour.
    const requestId = randomUUID();
    try {
      const [{ latestResponse }] = await calls.make(settings, (options) =>
        api.instances.delete({ project, zone, instance: instances.nameOf(machineId), requestId }, options),
      );
      const pending = pendingOperation(zone, latestResponse);
      progress?.note(tokenOf(pending));
      await operations.settled(pending, settings, latestResponse);
    } catch (error) {
      // Gone already, or not to be had right now: the look that follows tells.
      if (error instanceof CloudFailure && (error.kind === 'notFound' || error.kind === 'notReady')) return;
      throw error;
    }
  }

  private async withMappedErrors<Value>(doing: string, work: () => Promise<Value>): Promise<Value> {
    try {
      return await work();
    } catch (error) {
      throw error instanceof CloudFailure ? asProviderError(error, { doing }) : error;
    }
  }
}

/** Deleted between the look at it and the insert. */
function imageGone(path: string): ProviderError {
  return new ProviderError('imageGone', `${path} is not there any more`);
}

function isMissingImage(error: unknown): boolean {
  return error instanceof CloudFailure && asProviderError(error, { doing: '' }).code === 'imageUnknown';
}

function ended(machineId: string, why: string): ProviderError {
  return new ProviderError('machineEnded', `${machineId} ${why}`);
}

/** EC2 as the provider of all clouds has it: how its instances are found, made, changed and taken away. */
import type { DescribeInstancesCommandInput, Instance } from '@aws-sdk/client-ec2';
import { ProviderError } from '../../domain/machine/provider-error.ts';
import type { CreateMachineRequest, MachineEndCause } from '../../domain/machine/provider.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';
import type { CallSettings } from '../cloud/api-calls.ts';
import { CloudFailure } from '../cloud/cloud-failure.ts';
import type { Cloud, CloudServer, MakeOptions, PowerWish, RecordChange } from '../cloud/cloud.ts';
import { parseMachineRecord } from '../cloud/machine-record.ts';
import { LABEL } from '../cloud/resource-names.ts';
import { proofTags } from './agent-proof.ts';
import { PROVIDER_NAME } from './capabilities.ts';
import type { Ec2Calls } from './calls/ec2-calls.ts';
import { failureOfLaunch, listOf, TOKEN_ENDED, TOKEN_TAKEN } from './calls/ec2-errors.ts';
import { MachineImages, StartDisks, type StartDisk } from './machine/images.ts';
import { clientTokenOf, runInstancesInput, type InstanceDefaults } from './machine/run-instances.ts';
import { asTags, recordIn, tagOf, tagsOfRecord, tagValueOf } from './machine/tags.ts';
import { checkRequest } from './spec-check.ts';

const PAGE_SIZE = 1000;
/** So long after its make an instance may not be found yet. */
const SEEN_AFTER_MS = 60_000;
const POWER_WISHES: readonly string[] = ['stopped', 'suspended'] satisfies PowerWish[];

const STATUS: Readonly<Record<string, CloudServer['status']>> = {
  pending: 'starting',
  running: 'running',
  stopping: 'stopping',
  'shutting-down': 'stopping',
  stopped: 'stopped',
  terminated: 'gone',
};

/** What a spot instance that EC2 took back says of its end. */
const INTERRUPTED: readonly string[] = ['Server.SpotInstanceTermination', 'Server.SpotInstanceShutdown'];

export interface Ec2CloudOptions {
  calls: Ec2Calls;
  region: string;
  defaults: InstanceDefaults;
  /** See {@link StartDisks}. */
  ownImage: string | null;
  /** Instances on one page of a list. */
  pageSize?: number;
}

export class Ec2Cloud implements Cloud {
  readonly name = PROVIDER_NAME;
  /** By the client token, which EC2 remembers for a day after the instance is gone. */
  readonly makesOnce = true;
  /** A zone is a part of the token. */
  readonly makesOncePerPlace = true;
  readonly images: MachineImages;
  readonly #options: Ec2CloudOptions;
  readonly #disks: StartDisks;

  constructor(options: Ec2CloudOptions) {
    const { calls, defaults, ownImage } = options;
    this.#options = options;
    this.images = new MachineImages(calls, defaults.deployment);
    this.#disks = new StartDisks(calls, ownImage);
  }

  check(request: CreateMachineRequest): void {
    checkRequest(request, this.#options.defaults);
  }

  places({ zones }: VmSpec): readonly string[] {
    const { region, defaults } = this.#options;
    if (zones.length > 0) return zones;
    const set = Object.keys(defaults.rules.subnets);
    return set.length > 0 ? set : [`${region}a`];
  }

  async find(machineId: string, settings: CallSettings): Promise<CloudServer[]> {
    const Filters = [{ Name: `tag:${LABEL.machine}`, Values: [tagValueOf(machineId)] }, this.#ours()];
    const found = await this.#servers({ Filters }, settings);
    // The tag is only to search by: what is destroyed is what the record names.
    return found.filter(({ record }) => record.labels.machineId === machineId);
  }

  list(settings: CallSettings): Promise<CloudServer[]> {
    return this.#servers({ Filters: [this.#ours()] }, settings);
  }

  async get(server: CloudServer, settings: CallSettings): Promise<CloudServer | undefined> {
    try {
      return (await this.#servers({ InstanceIds: [server.id] }, settings))[0];
    } catch (error) {
      if (!isKind(error, 'notFound')) throw error;
      // EC2 tells of a new instance a moment after it has made it.
      return Date.now() - server.createdAt < SEEN_AFTER_MS ? server : undefined;
    }
  }

  make(request: CreateMachineRequest, options: MakeOptions, settings: CallSettings): Promise<CloudServer> {
    return this.#makeWith(1, request, options, settings);
  }

  async #makeWith(
    attempt: number,
    request: CreateMachineRequest,
    options: MakeOptions,
    settings: CallSettings,
  ): Promise<CloudServer> {
    const { place, startImage } = options;
    const { calls, defaults } = this.#options;
    const base = await this.#disks.of(request.spec.image, settings);
    const disk: StartDisk =
      startImage === undefined
        ? base
        : { imageId: startImage.id, device: base.device, sizeGb: Math.max(startImage.diskGb, 1) };
    if (startImage === undefined) refuseSmallDisk(request.spec, disk);
    const input = runInstancesInput(request, place, disk, defaults, attempt);
    try {
      const { Instances = [] } = await calls.make(settings, (ec2, call) => ec2.runInstances(input, call));
      const [made] = Instances.flatMap((instance) => this.#serverOf(instance) ?? []);
      if (made !== undefined) return made;
      throw new CloudFailure('unavailable', 'noInstance', 'RunInstances answered without an instance of ours');
    } catch (error) {
      refuseMissingImage(disk, startImage !== undefined, error);
      if (!isOfReason(error, TOKEN_ENDED)) return this.#made(request, error, settings);
      // Each instance that could not be launched there has used a token up.
      const next = 1 + (await this.#notLaunched(request, place, settings));
      if (next > attempt) return this.#makeWith(next, request, options, settings);
      throw new ProviderError('machineEnded', `${request.machineId} was made and is gone; its id is never used again`);
    }
  }

  async remove(machineId: string, settings: CallSettings): Promise<'gone' | 'going'> {
    const there = (await this.find(machineId, settings)).filter(({ status }) => status !== 'gone');
    if (there.length === 0) return 'gone';
    await this.#terminate(
      there.map(({ id }) => id),
      settings,
    );
    return 'going';
  }

  removeOne({ id }: CloudServer, settings: CallSettings): Promise<void> {
    return this.#terminate([id], settings);
  }

  async setWish({ id }: CloudServer, wish: PowerWish | null, settings: CallSettings): Promise<void> {
    const Resources = [id];
    await this.#options.calls.make(settings, (ec2, options) =>
      wish === null
        ? ec2.deleteTags({ Resources, Tags: [{ Key: LABEL.power }] }, options)
        : ec2.createTags({ Resources, Tags: [{ Key: LABEL.power, Value: wish }] }, options),
    );
  }

  async stop({ id }: CloudServer, settings: CallSettings): Promise<void> {
    await this.#options.calls.make(settings, (ec2, options) => ec2.stopInstances({ InstanceIds: [id] }, options));
  }

  async start({ id }: CloudServer, settings: CallSettings): Promise<void> {
    await this.#options.calls.make(settings, (ec2, options) => ec2.startInstances({ InstanceIds: [id] }, options));
  }

  /** All tags in one call, which EC2 makes whole or not at all; it cannot tell whether somebody else changed them. */
  async change({ id }: CloudServer, { record, spec, secret }: RecordChange, settings: CallSettings): Promise<void> {
    const { identity } = this.#options.defaults;
    const proof = secret === undefined ? [] : asTags(proofTags(identity, secret));
    const Tags = [...tagsOfRecord(record, spec), ...proof];
    await this.#options.calls.make(settings, (ec2, options) => ec2.createTags({ Resources: [id], Tags }, options));
  }

  async console({ id }: CloudServer, settings: CallSettings): Promise<string | undefined> {
    const { Output = '' } = await this.#options.calls.make(settings, (ec2, options) =>
      ec2.getConsoleOutput({ InstanceId: id }, options),
    );
    return Buffer.from(Output, 'base64').toString();
  }

  /** Asked by the client token too: EC2 takes the tags of an instance away some time after its end. */
  async endCause(machineId: string, settings: CallSettings): Promise<MachineEndCause | undefined> {
    const { rules, deployment } = this.#options.defaults;
    const places = Object.keys(rules.subnets);
    const tokens = places.map((place) => clientTokenOf(deployment, machineId, place));
    const byTag = { Name: `tag:${LABEL.machine}`, Values: [tagValueOf(machineId)] };
    const questions = [
      [byTag, this.#ours()],
      ...(tokens.length > 0 ? [[{ Name: 'client-token', Values: tokens }]] : []),
    ];
    for (const Filters of questions) {
      const instances = await this.#instances({ Filters }, settings);
      if (instances.length === 0) continue;
      const reasons = instances.map(({ StateReason }) => StateReason?.Code ?? '');
      return reasons.some((reason) => INTERRUPTED.includes(reason)) ? 'preempted' : undefined;
    }
    return undefined;
  }

  /** What is there after a make that was refused for its token. */
  async #made({ machineId }: CreateMachineRequest, error: unknown, settings: CallSettings): Promise<CloudServer> {
    if (!isOfReason(error, TOKEN_TAKEN)) throw error;
    // Another process has made it, with other words: its one-time secret is another one.
    const [first] = await this.find(machineId, { ...settings, once: false });
    if (first !== undefined) return first;
    throw new CloudFailure('unavailable', TOKEN_TAKEN, 'it was made a moment ago and is not to be seen yet', {
      cause: error,
    });
  }

  async #notLaunched({ machineId }: CreateMachineRequest, place: string, settings: CallSettings): Promise<number> {
    const servers = await this.find(machineId, { ...settings, once: false });
    return servers.filter((server) => server.place === place && server.failure !== undefined).length;
  }

  async #terminate(InstanceIds: string[], settings: CallSettings): Promise<void> {
    try {
      await this.#options.calls.make(settings, (ec2, options) => ec2.terminateInstances({ InstanceIds }, options));
    } catch (error) {
      if (!isKind(error, 'notFound')) throw error;
      // Shown, and not known everywhere in EC2 yet: only another try takes it away.
      const text = `${InstanceIds.join(', ')} cannot be terminated yet`;
      throw new CloudFailure('notReady', 'notYetThere', text, { cause: error });
    }
  }

  async #servers(input: DescribeInstancesCommandInput, settings: CallSettings): Promise<CloudServer[]> {
    return (await this.#instances(input, settings)).flatMap((instance) => this.#serverOf(instance) ?? []);
  }

  async #instances(input: DescribeInstancesCommandInput, settings: CallSettings): Promise<Instance[]> {
    const { calls, pageSize = PAGE_SIZE } = this.#options;
    const found: Instance[] = [];
    let NextToken: string | undefined;
    do {
      // A page may be asked for of filters alone.
      const page = input.InstanceIds === undefined ? { MaxResults: pageSize, NextToken } : {};
      const answer = await calls.make(settings, async (ec2, options) => {
        const { Reservations, NextToken: next } = await ec2.describeInstances({ ...input, ...page }, options);
        return { reservations: listOf(Reservations), next };
      });
      found.push(...answer.reservations.flatMap(({ Instances = [] }) => Instances));
      NextToken = answer.next;
    } while (NextToken !== undefined && NextToken !== '');
    return found;
  }

  #ours(): { Name: string; Values: string[] } {
    return { Name: `tag:${LABEL.deployment}`, Values: [tagValueOf(this.#options.defaults.deployment)] };
  }

  #serverOf(instance: Instance): CloudServer | undefined {
    const record = parseMachineRecord(recordIn(instance.Tags) ?? '');
    if (record?.labels.deployment !== this.#options.defaults.deployment) return undefined;
    const wish = tagOf(instance.Tags, LABEL.power);
    const state = instance.State?.Name ?? '';
    const isOver = state === 'terminated' || state === 'shutting-down';
    const failure = isOver ? failureOfLaunch(instance.StateReason ?? {}) : undefined;
    return {
      id: instance.InstanceId ?? '',
      place: instance.Placement?.AvailabilityZone ?? '',
      ...(failure === undefined ? { status: STATUS[state] ?? 'starting' } : { status: 'gone', failure }),
      ip: (record.externalIp ? instance.PublicIpAddress : instance.PrivateIpAddress) ?? null,
      createdAt: madeAt(instance),
      record,
      wish: wish !== undefined && POWER_WISHES.includes(wish) ? (wish as PowerWish) : null,
    };
  }
}

/** The launch time is that of the last start; the first interface was attached when the instance was made. */
function madeAt({ NetworkInterfaces = [], LaunchTime }: Instance): number {
  const [first] = NetworkInterfaces;
  return (first?.Attachment?.AttachTime ?? LaunchTime)?.getTime() ?? 0;
}

function refuseSmallDisk({ diskGb }: VmSpec, { imageId, sizeGb }: StartDisk): void {
  if (diskGb === null || diskGb >= sizeGb) return;
  throw new ProviderError('badSpec', `field diskGb: ${diskGb} GB are less than the ${sizeGb} GB of ${imageId}`);
}

/** Gone since it was looked for. */
function refuseMissingImage({ imageId }: StartDisk, isKept: boolean, error: unknown): void {
  if (!(error instanceof CloudFailure) || !error.reason.startsWith('InvalidAMIID')) return;
  throw new ProviderError(isKept ? 'imageGone' : 'imageUnknown', `${imageId} is not there any more: ${error.message}`);
}

function isOfReason(error: unknown, reason: string): boolean {
  return error instanceof CloudFailure && error.reason === reason;
}

function isKind(error: unknown, kind: CloudFailure['kind']): boolean {
  return error instanceof CloudFailure && error.kind === kind;
}

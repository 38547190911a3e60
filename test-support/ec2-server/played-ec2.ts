/**
 * EC2 as moto plays it, and what moto leaves out: client tokens, states that take time, capacity and quotas, interruptions,
 * limits of user data and tags, snapshots that carry tags, names of images that are used once, and what is on disks.
 */
import { createHash } from 'node:crypto';
import type { CloudGuests } from '../clouds/guests.ts';
import { PlayedInstance, type InstanceState } from './played-instance.ts';
import { Ec2Error, eachInstance, elementOf, listOf, specifiedTags, tagsOf, withoutTagsOf } from './query.ts';

export interface PlayedEc2Options {
  guests?: CloudGuests;
  /** See {@link PlayedEc2.stepMs}. */
  stepMs: number;
  /** Zone of each subnet. */
  zones: ReadonlyMap<string, string>;
  /** First two numbers of the loopback addresses on its internet. */
  internet: string;
  /** Makes the request of moto; its status and text. */
  forward: (params: URLSearchParams) => Promise<Forwarded>;
}

export interface Forwarded {
  status: number;
  text: string;
}

const NONE_TERMINATED: Forwarded = {
  status: 200,
  text: '<TerminateInstancesResponse><instancesSet/></TerminateInstancesResponse>',
};
const MAX_USER_DATA_BYTES = 16_384;
const MAX_TAGS = 50;
const METADATA_KEY = /^[A-Za-z0-9+\-=.,_:@]{1,128}$/;

export class PlayedEc2 {
  readonly instances = new Map<string, PlayedInstance>();
  /** Zones without room. */
  readonly full = new Set<string>();
  /** Most instances that are not terminated. */
  quota = Infinity;
  imageQuota = Infinity;
  /** How long a state lasts that leads to another, of what is made or changed from now on. */
  stepMs: number;
  /** Until an instance that was made is seen by others than who made it. */
  lagMs = 0;
  /** Terminated an hour ago and more: no look finds them. */
  readonly forgotten = new Set<string>();
  /** Actions that the credentials may not use. */
  readonly denied = new Set<string>();
  readonly #tokens = new Map<string, { hash: string; made: Promise<Forwarded> }>();
  readonly #idOfToken = new Map<string, string>();
  readonly #images = new Map<string, { name: string; readyAt: number; disk: Map<string, Buffer> }>();
  readonly #options: PlayedEc2Options;

  constructor(options: PlayedEc2Options) {
    this.#options = options;
    this.stepMs = options.stepMs;
  }

  async answer(action: string, params: URLSearchParams): Promise<Forwarded> {
    if (this.denied.has(action)) {
      const message = `You are not authorized to perform this operation. User is not authorized to perform: ec2:${action}`;
      throw new Ec2Error(403, 'UnauthorizedOperation', message);
    }
    const { forward } = this.#options;
    if (params.get('DryRun') === 'true') return forward(params);
    if (action === 'RunInstances') return this.#runInstances(params);
    if (action === 'DescribeInstances') return this.#describeInstances(params);
    if (action === 'StartInstances') return this.#start(params);
    if (action === 'StopInstances') return this.#stop(params);
    if (action === 'TerminateInstances') return this.#terminate(params);
    if (action === 'CreateTags' || action === 'DeleteTags') return this.#changeTags(action, params);
    if (action === 'CreateImage') return this.#createImage(params);
    if (action === 'DescribeImages') return this.#describeImages(params);
    if (action === 'DeregisterImage') return this.#deregisterImage(params);
    return forward(params);
  }

  /** Those of a machine, terminated ones too. */
  ofMachine(machineId: string): PlayedInstance[] {
    return [...this.instances.values()].filter(({ parts }) => parts.tags.get('ephemera-machine') === machineId);
  }

  /** Instances that are not terminated, nor on their way to it. */
  get alive(): PlayedInstance[] {
    return [...this.instances.values()].filter(({ state }) => state !== 'terminated' && state !== 'shutting-down');
  }

  get imageCount(): number {
    return this.#images.size;
  }

  diskOfImage(imageId: string): Map<string, Buffer> {
    return this.#images.get(imageId)?.disk ?? new Map<string, Buffer>();
  }

  /** Shuts down from within, as `poweroff` in it does. */
  async crash(id: string): Promise<void> {
    await this.#options.forward(asParams({ Action: 'StopInstances', 'InstanceId.1': id }));
    this.#one(id).enter('stopping', 'Client.InstanceInitiatedShutdown');
  }

  /** EC2 takes a spot instance back. */
  async preempt(id: string): Promise<void> {
    await this.#takeAway(id, 'Server.SpotInstanceTermination');
  }

  /** EC2 cannot launch what it has accepted. */
  async giveUp(id: string, reason: string): Promise<void> {
    await this.#takeAway(id, reason);
  }

  /** EC2 takes the tags of a terminated instance away before it forgets it. */
  async loseTags(id: string): Promise<void> {
    const { tags } = this.#one(id).parts;
    const keys = [...tags.keys()].map((key, index) => [`Tag.${index + 1}.Key`, key]);
    const named = Object.fromEntries(keys) as Record<string, string>;
    await this.#options.forward(asParams({ Action: 'DeleteTags', 'ResourceId.1': id, ...named }));
  }

  /** Whatever is on its way is there. */
  settle(): void {
    for (const instance of this.instances.values()) instance.settle();
    for (const image of this.#images.values()) image.readyAt = 0;
  }

  close(): void {
    for (const instance of this.instances.values()) instance.close();
  }

  async #takeAway(id: string, reason: string): Promise<void> {
    await this.#options.forward(asParams({ Action: 'TerminateInstances', 'InstanceId.1': id }));
    this.#one(id).enter('shutting-down', reason);
  }

  async #runInstances(params: URLSearchParams): Promise<Forwarded> {
    const token = params.get('ClientToken') ?? '';
    const hash = createHash('sha256').update(String(params)).digest('hex');
    const known = this.#tokens.get(token);
    if (known !== undefined) {
      const message =
        'Arguments on this idempotent request are inconsistent with arguments used in previous request(s).';
      if (known.hash !== hash) throw new Ec2Error(400, 'IdempotentParameterMismatch', message);
      const first = await known.made;
      const id = this.#idOfToken.get(token) ?? '';
      const { state } = this.#one(id);
      if (state === 'terminated' || state === 'shutting-down') {
        throw new Ec2Error(
          400,
          'IdempotentInstanceTerminated',
          `The instance ${id} of this client token was terminated.`,
        );
      }
      return { ...first, text: this.#shown(first.text, true) };
    }
    const made = this.#make(params, token);
    this.#tokens.set(token, { hash, made });
    // What failed has used no token up.
    made.catch(() => this.#tokens.delete(token));
    return made;
  }

  async #make(params: URLSearchParams, token: string): Promise<Forwarded> {
    const userData = Buffer.from(params.get('UserData') ?? '', 'base64');
    if (userData.length > MAX_USER_DATA_BYTES) {
      throw new Ec2Error(400, 'InvalidParameterValue', 'User data is limited to 16384 bytes');
    }
    const tags = specifiedTags(params, 'instance');
    checkTags(tags);
    const subnet = params.get('NetworkInterface.1.SubnetId') ?? params.get('SubnetId') ?? '';
    const zone = this.#options.zones.get(subnet) ?? params.get('Placement.AvailabilityZone') ?? '';
    if (this.full.has(zone)) {
      const message = `We currently do not have sufficient capacity in the Availability Zone you requested (${zone}).`;
      throw new Ec2Error(500, 'InsufficientInstanceCapacity', message);
    }
    if (this.alive.length >= this.quota) {
      throw new Ec2Error(400, 'VcpuLimitExceeded', `You have requested more vCPU capacity than your limit allows.`);
    }
    const answer = await this.#options.forward(params);
    if (answer.status !== 200) throw errorOf(answer);
    const id = elementOf(answer.text, 'instanceId') ?? '';
    const spot = params.get('InstanceMarketOptions.MarketType') === 'spot';
    const disk = new Map(this.diskOfImage(params.get('ImageId') ?? ''));
    const parts = { id, zone, spot, userData: userData.toString(), tags, disk };
    const instance = new PlayedInstance(parts, this.#options.guests, () => this.stepMs);
    instance.ips = addressesIn(this.#local(answer.text));
    this.instances.set(id, instance);
    this.#idOfToken.set(token, id);
    instance.enter('pending');
    return { ...answer, text: this.#shown(answer.text, true) };
  }

  async #describeInstances(params: URLSearchParams): Promise<Forwarded> {
    const wanted = new URLSearchParams(params);
    for (let index = 1; params.has(`Filter.${index}.Name`); index++) {
      if (params.get(`Filter.${index}.Name`) !== 'client-token') continue;
      const ids = listOf(params, `Filter.${index}.Value`).map((token) => this.#idOfToken.get(token) ?? 'i-none');
      // Moto has no such filter; the ids are the same question.
      wanted.set(`Filter.${index}.Name`, 'instance-id');
      ids.forEach((id, place) => wanted.set(`Filter.${index}.Value.${place + 1}`, id));
    }
    const unseen = listOf(params, 'InstanceId').find((id) => this.#isUnseen(id));
    if (unseen !== undefined) throw unknown(unseen);
    const answer = await this.#options.forward(wanted);
    return { ...answer, text: this.#shown(answer.text, false) };
  }

  async #start(params: URLSearchParams): Promise<Forwarded> {
    const instances = listOf(params, 'InstanceId').map((id) => this.#one(id));
    for (const instance of instances) allow(instance, ['stopped', 'running', 'pending']);
    const answer = await this.#options.forward(params);
    for (const instance of instances.filter(({ state }) => state === 'stopped')) {
      const { id } = instance.parts;
      const now = await this.#options.forward(asParams({ Action: 'DescribeInstances', 'InstanceId.1': id }));
      instance.ips = addressesIn(this.#local(now.text));
      // It may have been terminated meanwhile, and does not come back from that.
      if (instance.state === 'stopped') instance.enter('pending');
    }
    return answer;
  }

  async #stop(params: URLSearchParams): Promise<Forwarded> {
    const instances = listOf(params, 'InstanceId').map((id) => this.#one(id));
    for (const instance of instances) {
      allow(instance, ['running', 'stopping', 'stopped']);
      if (!instance.parts.spot) continue;
      const message = `You can't stop the Spot Instance '${instance.parts.id}' because it is associated with a one-time Spot Instance request.`;
      throw new Ec2Error(400, 'UnsupportedOperation', message);
    }
    const answer = await this.#options.forward(params);
    for (const instance of instances.filter(({ state }) => state === 'running')) {
      instance.enter('stopping', 'Client.UserInitiatedShutdown');
    }
    return answer;
  }

  async #terminate(params: URLSearchParams): Promise<Forwarded> {
    const instances = listOf(params, 'InstanceId').map((id) => this.#one(id));
    const alive = instances.filter(({ state }) => state !== 'terminated' && state !== 'shutting-down');
    // Moto takes an instance apart once; EC2 says again that it is going.
    const ids = alive.map(({ parts }, index) => [`InstanceId.${index + 1}`, parts.id]);
    const ofAlive = asParams({ Action: 'TerminateInstances', ...(Object.fromEntries(ids) as Record<string, string>) });
    for (const instance of alive) instance.enter('shutting-down', 'Client.UserInitiatedShutdown');
    return alive.length === 0 ? NONE_TERMINATED : this.#options.forward(ofAlive);
  }

  async #changeTags(action: string, params: URLSearchParams): Promise<Forwarded> {
    const changed = tagsOf(params, 'Tag');
    const instances = listOf(params, 'ResourceId').flatMap((id) => this.instances.get(id) ?? []);
    for (const { parts } of instances) {
      if (action === 'CreateTags') checkTags(new Map([...parts.tags, ...changed]));
    }
    const answer = await this.#options.forward(params);
    if (answer.status !== 200) return answer;
    for (const { parts } of instances) {
      for (const [key, value] of changed) {
        if (action === 'CreateTags') parts.tags.set(key, value);
        else parts.tags.delete(key);
      }
    }
    return answer;
  }

  async #createImage(params: URLSearchParams): Promise<Forwarded> {
    const instance = this.#one(params.get('InstanceId') ?? '');
    const name = params.get('Name') ?? '';
    const before = [...this.#images].find(([, image]) => image.name === name)?.[0];
    if (before !== undefined) {
      throw new Ec2Error(400, 'InvalidAMIName.Duplicate', `AMI name ${name} is already in use by AMI ${before}`);
    }
    if (this.#images.size >= this.imageQuota) {
      throw new Ec2Error(400, 'SnapshotLimitExceeded', 'The maximum permitted number of snapshots has been reached.');
    }
    allow(instance, ['stopped', 'running']);
    const answer = await this.#options.forward(withoutTagsOf(params, 'snapshot'));
    const id = elementOf(answer.text, 'imageId');
    if (id === undefined) return answer;
    const readyAt = Date.now() + this.stepMs;
    this.#images.set(id, { name, readyAt, disk: new Map(instance.parts.disk) });
    await this.#tagSnapshot(id, specifiedTags(params, 'snapshot'));
    return answer;
  }

  async #describeImages(params: URLSearchParams): Promise<Forwarded> {
    const answer = await this.#options.forward(params);
    const text = answer.text.replaceAll(
      /<imageId>(ami-\w+)<\/imageId><imageState>\w+<\/imageState>/g,
      (whole, id: string) =>
        (this.#images.get(id)?.readyAt ?? 0) > Date.now()
          ? whole.replace(/>\w+<\/imageState>/, '>pending</imageState>')
          : whole,
    );
    return { ...answer, text };
  }

  async #deregisterImage(params: URLSearchParams): Promise<Forwarded> {
    const id = params.get('ImageId') ?? '';
    const snapshot = await this.#snapshotOf(id);
    const answer = await this.#options.forward(params);
    if (answer.status === 200) this.#images.delete(id);
    if (params.get('DeleteAssociatedSnapshots') === 'true' && snapshot !== undefined) {
      await this.#options.forward(asParams({ Action: 'DeleteSnapshot', SnapshotId: snapshot }));
    }
    return answer;
  }

  async #tagSnapshot(imageId: string, tags: ReadonlyMap<string, string>): Promise<void> {
    const snapshot = (await this.#snapshotOf(imageId)) ?? '';
    const entries = [...tags].flatMap(([key, value], index) => [
      [`Tag.${index + 1}.Key`, key],
      [`Tag.${index + 1}.Value`, value],
    ]);
    const written = Object.fromEntries(entries) as Record<string, string>;
    if (tags.size > 0) {
      await this.#options.forward(asParams({ Action: 'CreateTags', 'ResourceId.1': snapshot, ...written }));
    }
  }

  async #snapshotOf(imageId: string): Promise<string | undefined> {
    const { text } = await this.#options.forward(asParams({ Action: 'DescribeImages', 'ImageId.1': imageId }));
    return elementOf(text, 'snapshotId');
  }

  /** An answer with the states that instances have here; `own`: of the call that made them, which sees them at once. */
  #shown(text: string, own: boolean): string {
    if (own) return this.#withState(elementOf(text, 'instanceId') ?? '', this.#local(text));
    return eachInstance(this.#local(text), (id, item) => (this.#isUnseen(id) ? undefined : this.#withState(id, item)));
  }

  #withState(id: string, text: string): string {
    const instance = this.instances.get(id);
    if (instance === undefined) return text;
    const reason = `<stateReason><code>${instance.reason}</code><message>${instance.reason}</message></stateReason>`;
    return text
      .replace(/<instanceState>.*?<\/instanceState>/, instance.stateElement())
      .replace(/<stateReason>.*?<\/stateReason>/, reason);
  }

  /** Addresses on moto's internet become loopback ones. */
  #local(text: string): string {
    return text.replaceAll('>54.214.', `>${this.#options.internet}.`);
  }

  #isUnseen(id: string): boolean {
    const instance = this.instances.get(id);
    // One that moto has made a moment ago is not answered for yet.
    return instance === undefined || this.forgotten.has(id) || Date.now() < instance.madeAt + this.lagMs;
  }

  #one(id: string): PlayedInstance {
    const instance = this.instances.get(id);
    if (instance === undefined) throw unknown(id);
    return instance;
  }
}

function allow({ state, parts }: PlayedInstance, states: readonly InstanceState[]): void {
  if (states.includes(state)) return;
  const message = `The instance '${parts.id}' is not in a state from which it can be changed so: ${state}.`;
  throw new Ec2Error(400, 'IncorrectInstanceState', message);
}

function unknown(id: string): Ec2Error {
  return new Ec2Error(400, 'InvalidInstanceID.NotFound', `The instance ID '${id}' does not exist`);
}

function errorOf({ status, text }: Forwarded): Ec2Error {
  return new Ec2Error(status, elementOf(text, 'Code') ?? 'InternalError', elementOf(text, 'Message') ?? text);
}

/** Tags of instances whose metadata shows them. */
function checkTags(tags: ReadonlyMap<string, string>): void {
  if (tags.size > MAX_TAGS) throw new Ec2Error(400, 'TagLimitExceeded', `More than ${MAX_TAGS} tags`);
  for (const [key, value] of tags) {
    if (METADATA_KEY.test(key) && value.length <= 256) continue;
    throw new Ec2Error(400, 'InvalidParameterValue', `'${key}' is not a valid tag key, or its value is too long.`);
  }
}

function addressesIn(text: string): string[] {
  return ['privateIpAddress', 'publicIp'].flatMap((name) => elementOf(text, name) ?? []);
}

function asParams(values: Record<string, string>): URLSearchParams {
  return new URLSearchParams({ Version: '2016-11-15', ...values });
}

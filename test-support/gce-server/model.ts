import { createHash, randomInt } from 'node:crypto';
import { ApiError, alreadyExists, invalidField, notFound, notReady, permissionDenied } from './api-error.ts';
import { LINK_BASE, OperationEngine, type EngineOptions } from './operation-engine.ts';
import { checkInstance, checkLabels, checkMetadata } from './resource-rules.ts';
import { ImageModel } from './image-model.ts';
import type {
  Disk,
  DiskFiles,
  DiskResource,
  Instance,
  MetadataItem,
  NetworkInterface,
  Operation,
  OperationError,
} from './resources.ts';

/** What runs on the instances: told when one starts and when it stops, whatever the reason. */
export interface Guests {
  /** `disk`: what is on its boot disk, which it may change while it runs. */
  started: (instance: Instance, disk: DiskFiles) => void;
  stopped: (instance: Instance) => void;
}

export interface CloudModelOptions extends EngineOptions {
  zones: readonly string[];
  guests?: Guests;
}

/** Everything that exists in one project, and the rules by which it changes. */
export class CloudModel {
  readonly engine: OperationEngine;
  readonly instances = new Map<string, Instance>();
  readonly disks = new Map<string, DiskResource>();
  readonly images = new ImageModel(this);
  readonly consoles = new Map<string, string>();
  /** Subnetworks of networks that were made by hand. */
  readonly subnetworks = new Set<string>();
  /** Zones without room: an insert's operation fails there. */
  readonly stockedOut = new Set<string>();
  /** Permissions that the caller lacks. */
  readonly denied = new Set<string>();
  /** Grants on single resources, by `instances` or `subnetworks`: conditions and bindings of IAM. */
  readonly grantedOn = new Map<string, (name: string, permission: string) => boolean>();
  /** Most instances of the project; the operation of one more fails. */
  instanceQuota = Infinity;
  /** Instances made in all, for tests that look for duplicates. */
  made = 0;
  readonly options: CloudModelOptions;
  /** Those whose delete has begun. */
  private readonly deleted = new WeakSet<Instance>();
  /** Servers on one computer give out addresses from places of their own. */
  private nextAddress = (70 << 16) + randomInt(40 * 256) * 256 + 1;

  constructor(options: CloudModelOptions) {
    this.options = options;
    this.engine = new OperationEngine(options);
    for (const [project, name, family] of PUBLIC_IMAGES) this.images.add(project, name, family);
  }

  /** Whether a permission that the project does not grant is granted on this resource alone. */
  isGrantedOn(resources: string, name: string, permission: string): boolean {
    return !this.denied.has(permission) || this.grantedOn.get(resources)?.(name, permission) === true;
  }

  require(permission: string, path: string): void {
    if (this.denied.has(permission)) throw permissionDenied(permission, path);
  }

  zone(zone: string): void {
    if (!this.options.zones.includes(zone)) throw notFound(`projects/${this.options.project}/zones/${zone}`);
  }

  path(zone: string, name: string): string {
    return `projects/${this.options.project}/zones/${zone}/instances/${name}`;
  }

  instance(zone: string, name: string): Instance {
    this.zone(zone);
    const instance = this.instances.get(`${zone}/${name}`);
    if (instance === undefined) throw notFound(this.path(zone, name));
    return instance;
  }

  insert(zone: string, body: Instance, requestId: string | null): Operation {
    this.zone(zone);
    const name = body.name ?? '';
    const path = this.path(zone, name);
    const targetLink = `${LINK_BASE}/${path}`;
    this.require('compute.instances.create', path);
    const repeated = this.engine.repeated(requestId, targetLink);
    if (repeated !== undefined) return repeated;
    checkInstance(body, zone);
    for (const { initializeParams } of body.disks ?? []) this.checkDisk(initializeParams);
    for (const place of body.networkInterfaces ?? []) this.checkNetwork(place, zone);
    if (this.instances.has(`${zone}/${name}`)) throw alreadyExists(path);
    const start = { operationType: 'insert', targetLink, zone, requestId };
    return this.engine.start({ ...start, ...this.insertWork(zone, name, path, body) });
  }

  /** Deleted since the insert was taken. */
  private imageGone({ disks }: Instance): OperationError | undefined {
    const path = disks?.[0]?.initializeParams?.sourceImage ?? '';
    try {
      this.images.resolve(path);
      return undefined;
    } catch {
      return { code: 'RESOURCE_NOT_FOUND', message: `The resource '${path}' was not found` };
    }
  }

  /** What is on the boot disk of an instance. */
  filesOf(zone: string, name: string): DiskFiles {
    const source = this.instance(zone, name).disks?.[0]?.source ?? '';
    return this.disks.get(`${zone}/${source.split('/').at(-1) ?? ''}`)?.files ?? new Map<string, Buffer>();
  }

  private checkDisk({ sourceImage = '', diskSizeGb = 10 }: NonNullable<Disk['initializeParams']> = {}): void {
    this.require('compute.images.useReadOnly', sourceImage);
    const image = this.images.resolve(sourceImage);
    if (Number(diskSizeGb) >= Number(image.diskSizeGb)) return;
    const why = `Requested disk size cannot be smaller than the image size (${image.diskSizeGb} GB)`;
    throw invalidField('resource.disks[0].initializeParams.diskSizeGb', diskSizeGb, why);
  }

  private insertWork(zone: string, name: string, path: string, body: Instance) {
    const key = `${zone}/${name}`;
    return {
      begin: () => {
        const message = `The resource '${path}' already exists`;
        if (this.instances.has(key)) return { code: 'RESOURCE_ALREADY_EXISTS', message };
        if (this.stockedOut.has(zone)) {
          const pool = `The zone 'projects/${this.options.project}/zones/${zone}' does not have enough resources`;
          return { code: 'ZONE_RESOURCE_POOL_EXHAUSTED', message: `${pool} available to fulfill the request.` };
        }
        if (this.instances.size >= this.instanceQuota) {
          const limit = `Quota 'INSTANCES' exceeded.  Limit: ${this.instanceQuota} in region.`;
          return { code: 'QUOTA_EXCEEDED', message: limit };
        }
        const gone = this.imageGone(body);
        if (gone !== undefined) return gone;
        this.instances.set(key, this.newInstance(zone, name, body));
        this.made += 1;
        return undefined;
      },
      finish: (): undefined => {
        const instance = this.instances.get(key);
        if (instance?.status === 'PROVISIONING') this.run(key, instance);
      },
    };
  }

  /** Deletes the instance and the disks that go with it. */
  delete(zone: string, name: string, requestId: string | null): Operation {
    const path = this.path(zone, name);
    this.require('compute.instances.delete', path);
    const targetLink = `${LINK_BASE}/${path}`;
    const repeated = this.engine.repeated(requestId, targetLink);
    if (repeated !== undefined) return repeated;
    const instance = this.instance(zone, name);
    if (BUSY.has(instance.status ?? '')) throw notReady(path);
    const wasRunning = instance.status === 'RUNNING';
    instance.status = 'STOPPING';
    this.deleted.add(instance);
    return this.engine.start({
      operationType: 'delete',
      targetLink,
      zone,
      requestId,
      finish: (): undefined => {
        if (wasRunning) this.options.guests?.stopped(instance);
        this.vanish(zone, name);
      },
    });
  }

  /** Stop, start, suspend and resume: from the statuses that allow it, through one on the way, to its end. */
  changePower(zone: string, name: string, verb: keyof typeof POWER, requestId: string | null): Operation {
    const path = this.path(zone, name);
    const targetLink = `${LINK_BASE}/${path}`;
    this.require(`compute.instances.${verb}`, path);
    const repeated = this.engine.repeated(requestId, targetLink);
    if (repeated !== undefined) return repeated;
    const instance = this.instance(zone, name);
    const { from, onTheWay, to } = POWER[verb];
    if (instance.status === to) return this.engine.start({ operationType: verb, targetLink, zone, requestId });
    if (!(from as readonly string[]).includes(instance.status ?? '')) throw notReady(path);
    const wasRunning = instance.status === 'RUNNING';
    instance.status = onTheWay;
    const finish = (): undefined => {
      if (to === 'RUNNING') {
        this.run(`${zone}/${name}`, instance);
        return;
      }
      if (wasRunning) this.options.guests?.stopped(instance);
      this.rest(instance, to);
    };
    return this.engine.start({ operationType: verb, targetLink, zone, requestId, finish });
  }

  setLabels(zone: string, name: string, labels: Record<string, string>, labelFingerprint: string): Operation {
    const instance = this.changeable(zone, name, 'compute.instances.setLabels');
    checkLabels(labels);
    const isFresh = (): boolean => labelFingerprint === instance.labelFingerprint;
    const change = (): void => void Object.assign(instance, { labels, labelFingerprint: fingerprintOf(labels) });
    return this.changeIfFresh(zone, name, { verb: 'setLabels', what: 'Labels', isFresh, change });
  }

  /** Whoever changes what a machine that runs as an account is told, could act as that account. */
  setMetadata(zone: string, name: string, items: MetadataItem[], fingerprint: string): Operation {
    const instance = this.changeable(zone, name, 'compute.instances.setMetadata');
    for (const { email } of instance.serviceAccounts ?? []) this.require('iam.serviceAccounts.actAs', email);
    checkMetadata(items);
    const isFresh = (): boolean => fingerprint === instance.metadata?.fingerprint;
    const change = (): void => void (instance.metadata = { items, fingerprint: fingerprintOf(items) });
    return this.changeIfFresh(zone, name, { verb: 'setMetadata', what: 'Supplied', isFresh, change });
  }

  /** One that is being deleted is not changed any more. */
  private changeable(zone: string, name: string, permission: string): Instance {
    const path = this.path(zone, name);
    this.require(permission, path);
    const instance = this.instance(zone, name);
    if (this.deleted.has(instance)) throw notReady(path);
    return instance;
  }

  /** Nothing is changed before the operation runs; of two with the same fingerprint the second one fails, then at the latest. */
  private changeIfFresh(
    zone: string,
    name: string,
    { verb, what, isFresh, change }: { verb: string; what: string; isFresh: () => boolean; change: () => void },
  ): Operation {
    if (!isFresh()) throw staleFingerprint(what);
    const path = this.path(zone, name);
    const begin = (): OperationError | undefined => {
      if (!this.instances.has(`${zone}/${name}`)) {
        return { code: 'RESOURCE_NOT_FOUND', message: `The resource '${path}' was not found` };
      }
      if (!isFresh()) return { code: 'CONDITION_NOT_MET', message: staleFingerprint(what).message };
      change();
      return undefined;
    };
    return this.engine.start({ operationType: verb, targetLink: `${LINK_BASE}/${path}`, zone, requestId: null, begin });
  }

  /** The guest shuts itself down, as a crash does: the instance stays, stopped. */
  crash(zone: string, name: string): void {
    const instance = this.instance(zone, name);
    if (instance.status === 'RUNNING') this.options.guests?.stopped(instance);
    this.rest(instance, 'TERMINATED');
  }

  /** Google takes a spot instance back. */
  preempt(zone: string, name: string): void {
    const instance = this.instance(zone, name);
    this.engine.record('compute.instances.preempted', `${LINK_BASE}/${this.path(zone, name)}`, zone);
    this.options.guests?.stopped(instance);
    if (instance.scheduling?.instanceTerminationAction === 'DELETE') this.vanish(zone, name);
    else this.rest(instance, 'TERMINATED');
  }

  /** Deletes what ran longer than its maxRunDuration by the server's clock. */
  enforceRunLimits(): void {
    for (const [key, { creationTimestamp, scheduling }] of this.instances) {
      const limitMs = Number(scheduling?.maxRunDuration?.seconds ?? Infinity) * 1000;
      const ageMs = this.engine.now().getTime() - Date.parse(creationTimestamp ?? '');
      const [zone = '', name = ''] = key.split('/');
      if (ageMs > limitMs) this.vanish(zone, name);
    }
  }

  /** An automatic network has a subnetwork in each region; one that was made by hand is named with its subnetwork. */
  private checkNetwork({ network, subnetwork }: NetworkInterface, zone: string): void {
    const own = `projects/${this.options.project}/`;
    if (network !== undefined && !/^(projects\/[^/]+\/)?global\/networks\/default$/.test(network)) {
      throw notFound(`${own}${network}`);
    }
    if (subnetwork === undefined) return;
    const path = subnetwork.startsWith(own) ? subnetwork.slice(own.length) : subnetwork;
    this.require('compute.subnetworks.use', `${own}${path}`);
    if (!this.subnetworks.has(path)) throw notFound(`${own}${path}`);
    if (path.split('/')[1] === zone.replace(/-[a-z]$/, '')) return;
    throw invalidField('resource.networkInterfaces[0].subnetwork', subnetwork, 'It is in another region.');
  }

  private newInstance(zone: string, name: string, body: Instance): Instance {
    const now = this.engine.now().toISOString();
    const self = `${LINK_BASE}/${this.path(zone, name)}`;
    this.consoles.set(`${zone}/${name}`, `${now} ${name}: booting\n`);
    const diskName = body.disks?.[0]?.initializeParams?.diskName ?? name;
    const { sourceImage = '', diskSizeGb = 10 } = body.disks?.[0]?.initializeParams ?? {};
    const files = this.images.filesOf(this.images.resolve(sourceImage));
    this.disks.set(`${zone}/${diskName}`, { name: diskName, zone, users: [name], sizeGb: Number(diskSizeGb), files });
    const diskLink = `${LINK_BASE}/projects/${this.options.project}/zones/${zone}/disks/${diskName}`;
    return {
      ...body,
      kind: 'compute#instance',
      id: this.engine.newId(),
      zone: `${LINK_BASE}/projects/${this.options.project}/zones/${zone}`,
      selfLink: self,
      status: 'PROVISIONING',
      creationTimestamp: now,
      labelFingerprint: fingerprintOf(body.labels ?? {}),
      metadata: { items: body.metadata?.items ?? [], fingerprint: fingerprintOf(body.metadata ?? {}) },
      disks: [{ boot: true, autoDelete: body.disks?.[0]?.autoDelete === true, source: diskLink }],
      networkInterfaces: (body.networkInterfaces ?? []).map((one) => ({ ...one, networkIP: this.address() })),
    };
  }

  private run(key: string, instance: Instance): void {
    instance.status = 'RUNNING';
    for (const network of instance.networkInterfaces ?? []) {
      for (const config of network.accessConfigs ?? []) config.natIP ??= this.address();
    }
    this.consoles.set(key, `${this.consoles.get(key) ?? ''}${this.engine.now().toISOString()} running\n`);
    const [zone = '', name = ''] = key.split('/');
    this.options.guests?.started(instance, this.filesOf(zone, name));
  }

  /** At rest an instance keeps its internal address and loses its external one. */
  private rest(instance: Instance, status: string): void {
    instance.status = status;
    for (const { accessConfigs } of instance.networkInterfaces ?? []) {
      for (const config of accessConfigs ?? []) delete config.natIP;
    }
  }

  private vanish(zone: string, name: string): void {
    const instance = this.instances.get(`${zone}/${name}`);
    this.instances.delete(`${zone}/${name}`);
    this.consoles.delete(`${zone}/${name}`);
    for (const { autoDelete, source } of instance?.disks ?? []) {
      const disk = `${zone}/${source?.split('/').at(-1) ?? ''}`;
      if (autoDelete === true) this.disks.delete(disk);
      else this.disks.get(disk)?.users.splice(0);
    }
  }

  private address(): string {
    const number = this.nextAddress++;
    return `127.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
  }
}

const PUBLIC_IMAGES = [
  ['ubuntu-os-cloud', 'ubuntu-minimal-2604-resolute-amd64-v20260801', 'ubuntu-minimal-2604-lts-amd64'],
  ['ubuntu-os-cloud', 'ubuntu-minimal-2604-resolute-amd64-v20261101', 'ubuntu-minimal-2604-lts-amd64'],
  ['cos-cloud', 'cos-stable-125-19216-104-126', 'cos-stable'],
] as const;

const BUSY = new Set(['PROVISIONING', 'STAGING', 'STOPPING', 'SUSPENDING']);

const POWER = {
  stop: { from: ['RUNNING', 'SUSPENDED'], onTheWay: 'STOPPING', to: 'TERMINATED' },
  start: { from: ['TERMINATED'], onTheWay: 'STAGING', to: 'RUNNING' },
  suspend: { from: ['RUNNING'], onTheWay: 'SUSPENDING', to: 'SUSPENDED' },
  resume: { from: ['SUSPENDED'], onTheWay: 'STAGING', to: 'RUNNING' },
} as const satisfies Record<string, { from: readonly string[]; onTheWay: string; to: string }>;

export function fingerprintOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('base64').slice(0, 12);
}

function staleFingerprint(what: string): ApiError {
  return new ApiError(412, 'conditionNotMet', `${what} fingerprint either invalid or resource labels have changed`);
}

/** All resources of a subscription by their ids, and what every kind of resource needs of it. */
import { randomInt } from 'node:crypto';
import { ArmError, forbidden, referenceNotFound, resourceNotFound } from './arm-error.ts';
import { checkName, checkTags, keyOf, parseId } from './names.ts';
import { OperationEngine, type Operation } from './operation-engine.ts';
import type { AnyResource, DiskFiles, ResourceOf } from './resources.ts';

export interface StoreOptions {
  subscription: string;
  resourceGroup: string;
  /** The first is where tests make machines. */
  locations: readonly string[];
  /** Of every location. */
  zones: readonly string[];
  stepMs: number;
}

/** What a request is answered with. */
export interface Answer {
  status: number;
  body?: unknown;
  operation?: Operation;
  headers?: Readonly<Record<string, string>>;
}

export class Store {
  readonly engine: OperationEngine;
  readonly options: StoreOptions;
  /** By id, in lower case. */
  readonly resources = new Map<string, AnyResource>();
  /** Actions that the caller may not do, such as `Microsoft.Compute/virtualMachines/write`. */
  readonly denied = new Set<string>();
  readonly #files = new WeakMap<AnyResource, DiskFiles>();
  #etag = 1;
  /** Servers on one computer give out addresses from places of their own. */
  #nextAddress = (120 << 16) + randomInt(100 * 256) * 256 + 1;

  constructor(options: StoreOptions) {
    this.options = options;
    this.engine = new OperationEngine(options.stepMs);
  }

  id(type: string, ...names: string[]): string {
    const [namespace = '', ...types] = type.split('/');
    const { subscription, resourceGroup } = this.options;
    const path = types.map((one, index) => `${one}/${names[index] ?? ''}`).join('/');
    return `/subscriptions/${subscription}/resourceGroups/${resourceGroup}/providers/${namespace}/${path}`;
  }

  find<Type extends string>(type: Type, ...names: string[]): ResourceOf<Type> | undefined {
    return this.ofType(type, this.id(type, ...names));
  }

  byId(id: string | undefined): AnyResource | undefined {
    return id === undefined ? undefined : this.resources.get(keyOf(id));
  }

  ofType<Type extends string>(type: Type, id: string | undefined): ResourceOf<Type> | undefined {
    const found = this.byId(id);
    return found?.type === type ? (found as ResourceOf<Type>) : undefined;
  }

  /** @throws ArmError 404 */
  get<Type extends string>(type: Type, ...names: string[]): ResourceOf<Type> {
    const found = this.find(type, ...names);
    if (found === undefined) throw resourceNotFound(type, names.join('/'), this.options.resourceGroup);
    return found;
  }

  /** What a resource names by its id. @throws ArmError 400 where there is no such thing. */
  referenced<Type extends string>(id: string | undefined, type: Type, by: string): ResourceOf<Type> {
    const parsed = parseId(id ?? '');
    if (parsed.type.toLowerCase() !== type.toLowerCase()) throw referenceNotFound(id ?? '', by);
    const found = this.ofType(type, id);
    if (found === undefined) throw referenceNotFound(id ?? '', by);
    return found;
  }

  /** Children of one parent, or all of a type in the resource group. */
  all<Type extends string>(type: Type, ...parents: string[]): ResourceOf<Type>[] {
    const below = keyOf(this.id(type, ...parents));
    return [...this.resources]
      .filter(([key, one]) => one.type === type && (parents.length === 0 || key.startsWith(below)))
      .map(([, one]) => one as ResourceOf<Type>);
  }

  add<Added extends AnyResource>(resource: Added, files?: DiskFiles): Added {
    this.resources.set(keyOf(resource.id), resource);
    if (files !== undefined) this.#files.set(resource, files);
    return resource;
  }

  remove(resource: AnyResource): void {
    if (this.byId(resource.id) === resource) this.resources.delete(keyOf(resource.id));
  }

  /** What is on a disk, or in what was made of one. */
  filesOf(resource: AnyResource | undefined): DiskFiles {
    return (resource && this.#files.get(resource)) ?? new Map<string, Buffer>();
  }

  /** @throws ArmError 403 */
  require(action: string, scope: string): void {
    if (this.denied.has(action)) throw forbidden(action, scope);
  }

  /** Name, place and tags of a resource that is to be made or changed. @throws ArmError */
  checkTracked(type: string, name: string, body: Partial<AnyResource>, existing: AnyResource | undefined): string {
    checkName(type, name);
    checkTags(body.tags);
    if (body.location === undefined) {
      throw new ArmError(400, 'LocationRequired', 'The location property is required for this definition.');
    }
    const location = body.location.toLowerCase().replaceAll(' ', '');
    if (!this.options.locations.includes(location)) {
      const message = `The provided location '${body.location}' is not available for resource type '${type}'.`;
      throw new ArmError(400, 'LocationNotAvailableForResourceType', message);
    }
    if (existing?.location !== undefined && existing.location !== location) {
      const message = `The resource '${name}' already exists in location '${existing.location}' in resource group '${this.options.resourceGroup}'. A resource with the same name cannot be created in location '${location}'. Please select a new resource name.`;
      throw new ArmError(409, 'InvalidResourceLocation', message);
    }
    return location;
  }

  checkZones(type: string, name: string, zones: readonly string[] | undefined, location: string): void {
    if ((zones ?? []).every((zone) => this.options.zones.includes(zone))) return;
    const message = `The zone(s) '${zones?.join(',')}' for resource '${type}/${name}' is not supported. The supported zones for location '${location}' are '${this.options.zones.join(',')}'`;
    throw new ArmError(400, 'InvalidAvailabilityZone', message);
  }

  nextEtag(): string {
    return `"${this.#etag++}"`;
  }

  /** A loopback address that no other resource has. */
  address(): string {
    const number = this.#nextAddress++;
    return `127.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
  }
}

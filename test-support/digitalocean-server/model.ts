import { randomInt, randomUUID } from 'node:crypto';
import type { CloudGuests } from '../clouds/guests.ts';
import { Actions, secondsNow } from './actions.ts';
import { forbidden, notFound, pendingEvent, unprocessable } from './api-error.ts';
import { IMAGES, REGIONS, SIZES } from './catalogue.ts';
import { checkDropletName } from './checked-fields.ts';
import { Images } from './images.ts';
import { RateLimit, USUAL_LIMITS, type RateLimits } from './rate-limit.ts';
import { ReservedIps } from './reserved-ips.ts';
import type { Action, Droplet, DropletCreate, Region, Size, SshKey, Vpc } from './resources.ts';
import { Tags } from './tags.ts';

export interface DigitalOceanOptions {
  guests?: CloudGuests;
  /** How long an action takes. */
  stepMs: number;
  /** Null: any bearer's. */
  token: string | null;
  regions: readonly Region[];
  sizes: readonly Size[];
  images: typeof IMAGES;
  dropletLimit: number;
  rateLimits: RateLimits;
}

export const USUAL_ACCOUNT: DigitalOceanOptions = {
  stepMs: 15,
  token: 'dop_v1_of-the-tests',
  regions: REGIONS,
  sizes: SIZES,
  images: IMAGES,
  dropletLimit: 250,
  rateLimits: USUAL_LIMITS,
};

/** Names of one create. */
const MOST_NAMES = 10;
const MOST_USER_DATA_BYTES = 64 * 1024;

/** Everything that exists in one account, and the rules by which it changes. */
export class DigitalOceanModel {
  readonly account = { uuid: randomUUID().replaceAll('-', ''), status: 'active' as 'active' | 'warning' | 'locked' };
  readonly droplets = new Map<number, Droplet>();
  readonly tags = new Tags();
  readonly reservedIps = new ReservedIps(this);
  readonly actions: Actions;
  readonly images: Images;
  readonly rateLimit: RateLimit;
  readonly vpcs: Vpc[];
  readonly sshKeys: SshKey[] = [
    { id: 512190, fingerprint: '3b:16:e4:bf:8b:00:8b:b8:59:8c:a9:d3:f0:19:fa:45', name: 'operators' },
  ];
  /** Where there is no room: a region, or `region/size`. May be changed at any time. */
  readonly stockedOut = new Set<string>();
  /** Operations that the token has no scope for. */
  readonly denied = new Set<string>();
  /** Droplets whose system does not heed a `shutdown`. */
  readonly deaf = new Set<number>();
  /** What is left of a droplet whose create fails. */
  failedCreateLeaves: 'nothing' | 'new' = 'nothing';
  dropletLimit: number;
  /** Droplets made in all, for tests that look for duplicates. */
  made = 0;
  readonly options: DigitalOceanOptions;
  private nextId = 584_300_000;
  /** Servers on one computer give out addresses from places of their own. */
  private nextAddress = (110 << 16) + randomInt(40 * 256) * 256 + 1;

  constructor(options: DigitalOceanOptions) {
    this.options = options;
    this.actions = new Actions(options.stepMs);
    this.images = new Images(
      options.images,
      options.regions.map(({ slug }) => slug),
    );
    this.rateLimit = new RateLimit(options.rateLimits);
    this.dropletLimit = options.dropletLimit;
    this.vpcs = options.regions.map(({ slug }, index) => ({
      id: randomUUID(),
      name: `default-${slug}`,
      region: slug,
      ip_range: `10.${100 + index}.0.0/20`,
      default: true,
      created_at: secondsNow(),
    }));
  }

  close(): void {
    this.actions.close();
    this.reservedIps.close();
  }

  /** An address that no other droplet has had. */
  address(): string {
    const number = this.nextAddress++;
    return `127.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
  }

  droplet(id: string | number): Droplet {
    const droplet = this.droplets.get(Number(id));
    if (droplet === undefined) throw notFound();
    return droplet;
  }

  hasRoom(region: string, size: string): boolean {
    return !this.stockedOut.has(region) && !this.stockedOut.has(`${region}/${size}`);
  }

  /** Makes one droplet, or as many as there are `names`; all of them or none. */
  create(body: DropletCreate): { droplet: Droplet; action: Action }[] {
    const names = body.names ?? [body.name ?? ''];
    if (names.length === 0 || names.length > MOST_NAMES) throw unprocessable(`names: 1 to ${MOST_NAMES} of them`);
    names.forEach(checkDropletName);
    if (this.account.status === 'locked') throw forbidden('Your account is locked.');
    const like = this.checked(body);
    if (this.droplets.size + names.length > this.dropletLimit) {
      throw unprocessable('creating this/these droplet(s) will exceed your droplet limit');
    }
    const tags = (body.tags ?? []).map((tag) => this.tags.make(tag, 'tags'));
    return names.map((name) => {
      const droplet: Droplet = { ...like, id: this.nextId++, name, files: this.images.filesOf(like.image) };
      this.droplets.set(droplet.id, droplet);
      this.made += 1;
      for (const tag of tags) this.tags.assign(tag, 'droplet', droplet.id);
      return { droplet, action: this.begin(droplet) };
    });
  }

  /** What a create asks for, as each of its droplets begins. @throws ApiError 422 that names the field. */
  private checked(body: DropletCreate): Omit<Droplet, 'id' | 'name' | 'files'> {
    const size = this.options.sizes.find(({ slug }) => slug === body.size);
    if (size === undefined) throw unprocessable('size: You specified an invalid size for Droplet creation.');
    const region = this.regionFor(body.region, size.slug);
    const image = this.images.usable(body.image, region, size.disk);
    const vpc = this.vpcs.find(
      (one) => one.region === region && (body.vpc_uuid === undefined ? one.default : one.id === body.vpc_uuid),
    );
    if (vpc === undefined) throw unprocessable('vpc_uuid: there is no such VPC in the region of the Droplet.');
    this.checkKeys(body.ssh_keys ?? []);
    if ((body.volumes ?? []).length > 0) throw unprocessable('volumes: failed to find the volumes');
    if (body.public_networking === false && body.ipv6 === true) {
      throw unprocessable('ipv6: it needs public networking');
    }
    const userData = body.user_data ?? '';
    if (Buffer.byteLength(userData) > MOST_USER_DATA_BYTES) throw unprocessable('user_data: it exceeds 64 KiB');
    return {
      status: 'new',
      created_at: secondsNow(),
      region,
      size,
      image,
      vpcId: vpc.id,
      features: [
        ...(body.monitoring === true ? ['monitoring'] : []),
        ...(body.backups === true ? ['backups'] : []),
        ...(body.ipv6 === true ? ['ipv6'] : []),
        ...(body.with_droplet_agent === false ? [] : ['droplet_agent']),
        'private_networking',
      ],
      userData,
      hasPublicNetwork: body.public_networking !== false,
      privateIp: null,
      publicIp: null,
      pending: null,
    };
  }

  /** A region by its name, any that begins with it, or any at all. */
  private regionFor(wanted: string | undefined, size: string): string {
    const slugs = this.options.regions.map(({ slug }) => slug);
    const fitting = slugs.filter(
      (slug) => slug === wanted || (!/\d$/.test(wanted ?? '') && slug.startsWith(wanted ?? '')),
    );
    if (fitting.length === 0) throw unprocessable('region: You specified an invalid region for Droplet creation.');
    const withRoom = fitting.find((slug) => this.hasRoom(slug, size));
    if (withRoom !== undefined) return withRoom;
    if (fitting.every((slug) => this.stockedOut.has(slug))) throw unprocessable('Region is not available');
    throw unprocessable('Size is not available in this region.');
  }

  private checkKeys(keys: readonly (string | number)[]): void {
    const known = this.sshKeys.flatMap(({ id, fingerprint }) => [`${id}`, fingerprint]);
    const unknown = keys.filter((key) => !known.includes(`${key}`));
    if (unknown.length === 0) return;
    throw unprocessable(`ssh_keys: ${unknown.join(', ')} are invalid key identifiers for Droplet creation.`);
  }

  private begin(droplet: Droplet): Action {
    const finish = (): void => {
      droplet.privateIp = this.address();
      if (droplet.hasPublicNetwork) droplet.publicIp = this.address();
      this.run(droplet);
    };
    const failed = (): void => {
      if (this.failedCreateLeaves === 'nothing') this.vanish(droplet);
    };
    return this.actions.start({ type: 'create', of: droplet, finish, failed });
  }

  run(droplet: Droplet): void {
    droplet.status = 'active';
    const { id, name, region, userData, privateIp, publicIp, files } = droplet;
    this.options.guests?.started({
      id: `${id}`,
      name,
      account: this.account.uuid,
      place: region,
      ips: [privateIp, publicIp].filter((ip) => ip !== null),
      userData,
      tags: () => Object.fromEntries(this.tags.of('droplet', id).map((tag) => [tag, ''])),
      changeable: () => undefined,
      disk: files,
    });
  }

  /** It keeps its disk and its addresses. */
  rest(droplet: Droplet): void {
    if (droplet.status === 'active') this.options.guests?.stopped(`${droplet.id}`);
    droplet.status = 'off';
  }

  /** Its system goes down by itself: no action tells of it. */
  crash(id: number): void {
    this.rest(this.droplet(id));
  }

  /** It is still listed, and locked, until it is gone. @throws ApiError 422 while an event is under way. */
  delete(droplet: Droplet): void {
    if (droplet.pending !== null) throw pendingEvent();
    const finish = (): void => this.vanish(droplet);
    this.actions.start({ type: 'destroy', of: droplet, finish });
  }

  private vanish(droplet: Droplet): void {
    this.rest(droplet);
    this.droplets.delete(droplet.id);
    this.tags.forget('droplet', droplet.id);
    this.reservedIps.forget(droplet.id);
  }
}

import { pause, type CallSettings } from '../../cloud/api-calls.ts';
import { CloudFailure } from '../../cloud/cloud-failure.ts';
import type { DropletResource, ReservedIpResource } from '../calls/digitalocean-api.ts';
import type { DigitalOceanCalls } from '../calls/digitalocean-calls.ts';

/** Between two looks at an address that is on its way to its droplet. */
const POLL_MS = 1000;

/** All addresses of the account, as they are read for whoever asks first. */
export type Addresses = () => Promise<readonly ReservedIpResource[]>;

type Addressed = Pick<DropletResource, 'id' | 'name' | 'locked' | 'region'>;

/**
 * Reserved addresses of droplets. DigitalOcean keeps no word of ours beside one, so its droplet is all that says whose it is, and that
 * is there only once it is assigned. So whoever creates the machine makes its address, behind everything else and once at a time, after
 * a look that finds none on its way; and takes it away again where it came to nobody.
 */
export class ReservedIps {
  readonly #calls: DigitalOceanCalls;
  readonly #pollMs: number;
  /** By droplet: the address stays the same for as long as that lives. */
  readonly #known = new Map<number, string>();
  /** Names of droplets that are to get one from this process. */
  readonly #wanted = new Set<string>();
  /** By droplet. */
  readonly #making = new Map<number, Promise<void>>();
  readonly #failed = new Map<number, CloudFailure>();
  /** The droplets of addresses that this process has made. */
  readonly #meantFor = new Map<string, number>();

  constructor(calls: DigitalOceanCalls, pollMs = POLL_MS) {
    this.#calls = calls;
    this.#pollMs = pollMs;
  }

  /** From now on this process sees to it that the droplets of that name have an address. */
  want(name: string): void {
    this.#wanted.add(name);
  }

  unwant(name: string): void {
    this.#wanted.delete(name);
  }

  addresses(settings: CallSettings): Addresses {
    let read: Promise<readonly ReservedIpResource[]> | undefined;
    return () => (read ??= this.#all(settings));
  }

  /** Throws once why the droplet cannot get an address, where that is so. */
  tellFailure(dropletId: number): void {
    const failure = this.#failed.get(dropletId);
    this.#failed.delete(dropletId);
    if (failure !== undefined) throw failure;
  }

  /** The address of a droplet that runs; null while it has none. */
  async of(droplet: Addressed, addresses: Addresses): Promise<string | null> {
    const { id, name, locked } = droplet;
    const ip = this.#known.get(id) ?? this.#assigned(droplet, await addresses());
    if (ip !== null || !this.#wanted.has(name)) return ip;
    if (!locked && !this.#making.has(id) && !this.#failed.has(id)) {
      const made = this.#make(droplet).finally(() => this.#making.delete(id));
      this.#making.set(id, made);
    }
    return null;
  }

  /** Gives the address of a droplet back, before the droplet goes: afterwards nobody would know whose it was. */
  async release(dropletId: number, settings: CallSettings): Promise<void> {
    this.#known.delete(dropletId);
    this.#failed.delete(dropletId);
    if (this.#making.has(dropletId)) throw onItsWay(dropletId);
    for (const { ip, droplet, locked } of await this.#all(settings)) {
      if (droplet?.id !== dropletId) continue;
      if (locked) throw onItsWay(dropletId);
      await this.#delete(ip, settings);
    }
  }

  #all(settings: CallSettings): Promise<ReservedIpResource[]> {
    return this.#calls.all<ReservedIpResource>(settings, 'reserved_ips', (v2, config, page) =>
      v2.reserved_ips.get({ ...config, queryParameters: page }),
    );
  }

  #assigned({ id, name }: Addressed, all: readonly ReservedIpResource[]): string | null {
    const ip = all.find(({ droplet }) => droplet?.id === id)?.ip ?? null;
    if (ip === null) return null;
    this.#known.set(id, ip);
    this.#wanted.delete(name);
    return ip;
  }

  /** What comes of it is seen by the next look. Nobody's wish to stop ends it half-way: the address would belong to nobody. */
  async #make(droplet: Addressed): Promise<void> {
    try {
      const all = await this.#all(BACKGROUND);
      if (this.#assigned(droplet, all) !== null) return;
      // One that is on its way may be this droplet's own, of a try whose answer was lost.
      const isThere = all.some(
        ({ ip, region, locked }) =>
          locked && region.slug === droplet.region.slug && (this.#meantFor.get(ip) ?? droplet.id) === droplet.id,
      );
      if (!isThere) await this.#reserve(droplet);
    } catch (error) {
      if (!(error instanceof CloudFailure)) throw error;
      // Another process was first, or nobody knows: the next look finds it among the others.
      if (!RETRIED.has(error.kind)) this.#failed.set(droplet.id, error);
    }
  }

  async #reserve(droplet: Addressed): Promise<void> {
    const { ip } = await this.#posted(droplet.id);
    this.#meantFor.set(ip, droplet.id);
    for (;;) {
      const answer = await this.#calls.find<{ reserved_ip: ReservedIpResource }>(BACKGROUND, (v2, config) =>
        v2.reserved_ips.byReserved_ip(ip).get(config),
      );
      const now = answer?.reserved_ip;
      if (now?.locked !== true) {
        // Another address was first, or the droplet is gone.
        if (now !== undefined && this.#assigned(droplet, [now]) === null) await this.#delete(ip, BACKGROUND);
        this.#meantFor.delete(ip);
        return;
      }
      await pause(this.#pollMs, BACKGROUND.signal);
    }
  }

  async #posted(dropletId: number): Promise<ReservedIpResource> {
    try {
      const { reserved_ip: made } = await this.#calls.make<{ reserved_ip: ReservedIpResource }>(
        { ...BACKGROUND, once: true },
        (v2, config) => v2.reserved_ips.post({ dropletId }, config),
      );
      return made;
    } catch (error) {
      if (!(error instanceof CloudFailure) || error.kind !== 'badRequest' || !/limit/i.test(error.message)) throw error;
      throw new CloudFailure('noCapacity', error.reason, error.message, { cause: error });
    }
  }

  async #delete(ip: string, settings: CallSettings): Promise<void> {
    await this.#calls.find(settings, (v2, config) => v2.reserved_ips.byReserved_ip(ip).delete(config));
  }
}

function onItsWay(dropletId: number): CloudFailure {
  return new CloudFailure('notReady', 'addressOnItsWay', `an address is on its way to droplet ${dropletId}`);
}

const BACKGROUND: CallSettings = { purpose: 'ongoing', signal: new AbortController().signal };
const RETRIED: ReadonlySet<CloudFailure['kind']> = new Set([
  ...(['unavailable', 'rateLimited', 'notReady'] as const),
  ...(['badRequest', 'exists', 'notFound'] as const),
]);

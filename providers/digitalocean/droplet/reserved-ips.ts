import type { CallSettings } from '../../cloud/api-calls.ts';
import { CloudFailure } from '../../cloud/cloud-failure.ts';
import type { ReservedIpResource } from '../calls/digitalocean-api.ts';
import type { DigitalOceanCalls } from '../calls/digitalocean-calls.ts';

/** Until then an address that may have been made shows as the droplet's. */
const SHOWS_WITHIN_MS = 30_000;

/** Reserved addresses of droplets. Each is made for a droplet that runs, in one call: one of nobody has no name to find it by. */
export class ReservedIps {
  readonly #calls: DigitalOceanCalls;
  /** By droplet: the address stays the same for as long as that lives. */
  readonly #known = new Map<number, string>();
  /** When one was asked for whose answer nobody heard, by droplet; epoch ms. */
  readonly #askedAt = new Map<number, number>();

  constructor(calls: DigitalOceanCalls) {
    this.#calls = calls;
  }

  /** The address of a droplet that runs, which gets one where it has none; null while that cannot be. */
  async of(dropletId: number, settings: CallSettings): Promise<string | null> {
    const known = this.#known.get(dropletId) ?? (await this.#assigned(dropletId, settings)) ?? null;
    if (known === null && Date.now() - (this.#askedAt.get(dropletId) ?? 0) < SHOWS_WITHIN_MS) return null;
    const ip = known ?? (await this.#reserve(dropletId, settings));
    if (ip !== null) {
      this.#known.set(dropletId, ip);
      this.#askedAt.delete(dropletId);
    }
    return ip;
  }

  /** Gives the address of a droplet back, before the droplet goes: afterwards nobody would know whose it was. */
  async release(dropletId: number, settings: CallSettings): Promise<void> {
    const ip = this.#known.get(dropletId) ?? (await this.#assigned(dropletId, settings));
    if (ip !== undefined) {
      await this.#calls.find(settings, (v2, config) => v2.reserved_ips.byReserved_ip(ip).delete(config));
    }
    this.#known.delete(dropletId);
    this.#askedAt.delete(dropletId);
  }

  async #assigned(dropletId: number, settings: CallSettings): Promise<string | undefined> {
    const all = await this.#calls.all<ReservedIpResource>(settings, 'reserved_ips', (v2, config, page) =>
      v2.reserved_ips.get({ ...config, queryParameters: page }),
    );
    return all.find(({ droplet }) => droplet?.id === dropletId)?.ip;
  }

  async #reserve(dropletId: number, settings: CallSettings): Promise<string | null> {
    try {
      const { reserved_ip: made } = await this.#calls.make<{ reserved_ip: ReservedIpResource }>(
        { ...settings, once: true },
        (v2, config) => v2.reserved_ips.post({ dropletId }, config),
      );
      return made.ip;
    } catch (error) {
      if (error instanceof CloudFailure && error.kind === 'unavailable') this.#askedAt.set(dropletId, Date.now());
      // Another process was first, or nobody knows: the next look finds it among the assigned ones.
      if (error instanceof CloudFailure && RETRIED.has(error.kind)) return null;
      throw error;
    }
  }
}

const RETRIED: ReadonlySet<CloudFailure['kind']> = new Set(['unavailable', 'notReady', 'notFound', 'exists']);

import type { CallPurpose } from '../../../domain/capacity/call-budget.ts';
import { orAborted, type CallSettings } from '../../cloud/api-calls.ts';
import { CloudFailure } from '../../cloud/cloud-failure.ts';
import type { CloudServer } from '../../cloud/cloud.ts';
import { serverNameOf } from '../../cloud/resource-names.ts';
import type { DropletResource } from '../calls/digitalocean-api.ts';
import type { DigitalOceanCalls } from '../calls/digitalocean-calls.ts';
import { recordOf, RESERVED_IP_TAG, wishOf } from './droplet-tags.ts';
import type { Addresses, ReservedIps } from './reserved-ips.ts';
import { SharedRead } from './shared-read.ts';

/** A droplet of ours. */
export interface DropletServer extends CloudServer {
  dropletId: number;
  tags: readonly string[];
}

/** As many look for their droplet at a time, one list of all is cheaper. */
const MANY = 4;
/** A droplet whose tags are not there yet may be ours for so long. */
const TAGS_COME_WITHIN_MS = 120_000;

/** The droplets of one deployment, as DigitalOcean has them now. */
export class Droplets {
  readonly #calls: DigitalOceanCalls;
  readonly #deployment: string;
  readonly #reserved: ReservedIps;
  readonly #lists: Readonly<Record<CallPurpose, SharedRead<DropletResource[]>>>;
  #looking = 0;

  constructor(calls: DigitalOceanCalls, deployment: string, reserved: ReservedIps) {
    this.#calls = calls;
    this.#deployment = deployment;
    this.#reserved = reserved;
    const read = (purpose: CallPurpose): SharedRead<DropletResource[]> =>
      // Nobody's wish to stop is that of all who wait.
      new SharedRead(() => this.#all({ purpose, signal: new AbortController().signal }));
    this.#lists = { destroy: read('destroy'), ongoing: read('ongoing'), starting: read('starting') };
  }

  nameOf(machineId: string): string {
    return serverNameOf(this.#deployment, machineId);
  }

  /** Those of a machine. Rejects where one has its name and is not known to be ours: nobody may touch it, nor forget it. */
  async find(machineId: string, settings: CallSettings): Promise<DropletServer[]> {
    const name = this.nameOf(machineId);
    const named = await this.#named(name, settings);
    const servers: DropletServer[] = [];
    const addresses = this.#reserved.addresses(settings);
    for (const droplet of named) {
      // Whoever creates the machine is told; its end, and lists with many others, are not held up.
      if (settings.purpose !== 'destroy') this.#reserved.tellFailure(droplet.id);
      const server = await this.serverOf(droplet, settings, addresses);
      if (server?.record.labels.machineId === machineId) servers.push(server);
      else if (server === undefined) throw notOurs(droplet);
    }
    return servers;
  }

  async get(id: number, settings: CallSettings): Promise<DropletServer | undefined> {
    const answer = await this.#calls.find<{ droplet: DropletResource }>(settings, (v2, config) =>
      v2.droplets.byDroplet_id(id).get(config),
    );
    return answer === undefined ? undefined : this.serverOf(answer.droplet, settings);
  }

  async list(settings: CallSettings): Promise<DropletServer[]> {
    const servers: DropletServer[] = [];
    const addresses = this.#reserved.addresses(settings);
    for (const droplet of await this.#all(settings)) {
      const server = await this.serverOf(droplet, settings, addresses);
      if (server !== undefined) servers.push(server);
    }
    return servers;
  }

  /** Undefined where the droplet is not of this deployment. */
  async serverOf(
    droplet: DropletResource,
    settings: CallSettings,
    addresses = this.#reserved.addresses(settings),
  ): Promise<DropletServer | undefined> {
    const { id, tags, region, created_at, status } = droplet;
    const record = recordOf(tags);
    if (record?.labels.deployment !== this.#deployment) return undefined;
    const ip = await this.#ipOf(droplet, record.externalIp, addresses);
    return {
      id: String(id),
      dropletId: id,
      place: region.slug,
      status: status === 'active' && ip === null ? 'starting' : STATUS[status],
      ip,
      createdAt: Date.parse(created_at) || 0,
      record,
      wish: wishOf(tags),
      tags,
    };
  }

  async #ipOf(droplet: DropletResource, external: boolean, addresses: Addresses): Promise<string | null> {
    if (droplet.tags.includes(RESERVED_IP_TAG)) {
      return droplet.status === 'active' ? this.#reserved.of(droplet, addresses) : null;
    }
    const wanted = external ? 'public' : 'private';
    return droplet.networks.v4?.find(({ type }) => type === wanted)?.ip_address ?? null;
  }

  async #named(name: string, settings: CallSettings): Promise<DropletResource[]> {
    this.#looking += 1;
    try {
      if (this.#looking < MANY) return (await this.#byName(name, settings)).filter((one) => one.name === name);
      const all = await orAborted(this.#lists[settings.purpose].get(), settings.signal);
      return all.filter((droplet) => droplet.name === name);
    } finally {
      this.#looking -= 1;
    }
  }

  #byName(name: string, settings: CallSettings): Promise<DropletResource[]> {
    return this.#calls.all(settings, 'droplets', (v2, config, page) =>
      v2.droplets.get({ ...config, queryParameters: { name, ...page } }),
    );
  }

  /** Not by a tag: such a list may be older than the droplets, and would leave one out that is being made. */
  #all(settings: CallSettings): Promise<DropletResource[]> {
    return this.#calls.all(settings, 'droplets', (v2, config, page) =>
      v2.droplets.get({ ...config, queryParameters: page }),
    );
  }
}

const STATUS: Readonly<Record<DropletResource['status'], CloudServer['status']>> = {
  new: 'starting',
  active: 'running',
  off: 'stopped',
  archive: 'gone',
};

function notOurs({ id, name, created_at }: DropletResource): CloudFailure {
  const ageMs = Date.now() - Date.parse(created_at);
  if (ageMs < TAGS_COME_WITHIN_MS) {
    return new CloudFailure('unavailable', 'tagsMissing', `the tags of droplet ${id} (${name}) are not there yet`);
  }
  const text = `droplet ${id} has the name ${name} and not the tags of this deployment; it is left alone: rename or delete it`;
  return new CloudFailure('permission', 'notOurs', text);
}

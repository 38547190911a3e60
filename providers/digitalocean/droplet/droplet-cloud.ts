/**
 * Servers that are droplets. All that is known of them is in the droplets' names and tags, so any number of workers see the same
 * ones; docs/decisions/0095 says what each is for.
 */
import type { CreateMachineRequest } from '../../../domain/machine/provider.ts';
import type { VmSpec } from '../../../domain/vm/spec.ts';
import type { CallSettings } from '../../cloud/api-calls.ts';
import { CloudFailure } from '../../cloud/cloud-failure.ts';
import type { Cloud, CloudServer, MakeOptions, PowerWish, RecordChange } from '../../cloud/cloud.ts';
import { refusedCreate } from '../calls/answers.ts';
import type { DropletResource } from '../calls/digitalocean-api.ts';
import type { DigitalOceanCalls } from '../calls/digitalocean-calls.ts';
import { PROVIDER_NAME } from '../capabilities.ts';
import { checkRequest } from '../spec-check.ts';
import { dropletCreate, type DropletDefaults } from './droplet-create.ts';
import { RESERVED_IP_TAG, wishTag } from './droplet-tags.ts';
import { Droplets, type DropletServer } from './droplets.ts';
import { EndedTags } from './ended-ids.ts';
import { changeRecord } from './record-change.ts';
import { ReservedIps } from './reserved-ips.ts';
import { Snapshots } from './snapshots.ts';
import { TagCleaning, isOfOneMachine } from './tag-cleaning.ts';
import { tag, untag } from './tag-calls.ts';

export interface DropletCloudOptions extends DropletDefaults {
  /** Regions of specs that name none, in the order to try. */
  regions: readonly string[];
  /** How long a droplet may take to shut itself down, before its power is cut. */
  shutdownMs?: number;
  /** Between two looks at a reserved address that is on its way to its droplet. */
  addressPollMs?: number;
}

const DEFAULT_SHUTDOWN_MS = 60_000;
const DELETE_AGAIN_MS = 20_000;

export class DropletCloud implements Cloud {
  readonly name = PROVIDER_NAME;
  /** A create has no id by which DigitalOcean knows it again, and names are not unique. */
  readonly makesOnce = false;
  readonly ended: EndedTags;
  readonly images: Snapshots;
  readonly #calls: DigitalOceanCalls;
  readonly #options: DropletCloudOptions;
  readonly #droplets: Droplets;
  readonly #reserved: ReservedIps;
  readonly #cleaning: TagCleaning;
  /** Tags of machines that are going, by id. */
  readonly #tagsOfGoing = new Map<string, Set<string>>();
  /** When this process asked a droplet to shut itself down, by droplet; epoch ms. */
  readonly #shutdownAt = new Map<number, number>();
  /** When this process asked a droplet to start; epoch ms. */
  readonly #startedAt = new Map<number, number>();
  /** When DigitalOcean took this process's delete of a droplet, which it lists until that is gone; epoch ms. */
  readonly #deletedAt = new Map<number, number>();

  constructor(calls: DigitalOceanCalls, options: DropletCloudOptions) {
    this.#calls = calls;
    this.#options = options;
    this.#reserved = new ReservedIps(calls, options.addressPollMs);
    this.#droplets = new Droplets(calls, options.deployment, this.#reserved);
    this.#cleaning = new TagCleaning(calls);
    this.ended = new EndedTags(calls, (machineId) => this.#droplets.nameOf(machineId));
    this.images = new Snapshots(calls, options.deployment);
  }

  check(request: CreateMachineRequest): void {
    checkRequest(request, this.#options);
    const wantsAddress = request.spec.externalIp && this.#options.rules.externalIp === 'reserved';
    if (wantsAddress) this.#reserved.want(this.#droplets.nameOf(request.machineId));
  }

  places({ zones }: VmSpec): readonly string[] {
    return zones.length > 0 ? zones : this.#options.regions;
  }

  find(machineId: string, settings: CallSettings): Promise<DropletServer[]> {
    return this.#droplets.find(machineId, settings);
  }

  get(server: CloudServer, settings: CallSettings): Promise<DropletServer | undefined> {
    return this.#droplets.get(Number(server.id), settings);
  }

  list(settings: CallSettings): Promise<DropletServer[]> {
    this.#cleaning.lookAtAll();
    return this.#droplets.list(settings);
  }

  async make(request: CreateMachineRequest, options: MakeOptions, settings: CallSettings): Promise<CloudServer> {
    const name = this.#droplets.nameOf(request.machineId);
    const images = { calls: this.#calls, settings };
    const body = await dropletCreate(request, name, options, this.#options, images);
    const droplet = await this.#created(request.machineId, () =>
      this.#calls.make<{ droplet: DropletResource }>(settings, (v2, config) => v2.droplets.post(body, config)),
    );
    // The answer may have come before its tags.
    const server = await this.#droplets.serverOf({ ...droplet, tags: body.tags, status: 'new' }, settings);
    if (server === undefined)
      throw new CloudFailure('unavailable', 'unreadable', `${name} has tags that nobody can read`);
    return server;
  }

  async #created(machineId: string, create: () => Promise<{ droplet: DropletResource }>): Promise<DropletResource> {
    try {
      return (await create()).droplet;
    } catch (error) {
      const refused = error instanceof CloudFailure ? refusedCreate(error, `create ${machineId}`) : undefined;
      throw refused ?? error;
    }
  }

  async remove(machineId: string, settings: CallSettings): Promise<'gone' | 'going'> {
    this.#reserved.unwant(this.#droplets.nameOf(machineId));
    const found = (await this.#droplets.find(machineId, settings)).filter(({ status }) => status !== 'gone');
    if (found.length === 0) {
      this.#cleaning.clear(this.#tagsOfGoing.get(machineId) ?? []);
      this.#tagsOfGoing.delete(machineId);
      return 'gone';
    }
    const tags = this.#tagsOfGoing.get(machineId) ?? new Set();
    this.#tagsOfGoing.set(machineId, tags);
    for (const server of found) {
      server.tags.filter(isOfOneMachine).forEach((name) => tags.add(name));
      await this.#delete(server, settings);
    }
    return 'going';
  }

  async removeOne(server: CloudServer, settings: CallSettings): Promise<void> {
    await this.#delete(server as DropletServer, settings);
    // Where its secret or record is the same as that of the one that stays, the tags are too.
  }

  async #delete({ dropletId, tags }: DropletServer, settings: CallSettings): Promise<void> {
    const before = Date.now() - DELETE_AGAIN_MS;
    for (const [id, askedAt] of this.#deletedAt) if (askedAt < before) this.#deletedAt.delete(id);
    if (this.#deletedAt.has(dropletId)) return;
    if (tags.includes(RESERVED_IP_TAG)) await this.#reserved.release(dropletId, settings);
    this.#shutdownAt.delete(dropletId);
    this.#startedAt.delete(dropletId);
    try {
      await this.#calls.find(settings, (v2, config) => v2.droplets.byDroplet_id(dropletId).delete(config));
      this.#deletedAt.set(dropletId, Date.now());
    } catch (error) {
      // Something else is being done to it: the next look deletes it.
      if (!(error instanceof CloudFailure) || error.kind !== 'notReady') throw error;
    }
  }

  async setWish(server: CloudServer, wish: PowerWish | null, settings: CallSettings): Promise<void> {
    const droplet = { id: server.id, type: 'droplet' } as const;
    if (wish === null) await untag(this.#calls, droplet, wishTag('stopped'), settings);
    else await tag(this.#calls, droplet, wishTag(wish), { ...settings, shared: true });
  }

  /** Asks it to shut itself down, and cuts its power where it has not done so in time. */
  async stop(server: CloudServer, settings: CallSettings): Promise<void> {
    const id = Number(server.id);
    this.#startedAt.delete(id);
    const askedAt = this.#shutdownAt.get(id);
    if (askedAt === undefined) {
      await this.#act(id, 'shutdown', settings);
      this.#shutdownAt.set(id, Date.now());
    } else if (Date.now() - askedAt >= (this.#options.shutdownMs ?? DEFAULT_SHUTDOWN_MS)) {
      await this.#act(id, 'power_off', settings);
    }
  }

  /** A droplet shows that it starts when it has started: until then it is not asked again. */
  async start(server: CloudServer, settings: CallSettings): Promise<void> {
    const id = Number(server.id);
    this.#shutdownAt.delete(id);
    if (this.#isStarting(id)) return;
    await this.#act(id, 'power_on', settings);
    this.#startedAt.set(id, Date.now());
  }

  #isStarting(dropletId: number): boolean {
    const askedAt = this.#startedAt.get(dropletId);
    return askedAt !== undefined && Date.now() - askedAt < (this.#options.shutdownMs ?? DEFAULT_SHUTDOWN_MS);
  }

  async #act(dropletId: number, type: string, settings: CallSettings): Promise<void> {
    await this.#calls.make(settings, (v2, config) =>
      v2.droplets.byDroplet_id(dropletId).actions.post({ type }, config),
    );
  }

  async change(server: CloudServer, change: RecordChange, settings: CallSettings): Promise<void> {
    // One that starts has what it proves itself with.
    if (server.status === 'stopped' && this.#isStarting(Number(server.id))) return;
    const parts = { calls: this.#calls, droplets: this.#droplets, cleaning: this.#cleaning };
    await changeRecord(server as DropletServer, change, parts, settings);
  }

  /** DigitalOcean shows the console of a droplet to people alone. */
  console(): Promise<undefined> {
    return Promise.resolve(undefined);
  }
}

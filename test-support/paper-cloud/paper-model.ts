/** What the paper cloud has: servers and images in memory, with states that take a moment. */
import { randomInt, randomUUID } from 'node:crypto';
import { answeringGuests, type CloudGuests } from '../clouds/guests.ts';

export interface PaperServer {
  id: string;
  name: string;
  place: string;
  status: 'starting' | 'running' | 'stopping' | 'stopped' | 'suspended' | 'gone';
  ip: string;
  createdAt: number;
  /** Whatever its user writes on it. */
  tags: Record<string, string>;
  /** Of the tags; changes with them. */
  version: number;
  secret: string | null;
  /** Why it was given up after it had been accepted. */
  failure?: 'full' | 'broken';
}

export interface PaperImage {
  id: string;
  name: string;
  createdAt: number;
  status: 'pending' | 'ready' | 'failed';
  tags: Record<string, string>;
  deprecated: boolean;
  bytes: number;
}

export interface PaperOptions {
  /** How long a step takes. */
  stepMs?: number;
  /** How long a new server is there before a list shows it. */
  lagMs?: number;
  /** A name is given to one server, for ever. */
  uniqueNames?: boolean;
}

const PLACES = ['north-1', 'south-1'] as const;

export class PaperModel {
  readonly servers = new Map<string, PaperServer>();
  readonly images = new Map<string, PaperImage>();
  readonly notes = new Set<string>();
  /** Places without room, refused at once or only after the server was accepted. */
  readonly full = new Set<string>();
  readonly fullLater = new Set<string>();
  /** Ids of servers in the order in which they were made, gone ones too. */
  readonly made: string[] = [];
  imagesFail = 0;
  options: Required<PaperOptions>;
  private readonly guests: CloudGuests = answeringGuests();
  private readonly disks = new Map<string, Map<string, Buffer>>();

  constructor({ stepMs = 15, lagMs = 0, uniqueNames = false }: PaperOptions) {
    this.options = { stepMs, lagMs, uniqueNames };
  }

  /** Undefined: the place is full. `taken`: the name is. */
  make(
    of: Pick<PaperServer, 'name' | 'place' | 'tags' | 'secret'>,
    imageId: string | null,
  ): PaperServer | 'taken' | undefined {
    if (this.full.has(of.place)) return undefined;
    if (this.options.uniqueNames && this.named(of.name).length > 0) return 'taken';
    const id = randomUUID();
    const ip = `127.77.${randomInt(1, 255)}.${randomInt(1, 255)}`;
    const server: PaperServer = { id, ...of, ip, status: 'starting', createdAt: Date.now(), version: 1 };
    this.servers.set(id, server);
    this.made.push(id);
    this.disks.set(id, new Map(imageId === null ? [] : (this.disks.get(imageId) ?? [])));
    this.later(() => {
      if (this.fullLater.has(server.place)) this.giveUp(server, 'full');
      else this.run(server);
    });
    return server;
  }

  giveUp(server: PaperServer, failure: 'full' | 'broken'): void {
    server.status = 'gone';
    server.failure = failure;
  }

  /** Whatever shows by now, gone ones too. */
  shown(): PaperServer[] {
    return [...this.servers.values()].filter(({ createdAt }) => Date.now() - createdAt >= this.options.lagMs);
  }

  named(name: string): PaperServer[] {
    return [...this.servers.values()].filter((server) => server.name === name);
  }

  isKnownPlace(place: string): boolean {
    return (PLACES as readonly string[]).includes(place);
  }

  /** False where its state does not allow that. */
  change(server: PaperServer, verb: 'start' | 'stop' | 'suspend'): boolean {
    const from = { start: ['stopped', 'suspended'], stop: ['running'], suspend: ['running'] }[verb];
    if (!from.includes(server.status)) return false;
    server.status = verb === 'start' ? 'starting' : 'stopping';
    if (verb !== 'start') this.guests.stopped(server.id);
    this.later(() => {
      if (verb === 'start') this.run(server);
      else if (server.status === 'stopping') server.status = verb === 'stop' ? 'stopped' : 'suspended';
    });
    return true;
  }

  remove(server: PaperServer): void {
    this.guests.stopped(server.id);
    if (server.status === 'gone') {
      delete server.failure;
      this.forget(server);
      return;
    }
    server.status = 'stopping';
    this.later(() => {
      server.status = 'gone';
      this.forget(server);
    });
  }

  /** It ends by itself. */
  crash(server: PaperServer): void {
    server.status = 'stopped';
    this.guests.stopped(server.id);
  }

  begin(name: string, tags: Record<string, string>, server: PaperServer): void {
    const id = randomUUID();
    const fails = this.imagesFail-- > 0;
    const image: PaperImage = { id, name, tags, createdAt: Date.now(), status: 'pending', deprecated: false, bytes: 0 };
    this.images.set(id, image);
    const files = new Map(this.disks.get(server.id));
    this.later(() => {
      this.disks.set(id, files);
      image.bytes = 1000;
      image.status = fails ? 'failed' : 'ready';
    });
  }

  filesOf(server: PaperServer): Map<string, Buffer> {
    return this.disks.get(server.id) ?? new Map<string, Buffer>();
  }

  close(): void {
    this.guests.close();
  }

  private run(server: PaperServer): void {
    if (server.status !== 'starting') return;
    server.status = 'running';
    this.guests.started({
      ...{ id: server.id, name: server.name, account: 'paper', place: server.place, ips: [server.ip], userData: '' },
      ...{ tags: () => server.tags, changeable: () => undefined, disk: this.filesOf(server) },
    });
  }

  /** Where names are given once, the cloud remembers who had one. */
  private forget(server: PaperServer): void {
    if (!this.options.uniqueNames) this.servers.delete(server.id);
  }

  private later(step: () => void): void {
    setTimeout(step, this.options.stepMs).unref();
  }
}

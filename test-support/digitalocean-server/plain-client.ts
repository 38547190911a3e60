/** The official client against a strict server, for tests of the server itself: answers as they come. */
import { expect } from 'vitest';
import type {
  DigitalOceanApi,
  DropletCreate,
  RequestConfig,
} from '../../providers/digitalocean/calls/digitalocean-api.ts';
import { digitalOceanClient } from '../../providers/digitalocean/calls/digitalocean-client.ts';
import { answeringGuests } from '../clouds/guests.ts';
import { eventually } from '../eventually.ts';
import type { DigitalOceanOptions } from './model.ts';
import { startDigitalOceanServer, type DigitalOceanServer } from './server.ts';

export interface DropletShown {
  id: number;
  name: string;
  status: string;
  locked: boolean;
  tags: string[];
  networks: { v4: { ip_address: string; type: string }[] };
}

/** What answers have that these tests look at. */
export interface Shown {
  id?: string;
  message?: string;
  droplet?: DropletShown;
  droplets?: DropletShown[];
  action?: { id: number; status: string };
  snapshots?: { id: string; name: string; tags: string[] }[];
  images?: { id: number }[];
  tag?: { name: string; resources: { count: number } };
  tags?: { name: string }[];
  regions?: { slug: string; available: boolean; sizes: string[] }[];
  reserved_ip?: { ip: string; droplet: { id: number } | null };
  links?: { actions?: { id: number }[]; pages?: Record<string, string> };
  meta?: { total: number };
}

export interface Answer {
  status: number;
  headers: Headers;
  body: Shown;
}

const DROPLET: DropletCreate = {
  name: 'm-one',
  region: 'nyc3',
  size: 's-1vcpu-1gb',
  image: 'ubuntu-24-04-x64',
  tags: ['ephemera:one'],
  userData: '#cloud-config',
  sshKeys: [],
  publicNetworking: true,
  ipv6: false,
  backups: false,
  monitoring: false,
  withDropletAgent: false,
};

export class PlainClient {
  readonly server: DigitalOceanServer;
  readonly v2: DigitalOceanApi['v2'];
  readonly #closeGuests: () => void;

  private constructor(server: DigitalOceanServer, v2: DigitalOceanApi['v2'], closeGuests: () => void) {
    this.server = server;
    this.v2 = v2;
    this.#closeGuests = closeGuests;
  }

  static async start(options: Partial<DigitalOceanOptions> = {}): Promise<PlainClient> {
    const guests = answeringGuests();
    const server = await startDigitalOceanServer({ guests, ...options });
    const { token, endpoint } = server;
    const { v2 } = await digitalOceanClient({ token, endpoint });
    return new PlainClient(server, v2, () => guests.close());
  }

  async close(): Promise<void> {
    await this.server.close();
    this.#closeGuests();
  }

  /** What the client's call is answered with, whatever that is. */
  async ask(call: (config: RequestConfig) => Promise<unknown>): Promise<Answer> {
    const responseHandler = { handleResponse: (response: unknown) => answerOf(response as Response) };
    return (await call({ options: [{ getKey: () => 'ResponseHandlerOptionKey', responseHandler }] })) as Answer;
  }

  /** A request that the official client would not make. */
  async send(verb: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const usual = { authorization: `Bearer ${this.server.token}`, 'content-type': 'application/json' };
    const written = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
    const url = `${this.server.endpoint}/v2/${path}`;
    return answerOf(await fetch(url, { method: verb, headers: { ...usual, ...headers }, ...written }));
  }

  create(change: Partial<DropletCreate> = {}): Promise<Answer> {
    return this.ask((config) => this.v2.droplets.post({ ...DROPLET, ...change }, config));
  }

  async get(id: number): Promise<DropletShown | undefined> {
    return (await this.ask((config) => this.v2.droplets.byDroplet_id(id).get(config))).body.droplet;
  }

  remove(id: number): Promise<Answer> {
    return this.ask((config) => this.v2.droplets.byDroplet_id(id).delete(config));
  }

  act(id: number, type: string, name?: string): Promise<Answer> {
    const body = name === undefined ? { type } : { type, name };
    return this.ask((config) => this.v2.droplets.byDroplet_id(id).actions.post(body, config));
  }

  list(query: { tagName?: string; name?: string } = {}, page = { page: 1, perPage: 200 }): Promise<Answer> {
    return this.ask((config) => this.v2.droplets.get({ ...config, queryParameters: { ...page, ...query } }));
  }

  async statusOf(action: number): Promise<string | undefined> {
    return (await this.ask((config) => this.v2.actions.byAction_id(action).get(config))).body.action?.status;
  }

  /** The droplet once its event has ended. */
  async settled(id: number): Promise<DropletShown> {
    return eventually(async () => {
      const droplet = await this.get(id);
      expect(droplet?.locked).toBe(false);
      return droplet!;
    });
  }

  /** A droplet that runs. */
  async running(change: Partial<DropletCreate> = {}): Promise<DropletShown> {
    const { body } = await this.create(change);
    return this.settled(body.droplet!.id);
  }

  /** Awaits the end of what an action began, and gives how it ended. */
  async ended(answer: Answer): Promise<string | undefined> {
    expect(answer).toMatchObject({ status: 201, body: { action: { status: 'in-progress' } } });
    return eventually(async () => {
      const status = await this.statusOf(answer.body.action!.id);
      expect(status).not.toBe('in-progress');
      return status;
    });
  }
}

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  const { status, headers } = response;
  return { status, headers, body: (text === '' ? {} : JSON.parse(text)) as Shown };
}

import { connect } from 'node:net';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { ScriptError } from './terminal.ts';

const REQUEST_DEADLINE_MS = 90_000;
const CONNECT_DEADLINE_MS = 5000;
const MESSAGE_DEADLINE_MS = 5000;

const vmSchema = z.object({
  name: z.string(),
  state: z.string(),
  reason: z.string().optional(),
  detail: z.string().optional(),
  machineId: z.string().optional(),
  connections: z.int().optional(),
  aliveBecause: z.string().nullable(),
  nextDeadline: z.object({ at: z.string(), kind: z.string() }).optional(),
  address: z.object({ ip: z.string(), ports: z.array(z.object({ name: z.string(), port: z.int() })) }).optional(),
  temporalUiUrl: z.string().optional(),
});
export type DemoVm = z.output<typeof vmSchema>;

const listSchema = z.object({ vms: z.array(vmSchema), nextPageToken: z.string().optional() });
const timelineSchema = z.object({
  events: z.array(
    z.object({
      at: z.string(),
      kind: z.string(),
      state: z.string(),
      reason: z.string().optional(),
      detail: z.string().optional(),
    }),
  ),
});
export type DemoEvent = z.output<typeof timelineSchema>['events'][number];

/** The REST API as any program would use it: plain HTTP with a key. */
export class DemoApi {
  readonly #url: string;
  readonly #key: string;

  constructor(url: string, key: string) {
    this.#url = url;
    this.#key = key;
  }

  async create(body: object): Promise<DemoVm> {
    return vmSchema.parse(await this.#request('POST', '/v1/vms?wait=ready&timeoutSeconds=60', body));
  }

  async get(name: string): Promise<DemoVm> {
    return vmSchema.parse(await this.#request('GET', `/v1/vms/${name}`));
  }

  /** All VMs of the list, page by page. */
  async list(): Promise<DemoVm[]> {
    const found: DemoVm[] = [];
    let token: string | undefined;
    do {
      const query = token === undefined ? '' : `&pageToken=${encodeURIComponent(token)}`;
      const page = listSchema.parse(await this.#request('GET', `/v1/vms?pageSize=100${query}`));
      found.push(...page.vms);
      token = page.nextPageToken;
    } while (token !== undefined);
    return found;
  }

  async timeline(name: string): Promise<DemoEvent[]> {
    return timelineSchema.parse(await this.#request('GET', `/v1/vms/${name}/timeline`)).events;
  }

  async destroy(name: string): Promise<void> {
    await this.#request('DELETE', `/v1/vms/${name}`);
  }

  async #request(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(this.#url + path, {
      method,
      headers: {
        authorization: `Bearer ${this.#key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(REQUEST_DEADLINE_MS),
    });
    const text = await response.text();
    if (!response.ok) throw new ScriptError(`${method} ${path} answered ${response.status}: ${text}`);
    return JSON.parse(text);
  }
}

const chatMessageSchema = z.object({
  type: z.string(),
  from: z.string().optional(),
  text: z.string().optional(),
  people: z.int().optional(),
});
export type DemoChatMessage = z.output<typeof chatMessageSchema>;

/** One person in a chat room of the VM, over a WebSocket to the VM's own address. */
export class DemoChatter {
  readonly name: string;
  readonly #socket: WebSocket;
  readonly #received: DemoChatMessage[] = [];
  readonly #waiting = new Set<() => void>();

  private constructor(name: string, socket: WebSocket) {
    this.name = name;
    this.#socket = socket;
    socket.on('message', (data: Buffer) => {
      this.#received.push(chatMessageSchema.parse(JSON.parse(data.toString('utf8'))));
      for (const wake of this.#waiting) wake();
    });
    socket.on('error', () => undefined);
  }

  static async join(url: string, name: string): Promise<DemoChatter> {
    const socket = new WebSocket(`${url}?name=${encodeURIComponent(name)}`, { handshakeTimeout: CONNECT_DEADLINE_MS });
    const chatter = new DemoChatter(name, socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', () => resolve());
      socket.once('error', (error) => reject(new ScriptError(`${name} cannot connect to ${url}: ${error.message}`)));
    });
    return chatter;
  }

  say(text: string): void {
    this.#socket.send(JSON.stringify({ type: 'message', text }));
  }

  /** The first message that fits; one that came before counts. */
  async hears(fits: (message: DemoChatMessage) => boolean, what: string): Promise<DemoChatMessage> {
    const until = Date.now() + MESSAGE_DEADLINE_MS;
    for (;;) {
      const found = this.#received.find(fits);
      if (found !== undefined) return found;
      const left = until - Date.now();
      if (left <= 0) throw new ScriptError(`${this.name} did not hear ${what} in ${MESSAGE_DEADLINE_MS / 1000} s`);
      await this.#nextMessage(left);
    }
  }

  async leave(): Promise<void> {
    if (this.#socket.readyState === WebSocket.CLOSED) return;
    const closed = new Promise<void>((resolve) => this.#socket.once('close', () => resolve()));
    this.#socket.close();
    await closed;
  }

  #nextMessage(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, withinMs);
      this.#waiting.add(wake);
    });
  }
}

/** Whether something listens there. */
export function acceptsConnections(ip: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: ip, port, timeout: CONNECT_DEADLINE_MS });
    const settle = (accepts: boolean): void => {
      socket.destroy();
      resolve(accepts);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
    socket.once('timeout', () => settle(false));
  });
}

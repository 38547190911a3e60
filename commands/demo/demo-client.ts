import { connect } from 'node:net';
import { WebSocket } from 'ws';
import { z } from 'zod';
import {
  answered,
  ApiRefusal,
  createApiClient,
  type ApiClient,
  type TimelineEntry,
  type Vm,
  type CreateVm,
} from '../../client/api-client.ts';
import { ScriptError } from '../terminal/terminal.ts';

const REQUEST_DEADLINE_SECONDS = 90;
const CONNECT_DEADLINE_MS = 5000;
const MESSAGE_DEADLINE_MS = 5000;

/** What the demo asks of the API. */
export class DemoApi {
  readonly #client: ApiClient;

  constructor(url: string, key: string) {
    this.#client = createApiClient({ url, key, deadlineSeconds: REQUEST_DEADLINE_SECONDS });
  }

  create(body: CreateVm): Promise<Vm> {
    const query = { wait: 'ready', timeoutSeconds: 60 } as const;
    return orScriptError(this.#client.POST('/v1/vms', { params: { query }, body }));
  }

  get(name: string): Promise<Vm> {
    return orScriptError(this.#client.GET('/v1/vms/{name}', { params: { path: { name } } }));
  }

  /** All VMs of the list, page by page. */
  async list(): Promise<Vm[]> {
    const found: Vm[] = [];
    let pageToken: string | undefined;
    do {
      const query = { pageSize: 100, ...(pageToken === undefined ? {} : { pageToken }) };
      const page = await orScriptError(this.#client.GET('/v1/vms', { params: { query } }));
      found.push(...page.vms);
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
    return found;
  }

  async timeline(name: string): Promise<TimelineEntry[]> {
    return (await orScriptError(this.#client.GET('/v1/vms/{name}/timeline', { params: { path: { name } } }))).events;
  }

  async destroy(name: string): Promise<void> {
    await orScriptError(this.#client.DELETE('/v1/vms/{name}', { params: { path: { name } } }));
  }
}

function orScriptError<Data>(request: Parameters<typeof answered<Data>>[0]): Promise<NonNullable<Data>> {
  return answered<Data>(request).catch((error: unknown) => {
    if (error instanceof ApiRefusal) throw new ScriptError(error.message);
    throw error;
  });
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

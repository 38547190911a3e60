/** The replicas of the API, and which of them a machine's agent is connected to. */
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { WebSocket } from 'ws';
import { describeQueue } from '../../config/queue-facts.ts';
import { MAX_STREAM_MESSAGE_BYTES } from '../../domain/host/stream-messages.ts';
import { CONSOLE_OWNER_HEADER, requestTaskQueue } from '../../domain/wire-names.ts';
import { withLinkedSignal } from '../../lib/waiting/linked-signal.ts';
import { SharedRead } from '../../lib/waiting/shared-read.ts';
import type { KeySource } from '../../security/hosts/host-keys.ts';
import { replicaAddressIn, replicaSharedKey } from '../../security/replicas/replica-identity.ts';
import type { AgentLinks } from '../agent-links/agent-links.ts';
import { connectReplica } from './replica-connection.ts';
import { LINKED_SINCE_HEADER, streamPath } from './replica-server.ts';

/** Streams that are opened within this time share one look at Temporal. */
const LIST_SHARED_MS = 1000;
const LIST_SECONDS = 5;
/** A poll is renewed each minute; one that was not for longer is of a replica that is gone. */
const SEEN_WITHIN_MS = 150_000;
const MOST_REPLICAS = 32;
/** Replicas are near each other; one whose computer is gone answers nothing. */
const ANSWER_MS = 2000;
/** Once one has the link the others get this long to say that they have a newer one. */
const OTHERS_MS = 100;
const KEEP_ALIVE_MS = 15_000;

export interface ReplicasOptions {
  client: Client;
  controlTaskQueue: string;
  deployment: string;
  secret: KeySource;
  links: Pick<AgentLinks, 'linkOf'>;
  log: Pick<Logger, 'debug' | 'warn'>;
}

interface Machine {
  machineId: string;
  /** Workflow id. */
  owner: string;
}

interface Found {
  webSocket: WebSocket;
  since: number;
}

export class Replicas {
  readonly #options: ReplicasOptions;
  readonly #key: Buffer;
  readonly #listed: SharedRead<string[]>;
  /** Of this replica, once it listens. */
  #own: string | undefined;

  constructor(options: ReplicasOptions) {
    this.#options = options;
    this.#key = replicaSharedKey(options.secret, options.deployment);
    this.#listed = new SharedRead(() => this.#list());
  }

  /** Says where this replica answers the others. */
  listensAt(address: string): void {
    this.#own = address;
  }

  /**
   * A WebSocket for one stream to a machine, at the replica that its agent is connected to; the number 503 where that has no room,
   * undefined where none is connected to it. Rejects where Temporal does not say which replicas there are.
   */
  async connectTo(machine: Machine, signal: AbortSignal): Promise<WebSocket | 503 | undefined> {
    const own = this.#own;
    const isHere = own !== undefined && this.#options.links.linkOf(machine) !== undefined;
    const addresses = isHere ? [own] : (await this.#listed.get(LIST_SHARED_MS)).filter((one) => one !== own);
    return withLinkedSignal(signal, ANSWER_MS, (until) =>
      newestOf(addresses.map((address) => this.#ask(address, machine, until))),
    );
  }

  async #ask(address: string, { machineId, owner }: Machine, signal: AbortSignal): Promise<Found | number> {
    try {
      const socket = await connectReplica(address, this.#key, signal);
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
      const webSocket = new WebSocket(`ws://${address}${streamPath(machineId)}`, {
        ...{ headers: { [CONSOLE_OWNER_HEADER]: owner }, maxPayload: MAX_STREAM_MESSAGE_BYTES },
        ...{ perMessageDeflate: false, createConnection: () => socket, handshakeTimeout: ANSWER_MS },
      });
      return await opened(webSocket);
    } catch (error) {
      this.#options.log.debug({ err: error, address }, 'a replica of the API does not answer');
      return 0;
    }
  }

  async #list(): Promise<string[]> {
    const { client, controlTaskQueue, deployment, secret } = this.#options;
    const { pollers } = await client.withDeadline(Date.now() + LIST_SECONDS * 1000, () =>
      describeQueue(client, requestTaskQueue(controlTaskQueue)),
    );
    const lately = pollers.filter(({ seenAt }) => Date.now() - seenAt < SEEN_WITHIN_MS);
    lately.sort((one, other) => other.seenAt - one.seenAt);
    const addresses = lately.flatMap(({ identity }) => replicaAddressIn(secret, deployment, identity) ?? []);
    return [...new Set(addresses)].slice(0, MOST_REPLICAS);
  }
}

function opened(webSocket: WebSocket): Promise<Found | number> {
  return new Promise((resolve, reject) => {
    let since = 0;
    webSocket.on('error', reject);
    webSocket.once('upgrade', ({ headers }) => (since = Number(headers[LINKED_SINCE_HEADER] ?? 0)));
    webSocket.once('open', () => resolve({ webSocket, since }));
    webSocket.once('unexpected-response', (sent, answer) => {
      sent.destroy();
      resolve(answer.statusCode ?? 0);
    });
  });
}

/** The newest of those that are found; who says so much later than the first one is not waited for. */
async function newestOf(asked: readonly Promise<Found | number>[]): Promise<WebSocket | 503 | undefined> {
  const found: Found[] = [];
  const seen = { full: false, over: false };
  let hurry = (): void => undefined;
  const first = new Promise<void>((resolve) => (hurry = resolve));
  const all = asked.map(async (one) => {
    const answer = await one;
    if (typeof answer === 'number') seen.full ||= answer === 503;
    else if (seen.over) answer.webSocket.terminate();
    else {
      found.push(answer);
      setTimeout(hurry, OTHERS_MS).unref();
    }
  });
  await Promise.race([first, Promise.all(all)]);
  seen.over = true;
  found.sort((one, other) => other.since - one.since);
  for (const { webSocket } of found.slice(1)) webSocket.terminate();
  return found[0]?.webSocket ?? (seen.full ? 503 : undefined);
}

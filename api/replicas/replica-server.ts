/**
 * Where other replicas of the API ask for streams to machines whose agents are connected to this one: a WebSocket at
 * `/machines/<machineId>/stream`, as a host has it. The header {@link CONSOLE_OWNER_HEADER} names the owner of the machine.
 */
import { once } from 'node:events';
import { STATUS_CODES, type IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { WebSocketServer } from 'ws';
import { MAX_STREAM_MESSAGE_BYTES } from '../../domain/host/stream-messages.ts';
import { CONSOLE_OWNER_HEADER } from '../../domain/wire-names.ts';
import { hostPort } from '../../lib/network/host-port.ts';
import { relayStream } from '../../streams/stream-relay.ts';
import type { AgentLinks } from '../agent-links/agent-links.ts';
import { sharedKeyServer } from './replica-connection.ts';

const PATH = /^\/machines\/([a-z0-9-]{1,64})\/stream$/;
/** Epoch ms: since when this replica has the link, so that who asks takes the newest. */
export const LINKED_SINCE_HEADER = 'x-ephemera-linked-since';
/** Streams to all machines whose agents are connected here. */
const MOST_STREAMS = 1000;
/** Those who prove nothing yet are few and short. */
const MOST_CONNECTIONS = 128;
const HANDSHAKE_MS = 5000;

export interface ReplicaServer {
  /** `host:port` */
  address: string;
  close: () => Promise<void>;
}

export interface ReplicaServerOptions {
  host: string;
  /** 0 takes any free port. */
  port: number;
  key: Buffer;
  links: Pick<AgentLinks, 'linkOf'>;
  log: Logger;
}

export function streamPath(machineId: string): string {
  return `/machines/${encodeURIComponent(machineId)}/stream`;
}

/** @throws Error that names the setting when the address cannot be listened on. */
export async function startReplicaServer(options: ReplicaServerOptions): Promise<ReplicaServer> {
  const { host, port, key, log } = options;
  const limits = { handshakeTimeout: HANDSHAKE_MS, headersTimeout: HANDSHAKE_MS, requestTimeout: HANDSHAKE_MS };
  const server = createServer({ ...sharedKeyServer(key), ...limits, maxHeaderSize: 8 * 1024 }, (_request, response) => {
    response.writeHead(404).end();
  });
  server.maxConnections = MOST_CONNECTIONS;
  server.on('tlsClientError', (error) => log.debug({ err: error }, 'who connects to this replica has not its key'));
  const webSockets = new WebSocketServer({
    ...{ noServer: true, perMessageDeflate: false, maxPayload: MAX_STREAM_MESSAGE_BYTES },
  });
  webSockets.on('headers', (headers, request) => {
    headers.push(`${LINKED_SINCE_HEADER}: ${SINCE.get(request) ?? 0}`);
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => undefined);
    const link = linkFor(options, request);
    if (link === undefined) refuse(socket, 404);
    else if (webSockets.clients.size >= MOST_STREAMS) refuse(socket, 503);
    else {
      SINCE.set(request, link.since);
      webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        server.maxConnections += 1;
        webSocket.once('close', () => (server.maxConnections -= 1));
        relayStream(webSocket, { open: (asked, listener) => link.open(asked, listener) });
      });
    }
  });
  server.listen(port, host);
  await once(server, 'listening').catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `other replicas cannot reach the API (${why}); set EPHEMERA_API_PEER_HOST to an address of this computer and EPHEMERA_API_PEER_PORT to a free port`,
      { cause },
    );
  });
  return {
    address: hostPort(host, (server.address() as AddressInfo).port),
    close: async () => {
      server.close();
      webSockets.clients.forEach((client) => client.terminate());
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

const SINCE = new WeakMap<IncomingMessage, number>();

function linkFor({ links }: ReplicaServerOptions, { url = '', headers }: IncomingMessage) {
  const machineId = PATH.exec(url)?.[1];
  const owner = headers[CONSOLE_OWNER_HEADER]?.toString();
  return machineId === undefined || owner === undefined ? undefined : links.linkOf({ machineId, owner });
}

function refuse(socket: Duplex, status: number): void {
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;
  socket.end(head, () => socket.destroy());
}

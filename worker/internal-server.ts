/**
 * Byte streams that do not belong in histories, for the API alone: `GET /internal/machines/<machineId>/console`.
 * The bearer token is derived from the deployment's secret. The header {@link CONSOLE_OWNER_HEADER} names the VM that asks.
 */
import { timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { deriveKey } from '../config/deployment-secret.ts';
import type { ConsoleOwner } from '../domain/machine-provider.ts';
import { CONSOLE_OWNER_HEADER, parseVmWorkflowId } from '../domain/wire-names.ts';

const CONSOLE_BYTES = 64 * 1024;
const CONSOLE_PATH = /^\/internal\/machines\/([a-z0-9-]{1,64})\/console$/;

/** What the API sends as bearer token; see api/. */
export function internalToken(secret: Uint8Array): string {
  return Buffer.from(deriveKey(secret, 'internal')).toString('hex');
}

export interface InternalServerOptions {
  host: string;
  /** 0 takes any free port. */
  port: number;
  token: string;
  /** The end of a machine's console, or undefined when this host keeps none of that VM's. */
  readConsole: (machineId: string, maxBytes: number, owner: ConsoleOwner) => Promise<Uint8Array | undefined>;
  log: Logger;
}

export interface InternalServer {
  port: number;
  close: () => Promise<void>;
}

/** Rejects with a message that names the setting when the port is taken. */
export async function startInternalServer(options: InternalServerOptions): Promise<InternalServer> {
  const server = createServer((request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      options.log.error({ err: error }, 'an internal request failed');
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  server.requestTimeout = 10_000;
  await listen(server, options);
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function listen(server: Server, { host, port }: InternalServerOptions): Promise<void> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`the internal endpoint cannot listen (${why}); set EPHEMERA_INTERNAL_PORT to a free port`, {
      cause,
    });
  }
}

async function answer(
  options: InternalServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!isAuthorized(request, options.token)) {
    end(response, 401, 'no valid token');
    return;
  }
  const machineId = CONSOLE_PATH.exec(request.url ?? '')?.[1];
  if (machineId === undefined) {
    end(response, 404, 'no such page');
    return;
  }
  if (request.method !== 'GET') {
    end(response, 405, 'only GET');
    return;
  }
  const owner = parseVmWorkflowId(request.headers[CONSOLE_OWNER_HEADER]?.toString() ?? '');
  const text =
    owner && (await options.readConsole(machineId, CONSOLE_BYTES, { project: owner.project, vm: owner.name }));
  if (text === undefined) {
    end(response, 404, 'no console is kept');
    return;
  }
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
  response.end(text);
}

function isAuthorized(request: IncomingMessage, token: string): boolean {
  const expected = Buffer.from(`Bearer ${token}`);
  const presented = Buffer.from(request.headers.authorization ?? '');
  return presented.length === expected.length && timingSafeEqual(presented, expected);
}

function end(response: ServerResponse, status: number, why: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(`${why}\n`);
}

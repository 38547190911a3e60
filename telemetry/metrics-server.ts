/** Serves `GET /metrics` of one process, on a port of its own; docs/decisions/0019 says why. */
import { timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { localApiUrl as localUrl } from '../config/api-url.ts';
import { isOwnHost } from '../lib/network/loopback.ts';
import type { MetricRegistry } from './metric-registry.ts';

const PORT = /:\d{1,5}$/;

export interface MetricsServerOptions {
  registry: MetricRegistry;
  host: string;
  /** 0 takes any free port. */
  port: number;
  /** Whether a person asked for just this port; a default that is taken moves to a free one. */
  portWasAsked: boolean;
  /** Name of the setting of this port, for messages. */
  portSetting: string;
  /** What a scraper sends as bearer token; null lets every program of this computer look, and no page of a browser. */
  token: string | null;
  log: Logger;
}

export interface MetricsServer {
  /** `http://127.0.0.1:7402/metrics` */
  url: string;
  close: () => Promise<void>;
}

/** @throws Error that names the setting, when the port cannot be listened on. */
export async function startMetricsServer(options: MetricsServerOptions): Promise<MetricsServer> {
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      options.log.error({ err: error }, 'the metrics could not be read');
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  await listen(server, options);
  const { port } = server.address() as AddressInfo;
  const url = `${localUrl(options.host, port)}/metrics`;
  options.log.info({ url }, 'metrics are served');
  return {
    url,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function listen(server: Server, options: MetricsServerOptions): Promise<void> {
  const { host, port, portWasAsked, portSetting, log } = options;
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE' || portWasAsked) {
      throw new Error(`metrics cannot be served (${message}); set ${portSetting} to a free port`, { cause });
    }
    log.warn({ port }, 'the port of the metrics is taken, so they move to a free one');
    server.listen(0, host);
    await once(server, 'listening');
  }
}

async function answer(
  { registry, token }: MetricsServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = request.url?.split('?')[0];
  if (path !== '/metrics') {
    refuse(response, 404, 'metrics are at /metrics');
  } else if (request.method !== 'GET' && request.method !== 'HEAD') {
    refuse(response, 405, 'only GET', { allow: 'GET, HEAD' });
  } else if (token !== null && !isBearer(request.headers.authorization, token)) {
    refuse(response, 401, 'send EPHEMERA_METRICS_TOKEN as bearer token', { 'www-authenticate': 'Bearer' });
  } else if (token === null && !isOwnHost((request.headers.host ?? '').replace(PORT, ''))) {
    // A page of any other name is of another origin, wherever that name resolves to.
    refuse(response, 403, 'ask for 127.0.0.1 or localhost, or set EPHEMERA_METRICS_TOKEN');
  } else {
    const text = await registry.text();
    response.writeHead(200, { 'content-type': registry.contentType, 'cache-control': 'no-store' });
    response.end(text);
  }
}

function isBearer(header: string | undefined, token: string): boolean {
  const expected = Buffer.from(`Bearer ${token}`);
  const presented = Buffer.from(header ?? '');
  return presented.length === expected.length && timingSafeEqual(presented, expected);
}

function refuse(response: ServerResponse, status: number, why: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...headers });
  response.end(`${why}\n`);
}

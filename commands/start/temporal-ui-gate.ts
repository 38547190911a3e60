/**
 * What stands in front of Temporal's Web UI. The UI itself answers to any host name and gives every page of its own
 * origin all it has, so a page whose name was made to resolve to this computer could read and start workflows.
 */
import { once } from 'node:events';
import { Agent, createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';
import { ScriptError } from '../terminal/terminal.ts';
import { isOwnHost } from '../../lib/network/loopback.ts';

export interface UiGate {
  /** Where people reach the Web UI, on 127.0.0.1. */
  port: number;
  /** Where the UI itself listens. */
  ui: { host: string; port: number };
  /** An address that people open it by besides this computer's own names, or null. */
  publicUrl: string | null;
}

/**
 * Serves the Web UI to this computer's own names and to the public one.
 * @throws ScriptError when the port is taken.
 */
export async function startUiGate(gate: UiGate): Promise<void> {
  const agent = new Agent({ keepAlive: true });
  const server = createServer((request, response) => {
    const refusal = whyRefused(request, gate.publicUrl);
    if (refusal === undefined) {
      forward(request, response, { agent, ...gate.ui });
      return;
    }
    response.writeHead(403, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' });
    response.end(`${refusal}\n`);
  });
  server.listen(gate.port, '127.0.0.1');
  await once(server, 'listening').catch((error: unknown) => {
    throw new ScriptError(`Temporal Web UI: port ${gate.port} cannot be listened on (${String(error)})`);
  });
  // It ends with the process.
  server.unref();
}

/** Why a request is not for the Web UI, or undefined when it is. */
export function whyRefused(
  { method, headers }: Pick<IncomingMessage, 'method' | 'headers'>,
  publicUrl: string | null,
): string | undefined {
  const publicHost = publicUrl === null ? undefined : new URL(publicUrl).host;
  const host = hostOf(`http://${headers.host ?? ''}`);
  const name = host?.replace(/:\d+$/, '');
  if (host === undefined || name === undefined || (host !== publicHost && !isOwnHost(name))) {
    return 'Temporal Web UI: open it as 127.0.0.1 or localhost, or set EPHEMERA_TEMPORAL_UI_URL to its address';
  }
  const origin = headers.origin === undefined ? undefined : hostOf(headers.origin);
  const isOwnOrigin =
    headers.origin === undefined || origin === host || (origin !== undefined && origin === publicHost);
  const isSafe = method === 'GET' || method === 'HEAD';
  if (!isSafe && !isOwnOrigin) return 'Temporal Web UI: it takes changes from its own pages alone';
  const site = headers['sec-fetch-site'];
  const isForeign = site === 'cross-site' || site === 'same-site';
  const isVisit = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  if (isForeign && !(isSafe && isVisit)) return 'Temporal Web UI: other pages may link to it and no more';
  return undefined;
}

function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host : undefined;
}

interface Upstream {
  agent: Agent;
  host: string;
  port: number;
}

function forward(request: IncomingMessage, response: ServerResponse, upstream: Upstream): void {
  const { method, url, headers } = request;
  const asked = httpRequest({ ...upstream, method, path: url, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    pipeline(answer, response, () => undefined);
  });
  asked.on('error', () => {
    if (response.headersSent) return void response.destroy();
    response.writeHead(502, { 'content-type': 'text/plain; charset=utf-8' });
    response.end('Temporal does not run at this moment; npm start starts it again.\n');
  });
  response.on('close', () => asked.destroy());
  pipeline(request, asked, () => undefined);
}

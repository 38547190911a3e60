import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { MAX_CONNECTIONS, isCount } from '../../../domain/agent/protocol.ts';
import type { AppUsage } from './app-usage.ts';

const MAX_BODY_BYTES = 1024;

export interface LocalEndpointParts {
  usage: AppUsage;
  isDraining: () => boolean;
  /** Takes a count that the app put; null when the agent counts by itself. */
  takeCount: ((connections: number) => void) | null;
}

/**
 * What an app in the same machine may ask of its agent: `PUT /connections` with its count (`3` or
 * `{"connections":3}`) and `GET /status`.
 */
export function localEndpoint(parts: LocalEndpointParts): RequestListener {
  return (request, response) => {
    void answer(parts, request).then(({ status, body }) => send(response, status, body));
  };
}

interface Answer {
  status: number;
  body: Record<string, unknown>;
}

async function answer(parts: LocalEndpointParts, request: IncomingMessage): Promise<Answer> {
  // Browsers name their page's origin here: no page may speak for the app.
  if (request.headers.origin !== undefined) return refusal(403, 'This is for programs, not for web pages.');
  const path = request.url?.split('?')[0];
  if (path === '/status') {
    return request.method === 'GET' ? { status: 200, body: status(parts) } : refusal(405, 'Use GET /status.');
  }
  if (path !== '/connections') return refusal(404, 'There are GET /status and PUT /connections.');
  if (request.method !== 'PUT') return refusal(405, 'Use PUT /connections.');
  if (!parts.takeCount) return refusal(409, 'The agent of this machine counts connections by itself.');
  const connections = parseCount(await readBody(request));
  if (connections === undefined) {
    return refusal(400, `Send a whole number from 0 to ${MAX_CONNECTIONS}, or {"connections": <number>}.`);
  }
  parts.takeCount(connections);
  return { status: 200, body: status(parts) };
}

function status({ usage, isDraining }: LocalEndpointParts): Record<string, unknown> {
  return { connections: usage.connections, ready: usage.ready, draining: isDraining() };
}

function refusal(statusCode: number, error: string): Answer {
  return { status: statusCode, body: { error } };
}

/** The count in a body of `3` or `{"connections":3}`; undefined when there is none. */
export function parseCount(body: string | undefined): number | undefined {
  if (body === undefined) return undefined;
  try {
    const value = JSON.parse(body) as unknown;
    const count =
      typeof value === 'object' && value !== null ? (value as { connections?: unknown }).connections : value;
    return isCount(count) ? count : undefined;
  } catch {
    return undefined;
  }
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_BODY_BYTES) return undefined;
      chunks.push(chunk);
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks).toString('utf8');
}

function send(response: ServerResponse, statusCode: number, body: Record<string, unknown>): void {
  response.writeHead(statusCode, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
}

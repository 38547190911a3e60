/**
 * What an instance reaches: the metadata server with its attributes, and an API that exchanges any secret, takes reports and
 * gives an assignment to whoever has none yet. One server of both, for tests of what runs on an instance.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { json } from 'node:stream/consumers';
import type { Assignment } from '../../domain/agent/assignment.ts';

const VM_SERVER_FILE = resolve(import.meta.dirname, '../../dist/vm-server.cjs');

export interface PlayedReport {
  connections?: number;
  ready?: boolean;
  assigned?: { state: string };
  /** What it was authorized by. */
  token: string | undefined;
}

export class PlayedInstance {
  attributes: Record<string, string> = {};
  /** Given to an agent whose reports do not say that it has one. */
  assignment: Assignment | null = null;
  /** Of each exchange, granted one after the other. */
  tokens: string[] = [];
  readonly reports: PlayedReport[] = [];
  readonly exchanged: string[] = [];
  url = '';
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<PlayedInstance> {
    const server = createServer();
    const played = new PlayedInstance(server);
    server.on('request', (request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'http://localhost');
      if (request.method === 'POST') {
        void json(request).then((body) => {
          const token = request.headers.authorization?.replace('Bearer ', '');
          const reply = played.#answer(pathname, body as Record<string, unknown>, token);
          response.setHeader('content-type', 'application/json').end(JSON.stringify(reply));
        });
        return;
      }
      if (pathname === '/v1/agent/vm-server.cjs') return void response.end(readFileSync(VM_SERVER_FILE));
      const value = played.attributes[pathname.split('/').at(-1) ?? ''];
      if (value === undefined || request.headers['metadata-flavor'] !== 'Google') response.writeHead(404);
      response.end(value);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    played.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return played;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #answer(pathname: string, body: Record<string, unknown>, token: string | undefined): object {
    const next = { nextReportSeconds: 1, forwarded: null, draining: false };
    if (pathname === '/v1/agent/exchange') {
      this.exchanged.push(body['secret'] as string);
      return { ...next, token: this.tokens.shift() ?? 'report-token' };
    }
    this.reports.push({ ...body, token });
    return body['assigned'] === undefined && this.assignment !== null ? { ...next, assignment: this.assignment } : next;
  }
}

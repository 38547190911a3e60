/** EC2 for the unmodified official client, on loopback: moto behind a proxy that plays what it leaves out, and plants faults. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Faults } from '../clouds/faults.ts';
import type { CloudGuests } from '../clouds/guests.ts';
import type { Moto } from './moto.ts';
import { PlayedEc2, type Forwarded } from './played-ec2.ts';
import { Ec2Error } from './query.ts';
import { makeWorld, type World } from './world.ts';

export interface Ec2ServerOptions {
  moto: Moto;
  guests?: CloudGuests;
  stepMs?: number;
  port?: number;
}

export interface ReceivedCall {
  action: string;
  params: URLSearchParams;
  status: number;
}

export interface Ec2Server {
  /** `http://127.0.0.1:PORT`. */
  endpoint: string;
  world: World;
  ec2: PlayedEc2;
  faults: Faults;
  calls: ReceivedCall[];
  countOf: (action: string) => number;
  close: () => Promise<void>;
}

const DEFAULT_STEP_MS = 30;

/** Begins with an empty account: what was made in moto before is gone. */
export async function startEc2Server({ moto, guests, stepMs, port = 0 }: Ec2ServerOptions): Promise<Ec2Server> {
  const world = await makeWorld(moto.url);
  const zones = new Map([...world.subnets].map(([zone, subnet]) => [subnet, zone]));
  const ec2 = new PlayedEc2({
    ...(guests === undefined ? {} : { guests }),
    ...{ stepMs: stepMs ?? DEFAULT_STEP_MS, zones, internet: world.internet },
    forward: (params) => forward(moto.url, world.region, params),
  });
  const faults = new Faults();
  const calls: ReceivedCall[] = [];
  const server = createServer((request, response) => void answer({ ec2, faults, calls }, request, response));
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    world,
    ec2,
    faults,
    calls,
    countOf: (action) => calls.filter((call) => call.action === action).length,
    close: async () => {
      ec2.close();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Asks moto, which reads the region in what the request is signed for. */
async function forward(url: string, region: string, params: URLSearchParams): Promise<Forwarded> {
  const scope = `Credential=played/20260101/${region}/ec2/aws4_request`;
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `AWS4-HMAC-SHA256 ${scope}, SignedHeaders=host, Signature=played` },
    body: params,
  });
  return { status: response.status, text: await response.text() };
}

async function answer(
  { ec2, faults, calls }: Pick<Ec2Server, 'ec2' | 'faults' | 'calls'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const params = new URLSearchParams(await text(request).catch(() => ''));
  const action = params.get('Action') ?? 'none';
  const call: ReceivedCall = { action, params, status: 0 };
  calls.push(call);
  const send = (status: number, body: string, headers: Readonly<Record<string, string>> = {}): void => {
    call.status = status;
    response.writeHead(status, { 'content-type': 'text/xml;charset=UTF-8', ...headers });
    response.end(body);
  };
  const fault = faults.take(action, String(params));
  try {
    if (fault?.kind === 'resetBefore') return void request.socket.destroy();
    if (fault?.kind === 'answer') {
      const { status, reason, message, headers } = fault;
      send(status, new Ec2Error(status, reason, message).body(), headers);
      return;
    }
    const made = await ec2.answer(action, params);
    if (fault?.kind === 'resetAfter') return void request.socket.destroy();
    if (fault?.kind === 'silence') return;
    send(made.status, made.text);
  } catch (error) {
    const known = error instanceof Ec2Error ? error : new Ec2Error(500, 'InternalError', `a bug: ${String(error)}`);
    send(known.status, known.body());
  }
}

/** TCP to VMs, within TLS that the gateway ends: the server name of the handshake says which port of which VM is meant. */
import type { Duplex } from 'node:stream';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { Logger } from 'pino';
import { labelOfHost, parseVmLabel } from '../../domain/gateway/vm-host-name.ts';
import type { Certificate } from '../../lib/network/http-server.ts';
import type { GatewayMeter } from '../gateway-meter.ts';
import { Refused } from '../refusal.ts';
import type { ConnectionCounts } from '../vms/connection-counts.ts';
import type { Ways } from '../vms/ways.ts';

const HANDSHAKE_MS = 10_000;
const KEEP_ALIVE_MS = 60_000;
/** A client of a database gives up after about as long. */
const WAIT_SECONDS = 60;

export interface TcpGatewayParts {
  domain: string;
  ways: Ways;
  counts: ConnectionCounts;
  maxConnections: number;
  meter: Pick<GatewayMeter, 'passes' | 'refuses'>;
  log: Pick<Logger, 'debug' | 'error'>;
}

/** A server that is to listen. It knows no links, so it is for gateways that are open to all. */
export function tcpGateway(certificate: Certificate, parts: TcpGatewayParts): Server {
  const options = { ...certificate, handshakeTimeout: HANDSHAKE_MS, allowHalfOpen: true };
  const server = createServer(options, (visitor) => {
    visitor.on('error', () => visitor.destroy());
    visitor.pause();
    void pass(visitor, parts).catch((error: unknown) => {
      const code = error instanceof Refused ? error.refusal.code : 'appUnreachable';
      parts.meter.refuses('tcp', code);
      if (error instanceof Refused) parts.log.debug({ code }, 'a connection was refused');
      else parts.log.error({ err: error }, 'a connection was not passed on');
      visitor.destroy();
    });
  });
  server.maxConnections = parts.maxConnections;
  return server;
}

async function pass(visitor: TLSSocket, { domain, ways, counts, meter }: TcpGatewayParts): Promise<void> {
  const meant = parseVmLabel(labelOfHost(serverName(visitor), domain) ?? '');
  if (meant === undefined) {
    meter.refuses('tcp', 'wrongHost');
    return void visitor.destroy();
  }
  const gone = new AbortController();
  visitor.once('close', () => gone.abort());
  const visit = { ...meant, admits: () => undefined, gone: gone.signal };
  const { vm, socket } = await ways.reach(visit, { waitSeconds: WAIT_SECONDS, wakes: true });
  try {
    const release = counts.open(vm);
    const over = meter.passes('tcp', socket);
    await join(visitor, socket).finally(() => {
      release();
      over();
    });
  } finally {
    socket.destroy();
  }
}

function serverName({ servername }: TLSSocket & { servername?: string | false | null }): string {
  return typeof servername === 'string' ? servername : '';
}

/** Each end of the stream is passed on as one; what breaks off on one side breaks off on the other. */
function join(visitor: TLSSocket, machine: Duplex): Promise<void> {
  visitor.setKeepAlive(true, KEEP_ALIVE_MS);
  return new Promise((resolve) => {
    let open = 2;
    for (const [one, other] of [
      [visitor, machine],
      [machine, visitor],
    ] as const) {
      one.on('error', () => other.destroy());
      one.once('close', () => {
        if (!one.readableEnded) other.destroy();
        open -= 1;
        if (open === 0) resolve();
      });
      one.pipe(other);
    }
  });
}

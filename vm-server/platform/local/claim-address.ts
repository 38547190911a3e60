import { createHash } from 'node:crypto';
import type { Socket } from 'node:dgram';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AGENT_LOCAL_PORT, type LocalMachineAddress } from '../../../domain/machine/local-machine.ts';
import type { PortSpec } from '../../../domain/vm/spec.ts';
import { echoDatagrams } from '../../app/echo-datagrams.ts';

const MOST_CANDIDATES = 64;

export interface ClaimedAddress {
  address: LocalMachineAddress;
  agentServer: Server;
  appServers: Server[];
  /** Of its udp ports. */
  sockets: Socket[];
}

export interface ClaimRequest {
  ports: PortSpec[];
  agentEndpoint: RequestListener;
  /** Makes a server of the app, not yet listening. */
  createAppServer: () => Server;
  /** Addresses to try in this order. */
  candidates: Iterable<string>;
  /** False: the machine takes no ports of 127.0.0.1 where this computer does not have a candidate. */
  mayShare?: boolean;
}

/** The loopback addresses that a machine tries to claim, in its own order. */
export function* addressCandidates(machineId: string): Generator<string> {
  for (let attempt = 0; attempt < MOST_CANDIDATES; attempt++) {
    const hash = createHash('sha256').update(`${machineId}${attempt}`).digest();
    yield `127.${64 + (hash.readUInt8(0) % 64)}.${hash.readUInt8(1)}.${1 + (hash.readUInt8(2) % 254)}`;
  }
}

/**
 * Claims an address by binding the agent's port on it, and binds the app's ports there. A candidate on
 * which any port is taken is left for the next one. Where the loopback range is not all there, the machine
 * shares 127.0.0.1 and gets a free port for each of its ports. Rejects when no candidate is free.
 */
export async function claimAddress(request: ClaimRequest): Promise<ClaimedAddress> {
  let taken: unknown;
  for (const ip of request.candidates) {
    try {
      return await bindAll(request, ip, (port) => port, AGENT_LOCAL_PORT);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EADDRNOTAVAIL' && request.mayShare !== false) return bindAll(request, '127.0.0.1', () => 0, 0);
      if (code !== 'EADDRINUSE' && code !== 'EADDRNOTAVAIL') throw error;
      taken = error;
    }
  }
  const ports = request.ports.map(({ port }) => port);
  throw new Error(
    `no loopback address has its ports ${[AGENT_LOCAL_PORT, ...ports].join(', ')} free: ` +
      'stop the program that listens on one of them on 0.0.0.0, or give the machine another port',
    { cause: taken },
  );
}

async function bindAll(
  { ports, agentEndpoint, createAppServer }: ClaimRequest,
  ip: string,
  portToBind: (port: number) => number,
  agentPort: number,
): Promise<ClaimedAddress> {
  const agentServer = createServer(agentEndpoint);
  const appServers: Server[] = [];
  const sockets: Socket[] = [];
  const bound: PortSpec[] = [];
  try {
    await listen(agentServer, ip, agentPort);
    for (const spec of ports) {
      if (spec.protocol === 'udp') {
        const socket = await echoDatagrams(ip, portToBind(spec.port));
        sockets.push(socket);
        bound.push({ ...spec, port: socket.address().port });
      } else {
        const server = createAppServer();
        const port = await listen(server, ip, portToBind(spec.port));
        appServers.push(server);
        bound.push({ ...spec, port });
      }
    }
  } catch (error) {
    for (const one of [agentServer, ...appServers, ...sockets]) one.close();
    throw error;
  }
  return { address: { ip, ports: bound }, agentServer, appServers, sockets };
}

/** Listens and tells the port. Rejects with the system's error. */
export function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

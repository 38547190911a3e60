/** The loopback address of a machine: QEMU itself binds the machine's ports there and forwards them to the guest. */
import { createHash } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';
import { AGENT_LOCAL_PORT } from '../../../domain/machine/local-machine.ts';
import type { MachineAddress } from '../../../domain/machine/provider.ts';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import type { PortSpec } from '../../../domain/vm/spec.ts';
import { asHostFailure } from '../../host/host-failure.ts';
import { isErrno } from '../../host/files/machine-files.ts';
import { NETWORK_ID } from './command-line.ts';
import type { QmpSession } from './qmp.ts';

const MOST_CANDIDATES = 64;
const SHARED_ADDRESS = '127.0.0.1';

/** The addresses that a machine tries, in its own order; local machines use another part of the range. */
export function* addressCandidates(machineId: string): Generator<string> {
  for (let attempt = 0; attempt < MOST_CANDIDATES; attempt++) {
    const hash = createHash('sha256').update(`${machineId}${attempt}`).digest();
    yield `127.${128 + (hash.readUInt8(0) % 64)}.${hash.readUInt8(1)}.${1 + (hash.readUInt8(2) % 254)}`;
  }
}

/**
 * Claims an address by forwarding the agent's port on it, which nobody in the guest answers, and forwards the
 * machine's ports. A candidate on which any port is taken is left for the next one. Where the loopback range is
 * not all there, the machine shares 127.0.0.1 and gets a free port for each of its ports. Called again after a
 * death in between it begins anew. Rejects with `portTaken` or `addressesExhausted`.
 */
export async function claimAddress(
  qmp: QmpSession,
  ports: PortSpec[],
  candidates: Iterable<string>,
): Promise<MachineAddress> {
  const claim: PortSpec = { name: 'claim', port: AGENT_LOCAL_PORT, protocol: 'tcp' };
  let taken: PortSpec | undefined;
  for (const ip of candidates) {
    if (!(await isOurs(ip))) return shareAddress(qmp, ports);
    const refused = await forwardAll(
      qmp,
      ip,
      [claim, ...ports].map((spec) => ({ spec, hostPort: spec.port })),
    );
    if (refused === undefined) return { ip, ports };
    if (refused !== claim) taken = refused;
  }
  if (taken === undefined) {
    throw new ProviderError('addressesExhausted', `no loopback address has port ${AGENT_LOCAL_PORT} free`);
  }
  throw new ProviderError(
    'portTaken',
    `${taken.protocol} port ${taken.port} cannot be bound on any loopback address: stop the program that ` +
      'listens on it on 0.0.0.0, or give the machine another port',
  );
}

async function shareAddress(qmp: QmpSession, ports: PortSpec[]): Promise<MachineAddress> {
  const forwards = await Promise.all(ports.map(async (spec) => ({ spec, hostPort: await freePort(SHARED_ADDRESS) })));
  if ((await forwardAll(qmp, SHARED_ADDRESS, forwards)) !== undefined) {
    throw new ProviderError('portTaken', `a free port of ${SHARED_ADDRESS} was taken by another program meanwhile`);
  }
  return { ip: SHARED_ADDRESS, ports: forwards.map(({ spec, hostPort }) => ({ ...spec, port: hostPort })) };
}

interface Forward {
  spec: PortSpec;
  hostPort: number;
}

/** The port that cannot be forwarded, and then none is; undefined when all are. */
async function forwardAll(qmp: QmpSession, ip: string, forwards: Forward[]): Promise<PortSpec | undefined> {
  const done: Forward[] = [];
  for (const forward of forwards) {
    const { spec, hostPort } = forward;
    // Left from an earlier try that did not come to its end.
    await monitor(qmp, `hostfwd_remove ${NETWORK_ID} ${spec.protocol}:${ip}:${hostPort}`);
    const refusal = await monitor(qmp, `hostfwd_add ${NETWORK_ID} ${spec.protocol}:${ip}:${hostPort}-:${spec.port}`);
    if (refusal === '') {
      done.push(forward);
      continue;
    }
    for (const one of done) {
      await monitor(qmp, `hostfwd_remove ${NETWORK_ID} ${one.spec.protocol}:${ip}:${one.hostPort}`);
    }
    return spec;
  }
  return undefined;
}

/** Forwards can be set only by QEMU's commands for people; what it prints is empty when all went well. */
async function monitor(qmp: QmpSession, command: string): Promise<string> {
  const answer = await qmp.execute('human-monitor-command', { 'command-line': command });
  return typeof answer === 'string' ? answer.trim() : '';
}

/** Whether this computer takes connections on the address at all. */
async function isOurs(ip: string): Promise<boolean> {
  return freePort(ip).then(
    () => true,
    (error: unknown) => {
      if (isErrno(error, 'EADDRNOTAVAIL')) return false;
      throw asHostFailure(error);
    },
  );
}

function freePort(ip: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, ip, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

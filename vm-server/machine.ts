import { join } from 'node:path';
import { LOCAL_MACHINE_FILE, type LocalMachineOrder } from '../domain/local-machine.ts';
import type { PortSpec } from '../domain/vm-spec.ts';
import { openHttpLink } from './agent/http-link.ts';
import { localEndpoint } from './agent/local-endpoint.ts';
import { takeSecret } from './agent/one-time-secret.ts';
import { reportSequence } from './agent/report-sequence.ts';
import { openSocketLink, type LinkParts } from './agent/socket-link.ts';
import { createChatApp } from './chat-app.ts';
import { addressCandidates, claimAddress } from './claim-address.ts';
import { createLog } from './log.ts';
import { claimLife, isDestroyed, readOrder, writeAddress } from './machine-directory.ts';
import { endGroupAtExit } from './process-group.ts';

/**
 * Is the local machine of a directory (see domain/local-machine.ts), until it is told to end. Returns at once
 * when another process is this machine, or when it was destroyed. Throws when it cannot be set up.
 */
export async function runMachine(dir: string): Promise<void> {
  process.umask(0o077);
  const order = readOrder(dir);
  if (!claimLife(dir) || isDestroyed(order)) return;
  const log = createLog(join(dir, LOCAL_MACHINE_FILE.console));
  Object.assign(process.env, order.env);

  const { awaitsAssignment = false } = order;
  if (awaitsAssignment) endGroupAtExit();
  const { chat, usage, app, assignee } = createChatApp({ log, awaitsAssignment });

  const { address } = await claimAddress({
    ports: order.ports,
    agentEndpoint: localEndpoint({ usage, isDraining: () => chat.draining, takeCount: null }),
    createAppServer: () => chat.createServer(),
    candidates: addressCandidates(order.labels.machineId),
  });
  writeAddress(dir, address);
  usage.setConnections(chat.count);
  usage.setReady(true);
  await openLink(dir, order.link, { usage, app, assignee, nextSequence: reportSequence(), log });
  log('This is a process on a loopback address, not a virtual machine: nothing enforces its cpus and memoryMb.');
  log(`Machine ${order.labels.machineId} serves on ${address.ip}, ${portList(address.ports)}.`);
}

async function openLink(dir: string, link: LocalMachineOrder['link'], parts: LinkParts): Promise<void> {
  if (link.kind === 'unix') {
    await openSocketLink(link.socketPath, parts);
  } else {
    const secret = takeSecret(join(dir, LOCAL_MACHINE_FILE.agentSecret));
    const proof = { token: null, secret: () => Promise.resolve(secret) };
    openHttpLink({ ...parts, apiUrl: link.apiUrl, apiCa: link.apiCa, proof });
  }
}

function portList(ports: PortSpec[]): string {
  return ports.map(({ name, port }) => `${name} ${port}`).join(', ') || 'no ports';
}

import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { LOCAL_MACHINE_FILE, type LocalManifest } from '../../../domain/machine/local-machine.ts';
import { openHttpLink } from '../../agent/link/http-link.ts';
import { localEndpoint } from '../../agent/counting/local-endpoint.ts';
import { takeSecret } from '../../agent/link/one-time-secret.ts';
import { reportSequence } from '../../agent/link/report-sequence.ts';
import { openSocketLink, type LinkParts } from '../../agent/link/socket-link.ts';
import type { StreamPlace } from '../../agent/streams/stream-place.ts';
import { createChatApp } from '../../app/chat-app.ts';
import { portList } from '../port-list.ts';
import { addressCandidates, claimAddress, type ClaimedAddress, type ClaimRequest } from './claim-address.ts';
import { createLog, type Log } from '../../log.ts';
import { claimLife, isDestroyed, readManifest, writeAddress } from './machine-directory.ts';
import { addressRanges, addressesInOrder } from '../../../domain/network/address-range.ts';
import { endGroupAtExit } from '../../process-group.ts';
import { placeHolder, setUpProgramMachine, type SetUpMachine } from './program-machine.ts';

/**
 * Is the local machine of a directory (see domain/machine/local-machine.ts), until it is told to end. Returns at once
 * when another process is this machine, or when it was destroyed. Throws when it cannot be set up.
 */
export async function runMachine(dir: string): Promise<void> {
  process.umask(0o077);
  const manifest = readManifest(dir);
  if (!claimLife(dir) || isDestroyed(manifest)) return;
  const log = createLog(join(dir, LOCAL_MACHINE_FILE.console));
  const dataDir = join(dir, LOCAL_MACHINE_FILE.data);
  mkdirSync(dataDir, { recursive: true });
  Object.assign(process.env, { EPHEMERA_DATA_DIR: dataDir }, manifest.env);

  const claim = (parts: ClaimParts): Promise<ClaimedAddress> => claimAddress({ ...parts, ...claimRange(manifest) });
  const { program } = manifest;
  const { address, forwards, ...parts } =
    program === undefined
      ? await setUpChat(manifest, claim, log)
      : await setUpProgramMachine({
          ...{ dir, manifest: { ...manifest, program }, log },
          claim: (agent) => claim({ agentEndpoint: localEndpoint(agent), createAppServer: placeHolder }),
        });
  writeAddress(dir, address);
  // It has no loopback of its own: its ports are those of its address, its files those of its directory.
  const place: StreamPlace = { addresses: [address.ip], directory: dataDir, filesRoot: dataDir, forwards };
  await openLink(dir, manifest.link, { ...parts, place, nextSequence: reportSequence(), log });
  log('This is a process of its host, not a virtual machine: nothing enforces its cpus and memoryMb.');
  log(`Machine ${manifest.labels.machineId} serves on ${address.ip}, ${portList(address.ports)}.`);
}

type ClaimParts = Pick<ClaimRequest, 'agentEndpoint' | 'createAppServer'>;

function claimRange({ ports, labels, addresses }: LocalManifest): Omit<ClaimRequest, keyof ClaimParts> {
  if (addresses === undefined) return { ports, candidates: addressCandidates(labels.machineId), mayShare: true };
  return { ports, candidates: addressesInOrder(addressRanges(addresses), labels.machineId), mayShare: false };
}

/** Sets up a machine that is the sample chat. */
async function setUpChat(
  { awaitsAssignment = false }: LocalManifest,
  claim: (parts: ClaimParts) => Promise<ClaimedAddress>,
  log: Log,
): Promise<SetUpMachine> {
  if (awaitsAssignment) endGroupAtExit();
  const { chat, usage, app, assignee } = createChatApp({ log, awaitsAssignment });
  const { address } = await claim({
    agentEndpoint: localEndpoint({ usage, isDraining: () => chat.draining, takeCount: null }),
    createAppServer: () => chat.createServer(),
  });
  usage.setConnections(chat.count);
  usage.setReady(true);
  return { address, usage, app, assignee, forwards: new Set() };
}

async function openLink(dir: string, link: LocalManifest['link'], parts: LinkParts): Promise<void> {
  if (link.kind === 'unix') {
    await openSocketLink(link.socketPath, parts);
  } else {
    const file = join(dir, LOCAL_MACHINE_FILE.agentSecret);
    let secret = takeSecret(file);
    // A machine that waited gets another one with its VM.
    const prove = (): string => (secret = existsSync(file) ? takeSecret(file) : secret);
    const proof = { token: null, secret: () => Promise.resolve().then(prove) };
    openHttpLink({ ...parts, apiUrl: link.apiUrl, apiCa: link.apiCa, proof });
  }
}

/**
 * Brings a guest's QEMU up. Sequence, so that a death between any two steps leaves nothing unowned: the manifest
 * is written once, then the process starts and locks its id, then, with QEMU's control socket as the lock, the
 * address is claimed, the guest begins to run and the address is written down. Who finds it half done goes on.
 */
import type { ChildProcess } from 'node:child_process';
import { chown, open } from 'node:fs/promises';
import { join } from 'node:path';
import { plainConsoleText } from '../../../domain/machine/console-text.ts';
import type { CancelSignal } from '../../../domain/machine/provider.ts';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import type { Network } from '../../../domain/network/ipv4.ts';
import { bringUp, type BringUp } from '../../host/bring-up.ts';
import { unclaimedAddresses } from '../../host/host-addresses.ts';
import { isErrno, readAddress, readTail } from '../../host/files/machine-files.ts';
import type { StartedProcesses } from '../../host/processes/started-processes.ts';
import { addressCandidates, claimAddress } from './claim-address.ts';
import { qemuArguments } from './command-line.ts';
import { noteOnConsole } from './guest-watch.ts';
import type { Hypervisor } from '../hypervisor.ts';
import type { QemuImage } from '../image/image-files.ts';
import { prepareNetwork, type NetworkLaunch } from '../network/guest-network.ts';
import { addressOfUplink, failureOfUplink } from '../network/uplink-state.ts';
import { launch } from './launch.ts';
import { diskPath, makeDisk, mostBytesOf, requireOwnDisk } from './machine-disk.ts';
import {
  QEMU_MACHINE_FILE,
  isOfOwnImage,
  readBootTry,
  replaceJson,
  socketsOf,
  type QemuManifest,
} from './machine-manifest.ts';
import { withQmp, type QmpSession } from './qmp.ts';
import { writeSeedVolume } from './seed-volume.ts';

/** How long QEMU may take until it has its address; the guest's boot is not part of it. */
const START_TIMEOUT_MS = 60_000;
const LOG_TAIL_BYTES = 1000;
/** Each that is taken costs a start of a program. */
const MOST_UPLINK_ADDRESSES = 16;

export interface StartInput extends Pick<BringUp, 'machineId' | 'dir' | 'first' | 'isDestroyed'> {
  manifest: QemuManifest;
  image: QemuImage;
  hypervisor: Hypervisor;
  /** Ranges of the host; empty: the machine gets a loopback address. */
  addresses: readonly string[];
  /** See guestFilter. */
  egressNetworks: readonly Network[];
  /** See NetworkLaunch. */
  uplinkTries: number;
  tombstonePath: string;
  started: StartedProcesses;
  /** The console's hard limit. */
  consoleHardLimitBytes: number;
}

/** Resolves when the machine runs and its address is known. Errors: `machineEnded`, `bootFailed`, retryable ones. */
export async function startMachine(input: StartInput, signal: CancelSignal): Promise<void> {
  const { machineId, dir, first, isDestroyed } = input;
  const begunAt = Date.now();
  const failure = async (code: 'bootFailed' | 'backendUnavailable', what: string): Promise<ProviderError> =>
    new ProviderError(code, `${what}: ${await log(dir)}`);
  await bringUp(
    {
      ...{ machineId, dir, first, isDestroyed },
      timeoutMs: START_TIMEOUT_MS,
      launch: () => launchQemu(input),
      settle: () => settle(input, begunAt),
      whyEnded: () => hungBoot(input),
      whyNotStarted: async () =>
        (await failureOfUplink(dir)) ?? (await failure('bootFailed', 'QEMU ended while it was starting')),
      whyNoAddress: () => failure('backendUnavailable', `QEMU of ${machineId} does not answer; its log ends`),
    },
    signal,
  );
}

async function launchQemu(input: StartInput): Promise<ChildProcess> {
  const { machineId, dir, manifest, image, hypervisor, tombstonePath, started } = input;
  const asRoot = process.getuid?.() === 0;
  if (manifest.disk !== null) {
    await makeDisk(dir, manifest.disk);
    await requireOwnDisk(dir, manifest.disk);
  }
  if (isOfOwnImage(manifest)) {
    await writeSeedVolume(dir, { ...manifest.labels, userData: manifest.userData });
  }
  const consolePath = join(dir, QEMU_MACHINE_FILE.console);
  await (await open(consolePath, 'a', 0o600)).close();
  if (asRoot)
    await giveToGuest(manifest, [consolePath, ...(manifest.disk === null ? [] : [diskPath(dir, manifest.disk)])]);
  const diskBytes = manifest.disk === null ? 0 : mostBytesOf(manifest.disk);
  return launch({
    machineId,
    dir,
    tombstonePath,
    fileLimitBytes: Math.max(input.consoleHardLimitBytes, diskBytes),
    command: [hypervisor.path, ...qemuArguments({ dir, manifest, image, hypervisor, asRoot })],
    network: await networkOf(input),
    started,
  });
}

async function networkOf(input: StartInput): Promise<NetworkLaunch | null> {
  const { dir, manifest } = input;
  const { network, egress = false, ports, uid } = manifest;
  if (network !== 'namespace') return null;
  const addresses = (await candidatesOf(input)).slice(0, MOST_UPLINK_ADDRESSES);
  return prepareNetwork({
    dir,
    egress,
    ports,
    addresses,
    guestUid: uid,
    egressNetworks: input.egressNetworks,
    uplinkTries: input.uplinkTries,
  });
}

async function candidatesOf({ machineId, addresses }: Pick<StartInput, 'machineId' | 'addresses'>): Promise<string[]> {
  return addresses.length === 0 ? [...addressCandidates(machineId)] : unclaimedAddresses(addresses, machineId);
}

/**
 * What a guest writes belongs to its user. Its directory does not, which is shut to that user: QEMU opens its files before
 * it leaves root, and what breaks out later reaches none of them by name.
 */
async function giveToGuest({ uid }: QemuManifest, paths: readonly string[]): Promise<void> {
  if (uid === undefined) return;
  for (const path of paths) await chown(path, uid, uid);
}

/** Gives the machine its address and lets the guest run, unless another caller did so meanwhile. */
async function settle(input: StartInput, begunAt: number): Promise<void> {
  const { dir, manifest } = input;
  const ip = manifest.network === 'namespace' ? await addressOfUplink(dir, begunAt) : undefined;
  // Its QEMU comes after its network.
  if (manifest.network === 'namespace' && ip === undefined) return;
  try {
    await withQmp(socketsOf(dir).qmp, async (qmp) => {
      if ((await readAddress(dir)) !== undefined) return;
      const { ports } = manifest;
      const address = ip === undefined ? await claimAddress(qmp, ports, await candidatesOf(input)) : { ip, ports };
      await beginBoot(dir, manifest, qmp);
      await replaceJson(dir, QEMU_MACHINE_FILE.address, address);
    });
  } catch (error) {
    // QEMU has not come so far yet, other callers wait for it, or it ended: the next look tells which.
    const notThere = ['ENOENT', 'ECONNREFUSED', 'EAGAIN', 'ECONNRESET', 'EPIPE'].some((code) => isErrno(error, code));
    const closed = error instanceof ProviderError && error.code === 'backendUnavailable';
    if (!notThere && !closed) throw error;
  }
}

async function beginBoot(dir: string, manifest: QemuManifest, qmp: QmpSession): Promise<void> {
  if ((await readBootTry(dir)) === undefined) {
    await replaceJson(dir, QEMU_MACHINE_FILE.boot, { number: 1, startedAt: Date.now() });
    const by = manifest.accelerator.kind === 'kvm' ? 'with KVM' : 'by software emulation';
    await noteOnConsole(dir, `this virtual machine boots ${by}, ${manifest.cpus} cpus, ${manifest.memoryMb} MB`);
  }
  await qmp.execute('cont');
}

/** The last lines that QEMU itself said, for an error that explains itself. */
async function log(dir: string): Promise<string> {
  const tail = await readTail(join(dir, QEMU_MACHINE_FILE.log), LOG_TAIL_BYTES);
  const text = plainConsoleText(new TextDecoder().decode(tail)).trim();
  return text === '' ? '(it said nothing)' : text;
}

async function hungBoot({ machineId, dir }: StartInput): Promise<ProviderError | undefined> {
  const boot = await readBootTry(dir);
  if (boot?.hung !== true) return undefined;
  return new ProviderError('bootHung', `none of the ${boot.number} boots of ${machineId} reached its agent`);
}

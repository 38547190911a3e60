import { availableParallelism, totalmem } from 'node:os';
import { lstat, mkdir, readdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Settings } from '../../config/settings.ts';
import type { MachineProvider } from '../../domain/machine/provider.ts';
import type { RoomSize } from '../../domain/capacity/room.ts';
import { descriptorOf } from '../../providers/lookup.ts';
import { unlessAbsent } from '../../lib/files/absent.ts';
import { HostRoom } from './host-room.ts';

const MB = 1024 ** 2;
const GB = 1024 ** 3;
/** By anybody. */
const WRITABLE = 0o222;

/** Idle machines need little, so more virtual cpus are given out than there are. */
const CPUS_FOR_EACH_CORE = 4;
/** For the system, Temporal, this worker and what a hypervisor needs besides the memory of its guest. */
const RESERVE = { memoryMb: 1024, memoryShare: 1 / 8, diskGb: 5 } as const;

/** Guests take what they are given; stand-ins share their host like any process, unless a limit was set. */
export function takesRoom(provider: string, { host }: { host: Limits }): boolean {
  const { hostRoom } = descriptorOf(provider);
  const isLimited = [host.cpus, host.memoryMb, host.diskGb].some((limit) => limit !== null);
  return hostRoom === 'always' || (hostRoom === 'whenLimited' && isLimited);
}

type Limits = Pick<Settings['host'], 'cpus' | 'memoryMb' | 'diskGb'>;

/** One room for all providers whose machines live on this host. */
export async function createHostRoom(
  settings: Pick<Settings, 'host' | 'stateDir'>,
  providers: readonly MachineProvider[],
  log: Logger,
): Promise<HostRoom> {
  const total = await hostCapacity(settings);
  log.info({ ...total }, 'this host gives room to machines');
  return new HostRoom({ total, providers, log });
}

/** What this host gives to machines: what was set, else what is measured now. */
export async function hostCapacity({ host, stateDir }: Pick<Settings, 'host' | 'stateDir'>): Promise<RoomSize> {
  return {
    cpus: host.cpus ?? availableParallelism() * CPUS_FOR_EACH_CORE,
    memoryMb: host.memoryMb ?? memoryFor(Math.floor(totalmem() / MB)),
    diskGb: host.diskGb ?? (await diskFor(stateDir)),
  };
}

/** Memory for machines out of `totalMb`. */
export function memoryFor(totalMb: number): number {
  return Math.max(0, totalMb - Math.max(RESERVE.memoryMb, Math.ceil(totalMb * RESERVE.memoryShare)));
}

/** What machines of an earlier worker have written, and images of them, is counted as theirs, so here it is free. */
async function diskFor(stateDir: string): Promise<number> {
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const { bavail, bsize } = await statfs(stateDir);
  const bytes = bavail * bsize + (await bytesOfMachinesAndImages(stateDir));
  return Math.max(0, Math.floor(bytes / GB) - RESERVE.diskGb);
}

/**
 * A machine that ends meanwhile takes its files along; what cannot be read is an error, not an empty directory. A file that
 * nobody writes is what disks lie over: it is no part of what its machine may take, and may be that of many.
 */
async function bytesIn(folder: string, alsoReadOnly: boolean): Promise<number> {
  let bytes = 0;
  for (const name of (await unlessAbsent(readdir(folder))) ?? []) {
    const path = join(folder, name);
    const entry = await unlessAbsent(lstat(path));
    if (entry === undefined) continue;
    if (!alsoReadOnly && entry.isFile() && (entry.mode & WRITABLE) === 0) continue;
    bytes += entry.blocks * 512 + (entry.isDirectory() ? await bytesIn(path, alsoReadOnly) : 0);
  }
  return bytes;
}

async function bytesOfMachinesAndImages(stateDir: string): Promise<number> {
  let bytes = 0;
  for (const folder of ['machines', 'machines-qemu']) bytes += await bytesIn(join(stateDir, folder), false);
  for (const folder of ['machine-images', 'machines-qemu-images']) bytes += await bytesIn(join(stateDir, folder), true);
  return bytes;
}

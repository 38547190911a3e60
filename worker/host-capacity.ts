import { availableParallelism, totalmem } from 'node:os';
import { mkdir, readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Settings } from '../config/settings.ts';
import type { MachineProvider } from '../domain/machine-provider.ts';
import type { RoomSize } from '../domain/room.ts';
import { HostRoom } from './host-room.ts';

const MB = 1024 ** 2;
const GB = 1024 ** 3;

/** Idle machines need little, so more virtual cpus are given out than there are. */
const CPUS_FOR_EACH_CORE = 4;
/** For the system, Temporal, this worker and what a hypervisor needs besides the memory of its guest. */
const RESERVE = { memoryMb: 1024, memoryShare: 1 / 8, diskGb: 5 } as const;

/** Guests take what they are given; stand-ins share their host like any process, unless a limit was set. */
export function takesRoom(provider: string, { host }: Pick<Settings, 'host'>): boolean {
  return provider === 'qemu' || (provider === 'local' && Object.values(host).some((limit) => limit !== null));
}

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

/** What machines of an earlier worker have written is theirs already, so it counts as free. */
async function diskFor(stateDir: string): Promise<number> {
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const { bavail, bsize } = await statfs(stateDir);
  const bytes = bavail * bsize + (await bytesOfMachines(stateDir));
  return Math.max(0, Math.floor(bytes / GB) - RESERVE.diskGb);
}

async function bytesOfMachines(stateDir: string): Promise<number> {
  let bytes = 0;
  for (const folder of ['machines', 'machines-qemu']) {
    const names = await readdir(join(stateDir, folder), { recursive: true }).catch(() => []);
    for (const name of names) {
      // A machine that ends meanwhile takes its files along.
      bytes += await stat(join(stateDir, folder, name)).then(
        ({ blocks }) => blocks * 512,
        () => 0,
      );
    }
  }
  return bytes;
}

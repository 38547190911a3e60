/** The QEMU of a guest as its host sees it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface HypervisorProcess {
  pid: number;
  /** The machine's directory. */
  dir: string;
}

/** What a process takes of its host's memory, in MB of 1024² bytes. */
export interface MemoryMb {
  resident: number;
  /** Pages that processes share count by their share of them. */
  proportional: number;
  /** Pages that no other process has. */
  own: number;
}

export async function hypervisorOf(stateDir: string, machineId: string): Promise<HypervisorProcess> {
  const dir = join(stateDir, 'machines-qemu', machineId);
  const { pid } = JSON.parse(await readFile(join(dir, 'process.json'), 'utf8')) as { pid: number };
  return { pid, dir };
}

export async function memoryMbOf({ pid }: HypervisorProcess): Promise<MemoryMb> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  const mb = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) / 1024;
  return { resident: mb('Rss'), proportional: mb('Pss'), own: mb('Private_Clean') + mb('Private_Dirty') };
}

/** What the processes of a soak hold at one moment, read from /proc. */
import { readdir } from 'node:fs/promises';
import { loadavg } from 'node:os';
import type { Stack } from '../stack.ts';
import { textOf } from '../temporal-server.ts';

/** What one process holds. */
export interface ProcessSample {
  rssMb: number;
  /** JavaScript heap of all its threads after their latest garbage collection; null where nothing said so yet. */
  heapMb: number | null;
  openFiles: number;
  threads: number;
  /** Child processes, dead ones that nobody took note of included; machines are not among them. */
  children: number;
}

export interface SoakSample {
  /** Since the measurement began. */
  atSeconds: number;
  /** Of the last minute, by all that the computer does. */
  load: number;
  livesEnded: number;
  worker: ProcessSample;
  api: ProcessSample;
  temporal: ProcessSample;
  /** The machine of a VM that is used all the time. */
  resident: ProcessSample;
  machineProcesses: number;
  machineDirectories: number;
  liveVms: number;
}

const PAGE_KIB = 4;
const MEGABYTE = 2 ** 20;

interface HeapLine {
  pid: number;
  threadId: number;
  heapBytes: number;
}

interface RunningProcess {
  pid: number;
  parent: number;
  command: string;
}

/** Every process of this computer. */
async function allProcesses(): Promise<RunningProcess[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = pids.map(async (pid) => {
    const [status, command] = await Promise.all([textOf(`/proc/${pid}/stat`), textOf(`/proc/${pid}/cmdline`)]);
    const parent = Number(status.slice(status.lastIndexOf(')') + 1).split(' ')[2]);
    return { pid: Number(pid), parent, command: command.replaceAll('\0', ' ').trim() };
  });
  return Promise.all(found);
}

/** A machine's command line names its directory; the stack's own processes name it nowhere. */
function machinesAmong(processes: readonly RunningProcess[], { stateDir }: Pick<Stack, 'stateDir'>): RunningProcess[] {
  return processes.filter(({ command }) => command.includes(stateDir));
}

export interface Sampled {
  stack: Stack;
  temporalPid: number | undefined;
  residentMachine: string;
  /** Written by collect-garbage.mjs. */
  heapFile: string;
}

/** Everything that /proc and the state directory tell. */
export async function sampleOf({
  stack,
  temporalPid,
  residentMachine,
  heapFile,
}: Sampled): Promise<Omit<SoakSample, 'atSeconds' | 'livesEnded' | 'liveVms'>> {
  const processes = await allProcesses();
  const machines = machinesAmong(processes, stack);
  const machinePids = new Set(machines.map(({ pid }) => pid));
  const childrenOf = (parentPid: number | undefined): number =>
    processes.filter(({ pid, parent }) => parent === parentPid && !machinePids.has(pid)).length;
  const heaps = heapsIn(await textOf(heapFile));
  const sample = async (pid: number | undefined): Promise<ProcessSample> => ({
    ...(await processSample(pid)),
    heapMb: heaps.get(pid) ?? null,
    children: childrenOf(pid),
  });
  return {
    load: rounded(loadavg()[0] ?? 0),
    worker: await sample(stack.worker.pid()),
    api: await sample(stack.apis[0]?.pid()),
    temporal: await sample(temporalPid),
    resident: await sample(machines.find(({ command }) => command.includes(residentMachine))?.pid),
    machineProcesses: machines.length,
    machineDirectories: (await stack.machines()).length,
  };
}

async function processSample(pid: number | undefined): Promise<Pick<ProcessSample, 'rssMb' | 'openFiles' | 'threads'>> {
  if (pid === undefined) throw new Error('a process of the soak has ended');
  const [memory, files, threads] = await Promise.all([
    textOf(`/proc/${pid}/statm`),
    readdir(`/proc/${pid}/fd`),
    readdir(`/proc/${pid}/task`),
  ]);
  const rssPages = Number(memory.split(' ')[1]);
  return { rssMb: rounded((rssPages * PAGE_KIB) / 1024), openFiles: files.length, threads: threads.length };
}

/** The latest heaps of each process, in MB: the sum of its threads. */
function heapsIn(lines: string): Map<number | undefined, number> {
  const latest = new Map<string, HeapLine>();
  for (const line of lines.split('\n').slice(0, -1)) {
    const heap = JSON.parse(line) as HeapLine;
    latest.set(`${heap.pid} ${heap.threadId}`, heap);
  }
  const sums = new Map<number | undefined, number>();
  for (const { pid, heapBytes } of latest.values()) {
    sums.set(pid, rounded((sums.get(pid) ?? 0) + heapBytes / MEGABYTE));
  }
  return sums;
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

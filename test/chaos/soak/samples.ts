/** What the processes of a soak hold at one moment, read from /proc. */
import { readdir } from 'node:fs/promises';
import { loadavg } from 'node:os';
import type { Stack } from '../../stack.ts';
import { textOf } from '../../temporal-server.ts';

/** What one process holds. */
export interface ProcessSample {
  rssMb: number;
  /** JavaScript heap in use, live or not yet collected; null where the process does not say. */
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
  /** Where API and worker show their metrics. */
  metricsUrls: { worker: string; api: string };
}

/** Everything that /proc and the state directory tell. */
export async function sampleOf({
  stack,
  temporalPid,
  residentMachine,
  metricsUrls,
}: Sampled): Promise<Omit<SoakSample, 'atSeconds' | 'livesEnded' | 'liveVms'>> {
  const processes = await allProcesses();
  const machines = machinesAmong(processes, stack);
  const machinePids = new Set(machines.map(({ pid }) => pid));
  const childrenOf = (parentPid: number | undefined): number =>
    processes.filter(({ pid, parent }) => parent === parentPid && !machinePids.has(pid)).length;
  const sample = async (pid: number | undefined, metricsUrl?: string): Promise<ProcessSample> => ({
    ...(await processSample(pid)),
    heapMb: metricsUrl === undefined ? null : await heapMb(metricsUrl),
    children: childrenOf(pid),
  });
  return {
    load: rounded(loadavg()[0] ?? 0),
    worker: await sample(stack.worker.pid(), metricsUrls.worker),
    api: await sample(stack.apis[0]?.pid(), metricsUrls.api),
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

async function heapMb(metricsUrl: string): Promise<number | null> {
  const text = await fetch(metricsUrl).then((answer) => answer.text());
  const bytes = /^nodejs_heap_size_used_bytes (\S+)$/m.exec(text)?.[1];
  return bytes === undefined ? null : rounded(Number(bytes) / MEGABYTE);
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

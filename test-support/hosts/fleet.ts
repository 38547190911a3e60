/** Several hosts of one deployment on this computer: each with its own state directory, id, processes and network to Temporal. */
import { fileURLToPath } from 'node:url';
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { LOCAL_MACHINE_FILE } from '../../domain/machine/local-machine.ts';
import { part, startStack, type Part, type Stack, type StackOptions } from '../stack.ts';
import { textOf, type TestServer } from '../temporal-server.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

export interface FleetHost {
  id: string;
  stateDir: string;
  worker: Part;
  /** Between its worker and Temporal. */
  network: TcpProxy;
  /** SIGSTOP and SIGCONT of the worker; its machines and its fence go on. */
  pause: () => void;
  resume: () => void;
  /** SIGSTOP and SIGCONT of everything that runs on it. */
  freeze: () => Promise<() => void>;
  /** kill -9 of everything that runs on it: worker, fence and machines. */
  cutPower: () => Promise<void>;
  machines: () => Promise<FleetMachine[]>;
  /** Pids of all its processes. */
  processes: () => Promise<number[]>;
  log: () => Promise<string>;
}

/** A machine by its directory on a host, dead or alive. */
export interface FleetMachine {
  machineId: string;
  vm: string;
  /** Null before it has one. */
  address: { ip: string; port: number } | null;
}

export interface Fleet {
  stack: Stack;
  hosts: FleetHost[];
  /** A host of the same id on what stands for another computer: a state directory of its own. It does not run yet. */
  elsewhere: (host: FleetHost) => Promise<FleetHost>;
  logs: () => Promise<string>;
  stop: () => Promise<void>;
}

export interface FleetOptions extends Omit<StackOptions, 'worker'> {
  server: TestServer;
  hosts: number;
  /** More of the environment of one host. */
  hostEnv?: (index: number) => Record<string, string>;
  /** Where a host keeps its machines; a temporary directory of its own by default. */
  stateDirOf?: (index: number) => Promise<string>;
}

/** The environment of a process whose wall clock is off by so much. */
export function shiftedClock(ms: number): Record<string, string> {
  const preload = fileURLToPath(new URL('./shifted-clock.mjs', import.meta.url));
  return { NODE_OPTIONS: `--import=${preload}`, TEST_CLOCK_SHIFT_MS: `${ms}` };
}

export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const { hosts: count, hostEnv, stateDirOf, workerScript = 'worker/main.ts', ...ofStack } = options;
  const stack = await startStack({
    controlWorkers: 1,
    ...ofStack,
    worker: false,
    env: { EPHEMERA_SECRET_KEY: randomBytes(32).toString('base64'), ...options.env },
  });
  const hosts: FleetHost[] = [];
  const stop = async (): Promise<void> => {
    for (const host of hosts) await end(host);
    await stack.stop();
  };
  const logs = async (): Promise<string> => {
    const ofHosts = hosts.map(async ({ id, log }) => `--- ${id}\n${(await log()).slice(-4000)}`);
    return [await stack.logs(), ...(await Promise.all(ofHosts))].join('\n');
  };
  try {
    for (let index = 0; index < count; index += 1) {
      const stateDir = (await stateDirOf?.(index)) ?? (await mkdtemp(join(tmpdir(), 'eph-')));
      const env = hostEnv?.(index) ?? {};
      hosts.push(await hostOf(stack, options.server, { index, stateDir, env, workerScript }));
    }
    await Promise.all(hosts.map(({ worker }) => worker.start()));
  } catch (error) {
    await stop();
    throw error;
  }
  const elsewhere = async ({ id }: FleetHost): Promise<FleetHost> => {
    const index = Number(id.split('-')[1]);
    const stateDir = await mkdtemp(join(tmpdir(), 'eph-'));
    const env = hostEnv?.(index) ?? {};
    const moved = await hostOf(stack, options.server, { index, stateDir, env, workerScript });
    hosts.push(moved);
    return moved;
  };
  return { stack, hosts, elsewhere, logs, stop };
}

interface HostChoice {
  index: number;
  stateDir: string;
  env: Record<string, string>;
  workerScript: string;
}

async function hostOf(
  stack: Stack,
  server: TestServer,
  { index, stateDir, env, workerScript }: HostChoice,
): Promise<FleetHost> {
  const id = `host-${index}`;
  const network = await startTcpProxy(server.address);
  const logFile = join(stack.stateDir, `${basename(stateDir)}.log`);
  const own = {
    ...{ EPHEMERA_STATE_DIR: stateDir, EPHEMERA_HOST_ID: id, EPHEMERA_WORKER_ROLES: 'host' },
    ...{ EPHEMERA_INTERNAL_PORT: '0', TEMPORAL_ADDRESS: network.address },
  };
  const worker = part(workerScript, { ...stack.env, ...own, ...env }, logFile, () => takesCreates(logFile));
  const signal = (name: NodeJS.Signals): void => {
    const pid = worker.pid();
    if (pid !== undefined) process.kill(pid, name);
  };
  return {
    ...{ id, stateDir, worker, network },
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    freeze: async () => {
      const pids = new Set<number>();
      // Until no process is left that started meanwhile.
      const moving = async (): Promise<number[]> => (await processesIn(stateDir)).filter((pid) => !pids.has(pid));
      for (let found = await moving(); found.length > 0; found = await moving()) {
        for (const pid of found) {
          pids.add(pid);
          signalIfThere(pid, 'SIGSTOP');
        }
      }
      return () => pids.forEach((pid) => signalIfThere(pid, 'SIGCONT'));
    },
    cutPower: async () => {
      // The worker first, so that it starts nothing while the others end.
      await worker.kill();
      await killAll(stateDir);
    },
    machines: () => machinesIn(stateDir),
    processes: () => processesIn(stateDir),
    log: () => textOf(logFile),
  };
}

async function end({ worker, network, stateDir }: FleetHost): Promise<void> {
  await worker.kill();
  await killAll(stateDir);
  await network.stop();
  await rm(stateDir, { recursive: true, force: true }).catch(() => undefined);
}

/** A host says so each time that it has a lease; a start that comes back has said it once more than it began. */
async function takesCreates(logFile: string): Promise<void> {
  const times = async (): Promise<number> => (await textOf(logFile)).split(/this host takes creates/).length;
  const before = await times();
  const deadline = Date.now() + 60_000;
  while ((await times()) === before) {
    if (Date.now() > deadline) throw new Error(`the host has no lease:\n${await textOf(logFile)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function killAll(stateDir: string): Promise<void> {
  for (let left = await processesIn(stateDir); left.length > 0; left = await processesIn(stateDir)) {
    for (const pid of left) signalIfThere(pid, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended meanwhile.
  }
}

/** What works in a state directory says so in its command line or its environment, or was started in it, as fences are. */
async function processesIn(stateDir: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = pids.map(async (pid) => {
    const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '');
    const texts = [await textOf(`/proc/${pid}/cmdline`), await textOf(`/proc/${pid}/environ`), cwd];
    const isZombie = texts[0] === '';
    return !isZombie && texts.some((text) => text.includes(stateDir)) ? [Number(pid)] : [];
  });
  return (await Promise.all(found)).flat();
}

async function machinesIn(stateDir: string): Promise<FleetMachine[]> {
  const folder = join(stateDir, 'machines');
  const ids = (await readdir(folder).catch(() => [])).filter((name) => name.startsWith('m-'));
  const machines = ids.map(async (machineId) => {
    const manifest = await jsonOf<{ labels: Record<string, string> }>(
      join(folder, machineId, LOCAL_MACHINE_FILE.manifest),
    );
    const address = await jsonOf<{ ip: string; ports: { port: number }[] }>(
      join(folder, machineId, LOCAL_MACHINE_FILE.address),
    );
    if (manifest === undefined) return [];
    const { owner, vm } = manifest.labels;
    const at = address?.ports[0] === undefined ? null : { ip: address.ip, port: address.ports[0].port };
    return [{ machineId, vm: owner ?? vm ?? machineId, address: at }];
  });
  return (await Promise.all(machines)).flat();
}

async function jsonOf<Value>(path: string): Promise<Value | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Value;
  } catch {
    return undefined;
  }
}

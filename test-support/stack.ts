/** The real processes of Ephemera for tests: worker and API replicas that can be killed and started again. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TIMEOUTS } from '../domain/timeouts.ts';
import type { TimelineEntryView, VmView } from '../domain/vm/view.ts';
import { buildScript } from '../commands/start/build-programs.ts';
import { buildVmServer } from '../commands/start/build-vm-server.ts';
import { ApiCalls, type ShownVm } from './api/api-calls.ts';
import { plainRequest } from './api/plain-request.ts';
import { freePort } from './free-port.ts';
import { TEST_NAMESPACE, textOf, type TestServer } from './temporal-server.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const START_DEADLINE_MS = 60_000;

export interface StackOptions {
  server: TestServer;
  agentTransport?: 'unix' | 'http';
  apiReplicas?: number;
  /** More of the environment, for every process. */
  env?: Record<string, string>;
  /** More of the environment of one API replica. */
  apiEnv?: (index: number) => Record<string, string>;
  /** The worker's program, from the top of the checkout; `worker/main.ts` by default. */
  workerScript?: string;
  /** Starts the worker too; true by default. */
  worker?: boolean;
  /** Control workers in processes of their own; the worker then has the host role alone. */
  controlWorkers?: number;
}

/** A process of the stack that can be killed without mercy and started again. */
export interface Part {
  kill: () => Promise<void>;
  /** SIGTERM, and waits until it ended by itself; resolves with its exit code, null when it was killed or never ran. */
  end: () => Promise<number | null>;
  start: () => Promise<void>;
  /** Starts it and does not wait until it is of use. */
  begin: () => Promise<void>;
  pid: () => number | undefined;
}

export interface Stack {
  stateDir: string;
  apiKey: string;
  controlTaskQueue: string;
  /** The environment of its processes. */
  env: Readonly<Record<string, string>>;
  worker: Part;
  controls: Part[];
  apis: (Part & { url: string; calls: ApiCalls })[];
  /** Of the first API replica, with a key of an administrator. */
  calls: ApiCalls;
  /** Any request to the first API replica, or the one given; what `calls` can do is done with `calls`. */
  call: (method: string, path: string, body?: unknown, replica?: number) => Promise<ApiAnswer>;
  /** Machine ids that have a directory, dead or alive. */
  machines: () => Promise<string[]>;
  /** What the processes printed, for a failing test. */
  logs: () => Promise<string>;
  stop: () => Promise<void>;
}

export interface ApiAnswer {
  status: number;
  headers: Headers;
  body: VmView & { vms?: VmView[]; events?: TimelineEntryView[]; code?: string; detail?: string } & Record<
      string,
      unknown
    >;
}

/** Starts worker and API on a state directory of their own and waits until the API is ready. */
export async function startStack(options: StackOptions): Promise<Stack> {
  await buildVmServer();
  const stateDir = await mkdtemp(join(tmpdir(), 'eph-'));
  const apiKey = `test-${randomUUID()}`;
  const ports = await Promise.all(Array.from({ length: options.apiReplicas ?? 1 }, freePort));
  const internalPort = await freePort();
  const controlTaskQueue = `test-${randomUUID().slice(0, 8)}`;
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '',
    TEMPORAL_ADDRESS: options.server.address,
    TEMPORAL_NAMESPACE: TEST_NAMESPACE,
    EPHEMERA_STATE_DIR: stateDir,
    EPHEMERA_API_KEY: apiKey,
    EPHEMERA_DEPLOYMENT: `test-${randomUUID().slice(0, 8)}`,
    EPHEMERA_CONTROL_TASK_QUEUE: controlTaskQueue,
    EPHEMERA_TEMPORAL_UI_URL: options.server.uiUrl,
    EPHEMERA_INTERNAL_PORT: `${internalPort}`,
    EPHEMERA_LOCAL_AGENT_TRANSPORT: options.agentTransport ?? 'unix',
    EPHEMERA_API_URL: `http://127.0.0.1:${ports[0] ?? 0}`,
    EPHEMERA_LOG_LEVEL: 'info',
    ...options.env,
  };
  const log = (name: string): string => join(stateDir, `${name}.log`);
  const controls = await startControls(options.controlWorkers ?? 0, env, log);
  const hostEnv = controls.length === 0 ? env : { ...env, EPHEMERA_WORKER_ROLES: 'host' };
  const worker = part(options.workerScript ?? 'worker/main.ts', hostEnv, log('worker'), () =>
    controls.length === 0 ? Promise.resolve() : untilPolls(log('worker')),
  );
  const apis = ports.map((port, index) => {
    const url = `http://127.0.0.1:${port}`;
    const apiEnv = { ...env, EPHEMERA_API_PORT: `${port}`, ...options.apiEnv?.(index) };
    const calls = new ApiCalls({ url, key: apiKey });
    return {
      url,
      calls,
      ...part('api/main.ts', apiEnv, log(`api-${index}`), () => untilReady(url, log(`api-${index}`))),
    };
  });
  if (options.worker ?? true) await worker.start();
  await Promise.all(apis.map((api) => api.start()));
  return {
    stateDir,
    apiKey,
    controlTaskQueue,
    env,
    worker,
    controls,
    apis,
    calls: apis[0]?.calls ?? new ApiCalls({ url: 'http://127.0.0.1:1', key: apiKey }),
    call: (method, path, body, replica = 0) =>
      plainRequest({ url: apis[replica]?.url ?? '', key: apiKey }, method, path, {
        body,
      }) as Promise<unknown> as Promise<ApiAnswer>,
    machines: () => machineIdsIn(stateDir),
    logs: async () =>
      (
        await Promise.all(
          ['worker', ...controls.map((_, index) => `control-${index}`), ...apis.map((_, index) => `api-${index}`)].map(
            async (name) => `--- ${name}\n${(await textOf(log(name))).slice(-4000)}`,
          ),
        )
      ).join('\n'),
    stop: async () => {
      await Promise.all([worker, ...controls, ...apis].map((one) => one.kill()));
      await endMachines(stateDir);
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}

async function startControls(
  count: number,
  env: Record<string, string>,
  log: (name: string) => string,
): Promise<Part[]> {
  const controls: Part[] = [];
  for (let index = 0; index < count; index += 1) {
    const own = { EPHEMERA_WORKER_ROLES: 'control', EPHEMERA_INTERNAL_PORT: `${await freePort()}` };
    const logFile = log(`control-${index}`);
    controls.push(part('worker/main.ts', { ...env, ...own }, logFile, () => untilPolls(logFile)));
  }
  await Promise.all(controls.map((control) => control.start()));
  return controls;
}

/** A worker says so once for each start; a start that comes back has therefore said it once more than it began. */
async function untilPolls(logFile: string): Promise<void> {
  const times = async (): Promise<number> => (await textOf(logFile)).split('the worker polls').length;
  const before = await times();
  const deadline = Date.now() + START_DEADLINE_MS;
  while ((await times()) === before) {
    if (Date.now() > deadline) throw new Error(`the worker does not poll:\n${await textOf(logFile)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A program of the checkout as a process; `ready` resolves once it is of use. */
export function part(script: string, env: NodeJS.ProcessEnv, logFile: string, ready: () => Promise<void>): Part {
  let child: ChildProcess | undefined;
  let program: Promise<string> | undefined;
  const begin = async (): Promise<void> => {
    program ??= buildScript(script);
    const args = ['--enable-source-maps', await program];
    const output = await open(logFile, 'a');
    child = spawn(process.execPath, args, {
      cwd: ROOT,
      env,
      stdio: ['ignore', output.fd, output.fd],
    });
    await output.close();
  };
  return {
    pid: () => child?.pid,
    begin,
    start: async () => {
      await begin();
      await ready();
    },
    kill: () => signalled(child, 'SIGKILL'),
    end: async () => {
      await signalled(child, 'SIGTERM');
      return child?.exitCode ?? null;
    },
  };
}

async function signalled(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

async function untilReady(url: string, logFile: string): Promise<void> {
  const deadline = Date.now() + START_DEADLINE_MS;
  for (;;) {
    const ok = await fetch(`${url}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ok) return;
    if (Date.now() > deadline) throw new Error(`the API is not ready:\n${await textOf(logFile)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Machines outlive their worker by design; a test that ends takes its own with it, each by its process id. */
async function endMachines(stateDir: string): Promise<void> {
  for (const dir of await machineDirectories(stateDir)) {
    const pid = await machineProcess(dir).catch(() => undefined);
    if (pid === undefined) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
}

/** Ids of machines that have a directory, dead or alive. */
export async function machineIdsIn(stateDir: string): Promise<string[]> {
  return (await machineDirectories(stateDir)).map((dir) => basename(dir)).filter((id) => id.startsWith('m-'));
}

/** Directories of the machines of every provider. */
async function machineDirectories(stateDir: string): Promise<string[]> {
  const folders = ['machines', 'machines-qemu'].map((folder) => join(stateDir, folder));
  const found = folders.map(async (folder) => (await readdir(folder).catch(() => [])).map((id) => join(folder, id)));
  return (await Promise.all(found)).flat();
}

async function machineProcess(dir: string): Promise<number> {
  return (JSON.parse(await readFile(join(dir, 'process.json'), 'utf8')) as { pid: number }).pid;
}

/** kill -9 of a machine itself: a process, or the hypervisor of a guest. */
export async function killMachine({ stateDir }: Pick<Stack, 'stateDir'>, machineId: string): Promise<void> {
  const dir = (await machineDirectories(stateDir)).find((path) => basename(path) === machineId);
  if (dir === undefined) throw new Error(`${machineId} has no directory`);
  process.kill(await machineProcess(dir), 'SIGKILL');
}

/** Stops a machine's time (SIGSTOP): it lives, and reports nothing. The answer lets it go on. */
export async function stallMachine({ stateDir }: Pick<Stack, 'stateDir'>, machineId: string): Promise<() => void> {
  const dir = (await machineDirectories(stateDir)).find((path) => basename(path) === machineId);
  if (dir === undefined) throw new Error(`${machineId} has no directory`);
  const pid = await machineProcess(dir);
  process.kill(pid, 'SIGSTOP');
  return () => {
    try {
      process.kill(pid, 'SIGCONT');
    } catch {
      // It was ended meanwhile.
    }
  };
}

/** Command lines of processes that work in the stack's directory: its machines, for the stack's own parts name it nowhere. */
export async function processesOf({ stateDir }: Pick<Stack, 'stateDir'>): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => textOf(`/proc/${pid}/cmdline`)));
  return lines.map((line) => line.replaceAll('\0', ' ').trim()).filter((line) => line.includes(stateDir));
}

/** Of what follows at once, and of what a killed worker had in its hands: that is noticed after a missed heartbeat. */
const SEEN_MS = (TIMEOUTS.activityHeartbeatSeconds + 30) * 1000;

/** Waits until `probe` gives something; a miss prints what it saw last and the stack's logs. */
export async function eventually<T>(
  stack: Pick<Stack, 'logs'>,
  what: string,
  probe: () => Promise<T | undefined>,
  deadlineMs = SEEN_MS,
): Promise<T> {
  const deadline = Date.now() + deadlineMs;
  let last: unknown;
  for (;;) {
    try {
      const seen = await probe();
      if (seen !== undefined) return seen;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`never saw: ${what}; last: ${String(last)}\n${await stack.logs()}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Waits until a VM is as wanted; a miss prints the VM as it was last. */
export function seeVm(
  stack: Pick<Stack, 'calls' | 'logs'>,
  name: string,
  what: string,
  wanted: (vm: ShownVm) => boolean,
  deadlineMs = 60_000,
  query: { fresh?: boolean } = {},
): Promise<ShownVm> {
  const look = async (): Promise<ShownVm> => {
    const { body } = await stack.calls.getVm(name, query);
    if (wanted(body)) return body;
    throw new Error(JSON.stringify(body));
  };
  return eventually(stack, `${name}: ${what}`, look, deadlineMs);
}

/**
 * Brings a local machine up. Order of things, so that a death between any two leaves nothing unowned:
 * the order is written once, then the process starts, then it locks its id (`process.json`) and only then looks
 * for a tombstone. A create that finds an order waits a little for its process before it starts one itself;
 * should both start, the lock lets one of them live.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { open, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LOCAL_MACHINE_FILE, type LocalMachineOrder } from '../../domain/local-machine.ts';
import type { CancelSignal } from '../../domain/machine-provider.ts';
import { ProviderError } from '../../domain/provider-error.ts';
import { readAddress, readProcess, readTail } from './machine-files.ts';
import { isAlive } from './system-process.ts';
import { waitUntil } from './waiting.ts';

/** How long a started machine may take until it holds its address. */
const ADDRESS_TIMEOUT_MS = 30_000;
/** How long somebody else's start may take until its process shows. */
const ADOPT_GRACE_MS = 2000;
const CONSOLE_TAIL_BYTES = 1000;

export interface MachineProgram {
  nodePath: string;
  vmServerFile: string;
}

/** Processes that this provider started and that did not end yet, by machine. */
export type StartedProcesses = Map<string, Set<ChildProcess>>;

export interface StartInput {
  machineId: string;
  dir: string;
  program: MachineProgram;
  started: StartedProcesses;
  /** Whether this call wrote the order, and with it the duty to start the process. */
  first: boolean;
  agentSecret: string | null;
  /** Then its output stays on it, and in no error: errors are kept in histories. */
  consoleMayHoldSecrets: boolean;
  isDestroyed: () => Promise<boolean>;
}

/** Resolves when the machine runs and its address is known. Errors: `machineEnded`, `bootFailed`, retryable ones. */
export async function startMachine(input: StartInput, signal: CancelSignal): Promise<void> {
  const begunAt = Date.now();
  let child = input.first ? await launch(input) : undefined;
  let sawAlive = false;
  const running = await waitUntil(
    async () => {
      if (await input.isDestroyed()) throw ended(`${input.machineId} was destroyed`);
      const seen = await lookAt(input.dir);
      if (seen === 'running') return true;
      if (seen === 'starting') sawAlive = true;
      if (seen === 'ended' && !sawAlive && child === undefined) throw ended(`${input.machineId} ended before`);
      if (seen === 'ended' || (seen === 'absent' && child && hasExited(child))) throw await bootFailure(input);
      if (seen === 'absent' && !child && Date.now() - begunAt > ADOPT_GRACE_MS) child = await launch(input);
      return undefined;
    },
    ADDRESS_TIMEOUT_MS,
    signal,
  );
  if (!running) {
    throw new ProviderError(
      'backendUnavailable',
      `${input.machineId} has no address after ${ADDRESS_TIMEOUT_MS / 1000} s${await consoleEnd(input)}`,
    );
  }
}

async function lookAt(dir: string): Promise<'absent' | 'starting' | 'running' | 'ended'> {
  const machine = await readProcess(dir);
  if (machine === undefined) return 'absent';
  if (!(await isAlive(machine))) return 'ended';
  return (await readAddress(dir)) === undefined ? 'starting' : 'running';
}

/** Starts the process in a session of its own: it outlives us, and nothing of our environment leaks into it. */
async function launch({ machineId, dir, program, started, agentSecret }: StartInput): Promise<ChildProcess> {
  if (agentSecret !== null) await writeSecret(dir, agentSecret);
  const output = await open(join(dir, LOCAL_MACHINE_FILE.console), 'a', 0o600);
  try {
    const child = spawn(program.nodePath, [program.vmServerFile, 'machine', '--dir', dir], {
      cwd: dir,
      detached: true,
      stdio: ['ignore', output.fd, output.fd],
      env: minimalEnv(),
    });
    await hasSpawned(child);
    track(started, machineId, child);
    child.unref();
    return child;
  } finally {
    await output.close();
  }
}

/** A private CA must be known at the start of a process, so it cannot come with the order. */
const PASSED_ON = ['PATH', 'HOME', 'NODE_EXTRA_CA_CERTS'] as const;

function minimalEnv(): NodeJS.ProcessEnv {
  return Object.fromEntries(PASSED_ON.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

async function hasSpawned(child: ChildProcess): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause: NodeJS.ErrnoException) => {
      const full = cause.code === 'EAGAIN' || cause.code === 'ENOMEM' || cause.code === 'EMFILE';
      const code = full ? 'noCapacity' : 'backendUnavailable';
      reject(new ProviderError(code, `the machine's process does not start: ${cause.message}`, { cause }));
    });
  });
}

function track(started: StartedProcesses, machineId: string, child: ChildProcess): void {
  const ofMachine = started.get(machineId) ?? new Set();
  started.set(machineId, ofMachine.add(child));
  child.once('exit', () => {
    ofMachine.delete(child);
    if (ofMachine.size === 0 && started.get(machineId) === ofMachine) started.delete(machineId);
  });
}

/** The one-time secret goes through a file that the machine deletes; never through arguments or environment. */
async function writeSecret(dir: string, secret: string): Promise<void> {
  const draft = join(dir, `.${LOCAL_MACHINE_FILE.agentSecret}.${process.pid}`);
  await writeFile(draft, secret, { mode: 0o600 });
  await rename(draft, join(dir, LOCAL_MACHINE_FILE.agentSecret));
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function bootFailure(input: StartInput): Promise<ProviderError> {
  return new ProviderError('bootFailed', `the machine ended while it was starting${await consoleEnd(input)}`);
}

/** The last lines of the console, for an error that explains itself. */
async function consoleEnd({ dir, consoleMayHoldSecrets }: StartInput): Promise<string> {
  if (consoleMayHoldSecrets) return '; read its console';
  const tail = await readTail(join(dir, LOCAL_MACHINE_FILE.console), CONSOLE_TAIL_BYTES);
  const text = new TextDecoder().decode(tail ?? new Uint8Array()).trim();
  return `; its console ends: ${text === '' ? '(it is empty)' : text}`;
}

function ended(message: string): ProviderError {
  return new ProviderError('machineEnded', message);
}

export function orderText(order: LocalMachineOrder): string {
  return `${JSON.stringify(order, null, 2)}\n`;
}

/** `npm start` as a person runs it: on a state directory and ports of its own, ended by a Ctrl-C or by force. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const ROOT = resolve(import.meta.dirname, '..');
const DEADLINE_MS = 120_000;
const POLL_MS = 100;

/** Any free ports, so that tests and a running Ephemera do not meet. */
export const FREE_PORTS = [
  '--api-port',
  '0',
  '--internal-port',
  '0',
  '--metrics-port',
  '0',
  '--worker-metrics-port',
  '0',
  '--temporal-port',
  '0',
  '--temporal-ui-port',
  '0',
];

export interface RunJson {
  apiUrl: string;
  temporalAddress: string;
  temporalNamespace?: string;
  temporalUiUrl: string;
  metricsUrls: string[];
  keyFile: string;
  pids: Record<string, number>;
}

/** A script of package.json that was started by npm, with what it printed so far. */
export class NpmRun {
  output = '';
  readonly #child: ChildProcess;
  readonly #exited: Promise<number>;

  constructor(script: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const child = spawn('npm', ['run', '--silent', script, '--', ...args], {
      cwd: ROOT,
      // A group of its own, as a terminal makes one: a Ctrl-C reaches all of it.
      detached: true,
      env: { ...withoutOurs(process.env), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
    this.#child = child;
    this.#exited = once(child, 'close').then(([code]) => (typeof code === 'number' ? code : -1));
  }

  /** Waits until it printed this. */
  async prints(text: string | RegExp): Promise<void> {
    const until = Date.now() + DEADLINE_MS;
    const found = (): boolean => (typeof text === 'string' ? this.output.includes(text) : text.test(this.output));
    while (!found()) {
      if (this.#child.exitCode !== null) throw new Error(`ended without printing ${String(text)}:\n${this.output}`);
      if (Date.now() > until) throw new Error(`did not print ${String(text)}:\n${this.output}`);
      await sleep(POLL_MS);
    }
  }

  /** Its exit code, when it has ended. */
  exitCode(): Promise<number> {
    return this.#exited;
  }

  /** What a Ctrl-C in its terminal does. Resolves when npm has ended, whose exit code then tells nothing. */
  async pressCtrlC(): Promise<void> {
    this.#signalGroup('SIGINT');
    await this.#exited;
  }

  /** kill -9 of npm and the script; processes that the script started live on. */
  async kill(): Promise<void> {
    this.#signalGroup('SIGKILL');
    await this.#exited;
  }

  /** A signal to the process of npm alone, as a supervisor or `kill $!` sends it; resolves with npm's exit code. */
  async signalNpm(signal: NodeJS.Signals): Promise<number> {
    this.#child.kill(signal);
    return this.#exited;
  }

  #signalGroup(signal: NodeJS.Signals): void {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    process.kill(-pid, signal);
  }
}

function withoutOurs(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(
    ([name]) => name === 'EPHEMERA_TEMPORAL_CLI' || !name.startsWith('EPHEMERA_'),
  );
  return Object.fromEntries(kept);
}

export function readRunJson(stateDir: string): RunJson {
  return JSON.parse(readFileSync(join(stateDir, 'run.json'), 'utf8')) as RunJson;
}

export function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/\) [ZX] /.test(stat);
  } catch {
    return false;
  }
}

/** Ends whatever a test left behind on this state directory: children of a start that was killed, and machines. */
export function endEverythingOn(stateDir: string): void {
  for (const pid of [...childPids(stateDir), ...machinePids(stateDir)]) {
    if (isRunning(pid)) process.kill(pid, 'SIGKILL');
  }
}

function childPids(stateDir: string): number[] {
  const noted = readJson(join(stateDir, 'processes.json')) as Record<string, { pid: number }> | undefined;
  return Object.values(noted ?? {}).map(({ pid }) => pid);
}

function machinePids(stateDir: string): number[] {
  const directory = join(stateDir, 'machines');
  if (!existsSync(directory)) return [];
  return readdirSync(directory).flatMap((machine) => {
    const process = readJson(join(directory, machine, 'process.json')) as { pid: number } | undefined;
    return process === undefined ? [] : [process.pid];
  });
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as unknown;
  } catch {
    return undefined;
  }
}

/** The program of a container image in its guest: started in namespaces of its own, and asked to end as its image says. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecRequest, FilesRequest } from '../../../domain/agent/streams/requests.ts';
import type { GuestContainer } from '../../../domain/machine/guest-container.ts';
import type { InnerRoot } from '../../agent/streams/stream-place.ts';
import type { Log } from '../../log.ts';

/** Where deploy/image/init lays the image's files under the disk. */
const IMAGE_ROOT = '/image';
const CONSOLE = '/dev/console';
const START_FILE = '/run/container-start';
/** On the disk, beside what the program writes: its root is as the image has it from the first boot on. */
const ROOT_MADE_FILE = '/disk/ephemera/root-made';
const START = ['/bin/busybox', 'unshare', '-m', '-p', '-f', '/bin/busybox', 'sh', '/ephemera/run-container'] as const;

const ENTER = ['/bin/perl', '/ephemera/enter-running-container'] as const;
const EXEC_FILE = '/run/exec';
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** How the image's program is started; deploy/image/enter-container reads it. `env` goes over the image's. */
export function startFields(program: GuestContainer, env: Readonly<Record<string, string>>): string {
  const { command, uid, gid, groups, workdir } = program;
  const variables = Object.entries({ ...program.env, ...env }).map(([name, value]) => `${name}=${value}`);
  const fields = [uid, gid, groups.length, ...groups, workdir, command.length, ...command, ...variables];
  return fields.map((field) => `${field}\0`).join('');
}

/** How a command is started beside the image's program, as its user; deploy/image/enter-running-container reads it. */
export function execFields(
  program: GuestContainer,
  env: Readonly<Record<string, string>>,
  { command, cwd = '', env: own, tty }: Pick<ExecRequest, 'command' | 'cwd' | 'env' | 'tty'>,
): string {
  const { uid, gid, groups, workdir } = program;
  const terminal = tty === undefined ? {} : { TERM: 'xterm-256color' };
  const variables = { PATH: DEFAULT_PATH, ...program.env, ...env, ...terminal, ...own };
  const words = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  const fields = [uid, gid, groups.length, ...groups, workdir, cwd, command.length, ...command, ...words];
  return fields.map((field) => `${field}\0`).join('');
}

export class Container implements InnerRoot {
  readonly #program: GuestContainer;
  readonly #log: Log;
  #child: ChildProcess | undefined;
  #env: Readonly<Record<string, string>> = {};
  #execs = 0;

  constructor(program: GuestContainer, log: Log) {
    this.#program = program;
    this.#log = log;
  }

  /** Starts the program, whose output is the console; the guest ends with it. Throws when it cannot be started. */
  start(env: Readonly<Record<string, string>>): void {
    const { uid, gid, root } = this.#program;
    this.#env = env;
    if (!existsSync(ROOT_MADE_FILE)) {
      chownSync(IMAGE_ROOT, root.uid, root.gid);
      chmodSync(IMAGE_ROOT, root.mode);
      mkdirSync(dirname(ROOT_MADE_FILE), { recursive: true });
      writeFileSync(ROOT_MADE_FILE, '');
    }
    // Programs open their standard output anew by its name.
    chownSync(CONSOLE, uid, gid);
    writeFileSync(START_FILE, startFields(this.#program, env), { mode: 0o600 });
    const [unshare, ...args] = START;
    const child = spawn(unshare, [...args, START_FILE], { stdio: ['ignore', 'inherit', 'inherit'], env: {} });
    this.#child = child;
    child.once('error', (error) => this.#end(`could not be started: ${error.message}`, 127));
    child.once('exit', (code, signal) =>
      this.#end(signal === null ? `ended with ${code ?? 0}` : `was ended by ${signal}`, code ?? 1),
    );
  }

  /** @throws Error while the program does not run. */
  command(request: ExecRequest): [string, ...string[]] {
    const pid = this.#running();
    this.#execs += 1;
    const file = `${EXEC_FILE}-${this.#execs}`;
    // What starts it removes it; it may hold secrets, and is in memory.
    writeFileSync(file, execFields(this.#program, this.#env, request), { mode: 0o600 });
    return [...ENTER, pid, 'exec', file];
  }

  /** @throws Error while the program does not run. */
  tar({ action, path }: FilesRequest): [string, ...string[]] {
    return [...ENTER, this.#running(), action, path];
  }

  #running(): string {
    const pid = this.#firstProcess();
    if (pid === undefined) throw new Error('the program of the image does not run yet');
    return `${pid}`;
  }

  /** Asks the program to end as its image says, and ends it after the time. */
  async stop(graceMs: number): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.removeAllListeners('exit');
    const ended = once(child, 'exit');
    this.#signal(this.#program.stopSignal);
    await Promise.race([ended, delay(graceMs, undefined, { ref: false })]);
    this.#signal('SIGKILL');
  }

  #signal(signal: number | NodeJS.Signals): void {
    const pid = this.#firstProcess();
    try {
      if (pid !== undefined) process.kill(pid, signal);
    } catch {
      // It has ended meanwhile.
    }
  }

  /** The first process of its namespace, which is the one child of what made that. */
  #firstProcess(): number | undefined {
    const { pid } = this.#child ?? {};
    if (pid === undefined) return undefined;
    try {
      const [first] = readFileSync(join('/proc', `${pid}`, 'task', `${pid}`, 'children'), 'utf8')
        .trim()
        .split(' ');
      return first ? Number(first) : undefined;
    } catch {
      return undefined;
    }
  }

  #end(how: string, code: number): void {
    this.#log(`The program of the image ${how}.`);
    process.exit(code);
  }
}

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A log larger than this is put aside when its process starts. */
const LOG_LIMIT_BYTES = 10 * 1024 * 1024;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** A process that lived this long was well: its next death starts the back-off anew. */
const WELL_AFTER_MS = 60_000;
const LOG_TAIL_LINES = 15;

export interface SupervisedProcessOptions {
  name: string;
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  cwd: string;
  logFile: string;
  /** Told each time the process was started. */
  onStart: () => Promise<void>;
  /** Told when it died unasked, before it is started again after `pauseMs`. */
  onDeath: (how: string, pauseMs: number) => void;
  /** Exit codes after which it is not started again, and who is notified of them. */
  finalExits?: readonly number[];
  onFinalExit?: (exitCode: number) => void;
}

/**
 * A child process that is started again, with a growing pause, when it dies. It has a process group of its own, so a
 * Ctrl-C reaches its parent alone, which then stops its children in order.
 */
export class SupervisedProcess {
  readonly name: string;
  readonly logFile: string;
  /** How often it died unasked in a row. */
  deaths = 0;
  /** With which it ended for good. */
  finalExit: number | undefined;
  readonly #options: SupervisedProcessOptions;
  #child: ChildProcess | undefined;
  #stopping = false;

  constructor(options: SupervisedProcessOptions) {
    this.#options = options;
    this.name = options.name;
    this.logFile = options.logFile;
  }

  /** Of the process that runs now. */
  get pid(): number | undefined {
    return this.#isRunning() ? this.#child?.pid : undefined;
  }

  async start(): Promise<void> {
    if (this.#stopping) return;
    const { command, args, env, cwd } = this.#options;
    const log = this.#openLog();
    const startedAt = Date.now();
    const child = spawn(command, args, { env, cwd, detached: true, stdio: ['ignore', log, log] });
    closeSync(log);
    this.#child = child;
    const end = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${String(code)}` : signal));
    });
    void end.then((how) => this.#died(how, Date.now() - startedAt));
    await this.#options.onStart();
  }

  /** From now on it is not started again. */
  giveUp(): void {
    this.#stopping = true;
  }

  /** Asks it to end, and ends it by force after `graceMs`. It is not started again. */
  async stop(graceMs: number): Promise<void> {
    this.giveUp();
    const child = this.#child;
    if (child === undefined || !this.#isRunning()) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const force = setTimeout(() => child.kill('SIGKILL'), graceMs);
    await ended;
    clearTimeout(force);
  }

  /** Ends it at once. */
  kill(): void {
    this.giveUp();
    this.#child?.kill('SIGKILL');
  }

  /** The last lines of its log, for a message about its failure. */
  logTail(): string {
    const lines = existsSync(this.logFile) ? readFileSync(this.logFile, 'utf8').trimEnd().split('\n') : [];
    return lines.slice(-LOG_TAIL_LINES).join('\n');
  }

  /** What the last line of its log says, where that is a line of ours. */
  lastMessage(): string | undefined {
    try {
      const { msg } = JSON.parse(this.logTail().split('\n').at(-1) ?? '') as { msg?: unknown };
      return typeof msg === 'string' ? msg : undefined;
    } catch {
      return undefined;
    }
  }

  #isRunning(): boolean {
    const child = this.#child;
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
  }

  async #died(how: string, livedMs: number): Promise<void> {
    if (this.#stopping) return;
    const exitCode = this.#child?.exitCode ?? undefined;
    if (exitCode !== undefined && this.#options.finalExits?.includes(exitCode)) {
      this.giveUp();
      this.finalExit = exitCode;
      this.#options.onFinalExit?.(exitCode);
      return;
    }
    this.deaths = livedMs > WELL_AFTER_MS ? 1 : this.deaths + 1;
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (this.deaths - 1));
    this.#options.onDeath(how, pauseMs);
    await sleep(pauseMs);
    await this.start();
  }

  #openLog(): number {
    mkdirSync(dirname(this.logFile), { recursive: true, mode: 0o700 });
    if ((statSync(this.logFile, { throwIfNoEntry: false })?.size ?? 0) > LOG_LIMIT_BYTES) {
      renameSync(this.logFile, `${this.logFile}.1`);
    }
    return openSync(this.logFile, 'a', 0o600);
  }
}

import { join } from 'node:path';
import { writeProcesses } from './run-file.ts';
import { SupervisedProcess } from './supervised-process.ts';
import { ScriptError, duration, warn } from '../terminal/terminal.ts';

/** More deaths than this before a process was ever of use mean that it cannot run. */
const MOST_EARLY_DEATHS = 2;

export interface ProcessCommand {
  name: string;
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  /** How long it may take to end when asked. */
  stopGraceMs: number;
  /** Exit codes after which it is not started again. */
  finalExits?: readonly number[];
  /** Told of such an end. */
  onFinalExit?: (exitCode: number) => void;
}

/** The child processes of one `npm start`: started in order, started again when they die, stopped in reverse order. */
export class Supervisor {
  readonly logDirectory: string;
  readonly #stateDir: string;
  readonly #cwd: string;
  readonly #processes: { process: SupervisedProcess; stopGraceMs: number }[] = [];
  readonly #onChange: () => void;
  #stopping = false;

  /** `onChange` is called when a process has another pid. */
  constructor(options: { stateDir: string; cwd: string; onChange: () => void }) {
    this.#stateDir = options.stateDir;
    this.#cwd = options.cwd;
    this.#onChange = options.onChange;
    this.logDirectory = join(options.stateDir, 'logs');
  }

  /** Pids by name of what runs now. */
  get pids(): Record<string, number> {
    const running = this.#processes.flatMap(({ process }) =>
      process.pid === undefined ? [] : [[process.name, process.pid] as const],
    );
    return Object.fromEntries(running);
  }

  async start(command: ProcessCommand): Promise<SupervisedProcess> {
    if (this.#stopping) throw new ScriptError('stopping');
    const child = new SupervisedProcess({
      ...command,
      cwd: this.#cwd,
      logFile: join(this.logDirectory, `${command.name}.log`),
      onStart: async () => {
        await writeProcesses(this.#stateDir, this.pids);
        this.#onChange();
      },
      onDeath: (how, pauseMs) =>
        warn(
          `${command.name} ended (${how}), starting it again in ${duration(pauseMs)}; machines go on. Log: ${child.logFile}`,
        ),
    });
    this.#processes.push({ process: child, stopGraceMs: command.stopGraceMs });
    await child.start();
    return child;
  }

  /** Stops everything, the last started first. */
  async stop(onStopped: (name: string) => void): Promise<void> {
    this.#stopping = true;
    // A service manager may end all of them at the same moment.
    for (const { process } of this.#processes) process.giveUp();
    for (const { process, stopGraceMs } of [...this.#processes].reverse()) {
      await process.stop(stopGraceMs);
      onStopped(process.name);
    }
    await writeProcesses(this.#stateDir, {});
  }

  /** Ends everything at once. */
  kill(): void {
    this.#stopping = true;
    for (const { process } of this.#processes) process.kill();
  }
}

/** Why it is of no use to wait for this process any longer, or undefined. */
export function whyHopeless(child: SupervisedProcess): string | undefined {
  if (child.finalExit !== undefined) return child.lastMessage() ?? `ended (exit code ${child.finalExit})`;
  if (child.deaths <= MOST_EARLY_DEATHS) return undefined;
  return `${child.name} ended ${child.deaths} times; the end of ${child.logFile}:\n${child.logTail()}\n`;
}

/** The program of a user in a local machine: where it listens is settled before it starts, and it ends with the machine. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { PROGRAM_VARIABLE, type LocalMachineAddress } from '../../../domain/machine/local-machine.ts';
import type { Log } from '../../log.ts';
import { tellGroupToEnd } from '../../process-group.ts';

const UNSEEN_END_MS = 300;

/** What the program is told of its machine: its address, a port for each of the spec's, and where its agent is. */
export function placeVariables({ ip, ports }: LocalMachineAddress, agentPort: number): Record<string, string> {
  const named = ports.map(({ name, port }) => [
    `${PROGRAM_VARIABLE.portPrefix}${name.toUpperCase().replaceAll('-', '_')}`,
    `${port}`,
  ]);
  return {
    [PROGRAM_VARIABLE.ip]: ip,
    [PROGRAM_VARIABLE.agentUrl]: `http://${ip}:${agentPort}`,
    ...(Object.fromEntries(named) as Record<string, string>),
  };
}

/** A command line, run by the shell once it is started; the machine ends when it does. */
export class Program {
  readonly #directory: string;
  readonly #log: Log;
  #child: ChildProcess | undefined;

  constructor(directory: string, log: Log) {
    this.#directory = directory;
    this.#log = log;
  }

  /** Starts what the environment of this process names; nothing where the startup script has started the program. */
  start(): void {
    const command = process.env[PROGRAM_VARIABLE.command];
    if (command === undefined || command.trim() === '') {
      this.#log(`${PROGRAM_VARIABLE.command} names no program: the startup script has to start one.`);
      return;
    }
    // The shell stays in front, so that a command of several parts ends as one.
    const child = spawn('/bin/sh', ['-c', command], { cwd: this.#directory, stdio: ['ignore', 'inherit', 'inherit'] });
    this.#child = child;
    child.once('error', (error) => this.#end(`could not be started: ${error.message}`, 127));
    child.once('exit', (code, signal) =>
      this.#end(signal === null ? `ended with ${code ?? 0}` : `was ended by ${signal}`, code ?? 1),
    );
  }

  /**
   * Asks all that runs in the machine to end by SIGTERM, and waits for the program; what is left ends with this process. For
   * one that the startup script started it waits a moment, for nothing tells its end.
   */
  async stop(graceMs: number): Promise<void> {
    const child = this.#child;
    const hasEnded = child !== undefined && (child.exitCode !== null || child.signalCode !== null);
    child?.removeAllListeners('exit');
    const ended = child === undefined || hasEnded ? undefined : once(child, 'exit');
    // A shell between us and the program passes no signal on.
    if (!tellGroupToEnd()) child?.kill('SIGTERM');
    await Promise.race([ended ?? delay(UNSEEN_END_MS), delay(graceMs)]);
  }

  #end(how: string, code: number): void {
    this.#log(`The program of this machine ${how}.`);
    process.exit(code);
  }
}

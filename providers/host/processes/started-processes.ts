import { spawn, type ChildProcess } from 'node:child_process';
import { open } from 'node:fs/promises';
import { ProviderError } from '../../../domain/machine/provider-error.ts';

export interface ProcessStart {
  /** As errors call it. */
  name: string;
  /** The program and its arguments. */
  command: readonly [program: string, ...rest: string[]];
  dir: string;
  /** Takes what it says, after what is there. */
  outputPath: string;
  /** All of its environment. */
  env: NodeJS.ProcessEnv;
}

const NONE: ReadonlySet<ChildProcess> = new Set();

/** Processes that this provider started and that did not end yet, by machine. */
export class StartedProcesses {
  readonly #ofMachines = new Map<string, Set<ChildProcess>>();

  /** Those of one machine, until they end: the set shrinks then. */
  of(machineId: string): ReadonlySet<ChildProcess> {
    return this.#ofMachines.get(machineId) ?? NONE;
  }

  /**
   * Starts a process in a session of its own: it outlives us, and nothing of our environment leaks into it.
   * Errors: `noCapacity` where the system has no room for a process, else `backendUnavailable`.
   */
  async start(machineId: string, { name, command, dir, outputPath, env }: ProcessStart): Promise<ChildProcess> {
    const output = await open(outputPath, 'a', 0o600);
    try {
      const [program, ...rest] = command;
      const stdio = ['ignore' as const, output.fd, output.fd];
      const child = spawn(program, rest, { cwd: dir, detached: true, stdio, env });
      await hasSpawned(child, name);
      this.#track(machineId, child);
      child.unref();
      return child;
    } finally {
      await output.close();
    }
  }

  #track(machineId: string, child: ChildProcess): void {
    const ofMachine = this.#ofMachines.get(machineId) ?? new Set();
    this.#ofMachines.set(machineId, ofMachine.add(child));
    child.once('exit', () => {
      ofMachine.delete(child);
      if (ofMachine.size === 0 && this.#ofMachines.get(machineId) === ofMachine) this.#ofMachines.delete(machineId);
    });
  }
}

async function hasSpawned(child: ChildProcess, name: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause: NodeJS.ErrnoException) => {
      const full = cause.code === 'EAGAIN' || cause.code === 'ENOMEM' || cause.code === 'EMFILE';
      const code = full ? 'noCapacity' : 'backendUnavailable';
      reject(new ProviderError(code, `${name} does not start: ${cause.message}`, { cause }));
    });
  });
}

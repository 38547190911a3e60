/**
 * Stops and starts machines of this host. Both hold the machine's power lock, so that no two starts replace each other's
 * process. A destroy does not wait for them: its tombstone ends whatever they bring up.
 */
import { rm, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LOCAL_MACHINE_FILE } from '../../domain/machine/local-machine.ts';
import type { CancelSignal, Machine } from '../../domain/machine/provider.ts';
import { ProviderError } from '../../domain/machine/provider-error.ts';
import { tryLock, type Unlock } from '../../lib/processes/process-lock.ts';
import { withHostFailures } from './host-failure.ts';
import { endProcesses } from './machine-end.ts';
import { removeTree } from './files/leftovers.ts';
import { entriesOf, isMachineId, readProcess } from './files/machine-files.ts';
import { clearMark, mark, markOf } from './files/power-mark.ts';
import type { StartedProcesses } from './processes/started-processes.ts';
import { isAlive, pauseGroup, resumeGroup } from './processes/system-process.ts';
import { waitUntil } from './processes/waiting.ts';

const LOCK = 'power.lock';
/** A start or stop that lasts longer than this has its caller try again. */
const LOCK_MS = 60_000;

export interface HostPowerParts {
  dirOf: (machineId: string) => string;
  /** The machine if it is of this deployment. Errors: `hostFailure`. */
  describe: (machineId: string, signal: CancelSignal) => Promise<Machine | undefined>;
  isDestroyed: (machineId: string) => Promise<boolean>;
  started: StartedProcesses;
}

export class HostPower {
  readonly #parts: HostPowerParts;

  constructor(parts: HostPowerParts) {
    this.#parts = parts;
  }

  /**
   * Resolves when no process of the machine runs; its directory stays. `shutDown` comes before the end by force. Again for
   * a stopped machine is fine. Errors: `machineEnded` for one that is not there, `hostFailure`, `backendUnavailable`.
   */
  async stop(machineId: string, signal: CancelSignal, shutDown?: (dir: string) => Promise<void>): Promise<Machine> {
    return this.#alone(machineId, signal, async (dir) => {
      await mark(dir, 'stopped');
      await shutDown?.(dir);
      await endProcesses(dir, this.#parts.started.of(machineId), signal);
    });
  }

  /**
   * Resolves when the directory of the stopped machine holds `kept` and nothing else that it was not made with. Again is fine.
   * Errors: `backendUnavailable` for one that was started since, and as for a stop.
   */
  async reset(machineId: string, signal: CancelSignal, kept: readonly string[] = []): Promise<Machine> {
    return this.#alone(machineId, signal, async (dir) => {
      if ((await markOf(dir)) !== 'stopped')
        throw new ProviderError('backendUnavailable', `${machineId} is not stopped`);
      await endProcesses(dir, this.#parts.started.of(machineId), signal);
      const stays = new Set<string>([LOCAL_MACHINE_FILE.manifest, LOCAL_MACHINE_FILE.power, LOCK, ...kept]);
      for (const name of await entriesOf(dir)) {
        if (!stays.has(name)) await removeTree(join(dir, name), dirname(dir));
      }
    });
  }

  /**
   * Resolves when no process of the machine gets the processor any more; its memory stays as long as this computer runs. One
   * that does not run is stopped. Errors: as for a stop.
   */
  async suspend(machineId: string, signal: CancelSignal): Promise<Machine> {
    return this.#alone(machineId, signal, async (dir) => {
      const running = await readProcess(dir);
      if (running === undefined || !(await isAlive(running))) {
        await mark(dir, 'stopped');
        return;
      }
      await mark(dir, 'suspended');
      await pauseGroup(running);
    });
  }

  /**
   * Resolves when the machine runs again in its directory, also where it had ended by itself. `run` brings it up; `first`
   * says that no process of it lives; one that was suspended goes on. Again for a machine that runs is fine. Errors: those of `run`, and as for a stop.
   */
  async start(
    machineId: string,
    signal: CancelSignal,
    run: (dir: string, first: boolean) => Promise<void>,
    files: readonly string[] = [],
  ): Promise<Machine> {
    return this.#alone(machineId, signal, async (dir) => {
      const last = await readProcess(dir);
      const first = last === undefined || !(await isAlive(last));
      if (first) {
        // What is killed from here on reads as stopped, and is started anew.
        await mark(dir, 'stopped');
        for (const name of [LOCAL_MACHINE_FILE.address, ...files, LOCAL_MACHINE_FILE.process]) {
          await rm(join(dir, name), { force: true });
        }
        // A destroy waits for the process of a machine whose manifest is fresh.
        await utimes(join(dir, LOCAL_MACHINE_FILE.manifest), new Date(), new Date());
      }
      if (!first && (await markOf(dir)) === 'suspended') await resumeGroup(last);
      await run(dir, first);
      await clearMark(dir);
    });
  }

  /**
   * Does the work while no start can begin. Errors: `machineEnded` for one that is not there, `machineRuns` for one that was
   * not stopped, `hostFailure`, those of the work.
   */
  async whileStopped(machineId: string, signal: CancelSignal, work: (dir: string) => Promise<void>): Promise<void> {
    await this.#alone(machineId, signal, async (dir) => {
      const last = await readProcess(dir);
      const runs = last !== undefined && (await isAlive(last));
      if (runs || (await markOf(dir)) === undefined) {
        throw new ProviderError('machineRuns', `${machineId} runs: an image is made from a machine that was stopped`);
      }
      await work(dir);
    });
  }

  async #alone(machineId: string, signal: CancelSignal, work: (dir: string) => Promise<void>): Promise<Machine> {
    signal.throwIfAborted();
    await this.#present(machineId, signal);
    const dir = this.#parts.dirOf(machineId);
    await withHostFailures(async () => {
      const unlock = await this.#lock(dir, signal);
      try {
        if (await this.#parts.isDestroyed(machineId)) throw gone(machineId);
        await work(dir);
      } finally {
        await unlock();
      }
    });
    return this.#present(machineId, signal);
  }

  async #present(machineId: string, signal: CancelSignal): Promise<Machine> {
    const machine = isMachineId(machineId) ? await this.#parts.describe(machineId, signal) : undefined;
    if (machine === undefined || (await this.#parts.isDestroyed(machineId))) throw gone(machineId);
    return machine;
  }

  async #lock(dir: string, signal: CancelSignal): Promise<Unlock> {
    const attempt = async (): Promise<Unlock | undefined> => {
      const lock = await tryLock(join(dir, LOCK));
      return 'unlock' in lock ? lock.unlock : undefined;
    };
    const unlock = await waitUntil(attempt, LOCK_MS, signal);
    if (unlock !== undefined) return unlock;
    throw new ProviderError('backendUnavailable', 'another start or stop of the machine is under way');
  }
}

function gone(machineId: string): ProviderError {
  return new ProviderError('machineEnded', `${machineId} does not exist`);
}

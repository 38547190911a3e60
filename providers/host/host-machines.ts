/**
 * Machines that are processes of this computer, each with a directory of its own: what is the same whatever the
 * process is. A provider adds what a machine is made from and how it starts.
 */
import { join } from 'node:path';
import { LOCAL_MACHINE_FILE } from '../../domain/local-machine.ts';
import type { CancelSignal, Machine, MachineLabels } from '../../domain/machine-provider.ts';
import { ProviderError } from '../../domain/provider-error.ts';
import { pruneLeftovers } from './leftovers.ts';
import { endMachine } from './machine-end.ts';
import { entriesOf, isMachineId, readAddress, readProcess, readTail } from './machine-files.ts';
import { StartedProcesses } from './started-processes.ts';
import { isAlive } from './system-process.ts';
import { Tombstones } from './tombstones.ts';

const TIDY_EVERY_MS = 3600 * 1000;

/** What every order says of its machine. */
interface HostOrder {
  labels: MachineLabels;
  createdAt: number;
  host: string;
}

export interface HostMachinesOptions<Order extends HostOrder> {
  provider: string;
  deployment: string;
  machinesDir: string;
  tombstonesDir: string;
  readOrder: (dir: string) => Promise<Order | undefined>;
  /** What the machine in `dir` is beside what every machine is. */
  factsOf: (dir: string, order: Order) => Pick<Machine, 'agent' | 'size'>;
  /** Called with each machine that is seen running. */
  onRunning?: (dir: string) => void;
}

export class HostMachines<Order extends HostOrder> {
  readonly tombstones: Tombstones;
  readonly started = new StartedProcesses();
  readonly #options: HostMachinesOptions<Order>;
  #tidiedAt = 0;

  constructor(options: HostMachinesOptions<Order>) {
    this.#options = options;
    this.tombstones = new Tombstones(options.tombstonesDir);
  }

  dirOf(machineId: string): string {
    return join(this.#options.machinesDir, machineId);
  }

  /** Before anything is written for the id. Errors: `machineEnded`. */
  async refuseDestroyed(machineId: string): Promise<void> {
    if (!(await this.tombstones.has(machineId))) return;
    throw new ProviderError('machineEnded', `${machineId} was destroyed; its id is never used again`);
  }

  /**
   * Starts the machine whose order is written, and says what became of it. Errors: those of `start`,
   * `permissionDenied` where the order is of another deployment, `machineEnded`.
   */
  async bringUp(machineId: string, start: () => Promise<void>): Promise<Machine> {
    await this.#refuseForeign(machineId);
    try {
      await start();
    } catch (error) {
      await this.#sweepUpDestroyed(machineId);
      throw error;
    }
    const machine = await this.#look(machineId);
    if (machine === undefined) throw new ProviderError('machineEnded', `${machineId} was destroyed`);
    return machine;
  }

  async describe(machineId: string, signal: CancelSignal): Promise<Machine | undefined> {
    signal.throwIfAborted();
    const machine = isMachineId(machineId) ? await this.#look(machineId) : undefined;
    return this.#isOurs(machine) ? machine : undefined;
  }

  async list(signal: CancelSignal): Promise<Machine[]> {
    signal.throwIfAborted();
    const machineIds = (await entriesOf(this.#options.machinesDir)).filter(isMachineId);
    const machines = await Promise.all(machineIds.map((machineId) => this.#look(machineId)));
    return machines.filter((machine) => this.#isOurs(machine)) as Machine[];
  }

  /** `shutDown` comes before the end by force. */
  async destroy(machineId: string, signal: CancelSignal, shutDown?: (dir: string) => Promise<void>): Promise<void> {
    signal.throwIfAborted();
    if (!isMachineId(machineId)) return;
    await this.#refuseForeign(machineId);
    await this.tombstones.add(machineId);
    await shutDown?.(this.dirOf(machineId));
    await this.#end(machineId, signal);
    await this.#tidy(Date.now());
  }

  async readConsole(machineId: string, maxBytes: number): Promise<Uint8Array | undefined> {
    if (!isMachineId(machineId)) return undefined;
    return readTail(join(this.dirOf(machineId), LOCAL_MACHINE_FILE.console), maxBytes);
  }

  #isOurs(machine: Machine | undefined): boolean {
    return machine?.labels.deployment === this.#options.deployment;
  }

  async #refuseForeign(machineId: string): Promise<void> {
    const order = await this.#options.readOrder(this.dirOf(machineId));
    if (order === undefined || order.labels.deployment === this.#options.deployment) return;
    throw new ProviderError('permissionDenied', `${machineId} belongs to deployment ${order.labels.deployment}`);
  }

  /** A destroy that ran while we were creating may have finished before we wrote: then the rest is ours to remove. */
  async #sweepUpDestroyed(machineId: string): Promise<void> {
    if (!(await this.tombstones.has(machineId))) return;
    await this.#end(machineId, new AbortController().signal);
  }

  async #end(machineId: string, signal: CancelSignal): Promise<void> {
    await endMachine(this.dirOf(machineId), this.started.of(machineId), signal);
  }

  async #look(machineId: string): Promise<Machine | undefined> {
    const { provider, readOrder, factsOf, onRunning } = this.#options;
    const dir = this.dirOf(machineId);
    const order = await readOrder(dir);
    if (order?.labels.machineId !== machineId) return undefined;
    const [process, address] = [await readProcess(dir), await readAddress(dir)];
    const alive = process !== undefined && (await isAlive(process));
    const running = alive && address !== undefined;
    if (running) onRunning?.(dir);
    return {
      machineId,
      provider,
      host: order.host,
      zone: null,
      address: address ?? null,
      status: process !== undefined && !alive ? 'ended' : running ? 'running' : 'starting',
      labels: order.labels,
      createdAt: order.createdAt,
      ...factsOf(dir, order),
    };
  }

  /** Once an hour: old tombstones, and what a death in the middle of a removal left behind. */
  async #tidy(now: number): Promise<void> {
    if (now - this.#tidiedAt < TIDY_EVERY_MS) return;
    this.#tidiedAt = now;
    await this.tombstones.prune(now);
    await pruneLeftovers(this.#options.machinesDir, now);
  }
}

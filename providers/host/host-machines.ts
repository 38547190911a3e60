/**
 * Machines that are processes of this computer, each with a directory of its own: what is the same whatever the
 * process is. A provider adds what a machine is made from and how it starts.
 */
import { join } from 'node:path';
import { LOCAL_MACHINE_FILE } from '../../domain/local-machine.ts';
import type {
  CancelSignal,
  ConsoleOwner,
  CreateMachineRequest,
  Machine,
  MachineLabels,
} from '../../domain/machine-provider.ts';
import { ProviderError } from '../../domain/provider-error.ts';
import { vmWorkflowId } from '../../domain/wire-names.ts';
import { DamagedFile, withHostFailures } from './host-failure.ts';
import { KeptConsoles } from './kept-consoles.ts';
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
  startSignature?: string;
  awaitsAssignment?: boolean;
}

type MachineOwner = Pick<CreateMachineRequest, 'machineId' | 'project' | 'vm' | 'startSignature'>;

export interface HostMachinesOptions<Order extends HostOrder> {
  provider: string;
  deployment: string;
  machinesDir: string;
  tombstonesDir: string;
  /** Where the end of the consoles of destroyed machines is kept. */
  consolesDir: string;
  readOrder: (dir: string) => Promise<Order | undefined>;
  /** What the machine in `dir` is beside what every machine is. */
  factsOf: (dir: string, order: Order) => Pick<Machine, 'agent' | 'size'>;
  /** Gives back what an id holds outside its directory; called again after a failure. */
  onGone?: (machineId: string) => Promise<void>;
  /** Called with each machine that is seen running. */
  onRunning?: (dir: string) => void;
}

export class HostMachines<Order extends HostOrder> {
  readonly tombstones: Tombstones;
  readonly started = new StartedProcesses();
  readonly #options: HostMachinesOptions<Order>;
  readonly #consoles: KeptConsoles;
  #tidiedAt = 0;

  constructor(options: HostMachinesOptions<Order>) {
    this.#options = options;
    this.tombstones = new Tombstones(options.tombstonesDir);
    this.#consoles = new KeptConsoles(options.consolesDir);
  }

  dirOf(machineId: string): string {
    return join(this.#options.machinesDir, machineId);
  }

  /** Before anything is written for the id. Errors: `machineEnded`, `hostFailure`. */
  async refuseDestroyed(machineId: string): Promise<void> {
    if (!(await this.tombstones.has(machineId))) return;
    throw new ProviderError('machineEnded', `${machineId} was destroyed; its id is never used again`);
  }

  /**
   * Starts the machine whose order is written, and says what became of it. Errors: those of `start`,
   * `permissionDenied` where the order is of another deployment, `notSigned` where it is of another start,
   * `machineEnded`.
   */
  async bringUp(request: MachineOwner, start: () => Promise<void>): Promise<Machine> {
    const { machineId } = request;
    await this.#refuseForeign(machineId);
    await this.#refuseOtherStart(request);
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

  /** Errors: `hostFailure` where the host cannot tell, or a file of the machine is damaged. */
  async describe(machineId: string, signal: CancelSignal): Promise<Machine | undefined> {
    signal.throwIfAborted();
    if (!isMachineId(machineId)) return undefined;
    const machine = await withHostFailures(() => this.#look(machineId));
    return this.#isOurs(machine) ? machine : undefined;
  }

  /**
   * A machine of which a file is damaged hides no other: it counts as starting, and one without a sound manifest, whose
   * owner nobody knows, is left out. Errors: `hostFailure` where the host cannot tell.
   */
  async list(signal: CancelSignal): Promise<Machine[]> {
    signal.throwIfAborted();
    const machines = await withHostFailures(async () => {
      await this.#consoles.pruneOld().catch(() => undefined);
      const machineIds = (await entriesOf(this.#options.machinesDir)).filter(isMachineId);
      return Promise.all(machineIds.map((machineId) => this.#lookPastDamage(machineId)));
    });
    return machines.filter((machine) => this.#isOurs(machine)) as Machine[];
  }

  /**
   * `shutDown` comes before the end by force. What is damaged is no reason to let a machine live: who knows its id owns
   * it. Errors: `hostFailure` and those of an end; then the machine may live, and its destroy is to be repeated.
   */
  async destroy(machineId: string, signal: CancelSignal, shutDown?: (dir: string) => Promise<void>): Promise<void> {
    signal.throwIfAborted();
    if (!isMachineId(machineId)) return;
    await withHostFailures(async () => {
      await this.#refuseForeign(machineId).catch(ignoreDamage);
      await this.tombstones.add(machineId);
      await shutDown?.(this.dirOf(machineId)).catch(ignoreDamage);
      await this.#end(machineId, signal);
      await this.#tidy(Date.now());
    });
  }

  /** Of a machine, or for an hour of one that was destroyed; of another `owner` none. Errors: `hostFailure`. */
  async readConsole(machineId: string, maxBytes: number, owner?: ConsoleOwner): Promise<Uint8Array | undefined> {
    if (!isMachineId(machineId)) return undefined;
    const wanted = owner && vmWorkflowId(owner.project, owner.vm);
    return withHostFailures(async () => {
      const tail = await readTail(this.#consoleOf(machineId), maxBytes);
      const owner = wanted === undefined ? undefined : await this.#ownerOf(machineId);
      // Without an owner it may have gone a moment ago.
      if (tail === undefined || owner !== wanted) return this.#consoles.read(machineId, maxBytes, wanted);
      return tail;
    });
  }

  /** The VM that the machine was made for; undefined when it is gone, or nobody knows. */
  async #ownerOf(machineId: string): Promise<string | undefined> {
    const order = await this.#options.readOrder(this.dirOf(machineId)).catch(ignoreDamage);
    return order && vmWorkflowId(order.labels.project, order.labels.vm);
  }

  #consoleOf(machineId: string): string {
    return join(this.dirOf(machineId), LOCAL_MACHINE_FILE.console);
  }

  #isOurs(machine: Machine | undefined): boolean {
    return machine?.labels.deployment === this.#options.deployment;
  }

  async #refuseForeign(machineId: string): Promise<void> {
    const order = await this.#options.readOrder(this.dirOf(machineId));
    if (order === undefined || order.labels.deployment === this.#options.deployment) return;
    throw new ProviderError('permissionDenied', `${machineId} belongs to deployment ${order.labels.deployment}`);
  }

  /** Ids are in every view: whoever asks for the machine of another gets neither its address nor what it says. */
  async #refuseOtherStart({ machineId, project, vm, startSignature }: MachineOwner): Promise<void> {
    const order = await this.#options.readOrder(this.dirOf(machineId));
    if (order === undefined) return;
    const { labels } = order;
    if (labels.project === project && labels.vm === vm && order.startSignature === startSignature) return;
    const owner = `${labels.project}/${labels.vm}`;
    throw new ProviderError('notSigned', `notSigned: ${machineId} was made for another start, of ${owner}`);
  }

  /** A destroy that ran while we were creating may have finished before we wrote: then the rest is ours to remove. */
  async #sweepUpDestroyed(machineId: string): Promise<void> {
    if (!(await this.tombstones.has(machineId))) return;
    await this.#end(machineId, new AbortController().signal);
  }

  async #end(machineId: string, signal: CancelSignal): Promise<void> {
    // A console that cannot be kept, on a full disk for one, is no reason to keep its machine.
    const keepConsole = async (): Promise<void> => {
      const owner = await this.#ownerOf(machineId).catch(() => undefined);
      await this.#consoles.keep(machineId, this.#consoleOf(machineId), owner).catch(() => undefined);
    };
    await endMachine(this.dirOf(machineId), this.started.of(machineId), signal, keepConsole);
    await this.#options.onGone?.(machineId);
  }

  async #look(machineId: string): Promise<Machine | undefined> {
    const dir = this.dirOf(machineId);
    const order = await this.#orderOf(machineId);
    const process = await readProcess(dir);
    const alive = process !== undefined && (await isAlive(process));
    if (order === undefined) {
      if (alive) throw new DamagedFile(dir, `it lacks its manifest while process ${process.pid} runs`);
      return undefined;
    }
    const address = await readAddress(dir);
    const running = alive && address !== undefined;
    if (running) this.#options.onRunning?.(dir);
    const status = process !== undefined && !alive ? 'ended' : running ? 'running' : 'starting';
    return this.#machineOf(machineId, order, status, address ?? null);
  }

  async #lookPastDamage(machineId: string): Promise<Machine | undefined> {
    try {
      return await this.#look(machineId);
    } catch (error) {
      ignoreDamage(error);
      const order = await this.#orderOf(machineId).catch(ignoreDamage);
      return order === undefined ? undefined : this.#machineOf(machineId, order, 'starting', null);
    }
  }

  async #orderOf(machineId: string): Promise<Order | undefined> {
    const dir = this.dirOf(machineId);
    const order = await this.#options.readOrder(dir);
    if (order === undefined || order.labels.machineId === machineId) return order;
    throw new DamagedFile(dir, `its manifest is that of ${order.labels.machineId}`);
  }

  #machineOf(machineId: string, order: Order, status: Machine['status'], address: Machine['address']): Machine {
    const { labels, createdAt, host } = order;
    const { provider, factsOf } = this.#options;
    const facts = factsOf(this.dirOf(machineId), order);
    const start = { startSignature: order.startSignature, awaitsAssignment: order.awaitsAssignment };
    return { machineId, provider, host, zone: null, address, status, labels, createdAt, ...start, ...facts };
  }

  /** Once an hour: old tombstones, and what a death in the middle of a removal left behind. */
  async #tidy(now: number): Promise<void> {
    if (now - this.#tidiedAt < TIDY_EVERY_MS) return;
    this.#tidiedAt = now;
    await this.tombstones.prune(now);
    await pruneLeftovers(this.#options.machinesDir, now);
  }
}

/** Lets everything pass on but damage. */
function ignoreDamage(error: unknown): undefined {
  if (error instanceof DamagedFile) return undefined;
  throw error;
}

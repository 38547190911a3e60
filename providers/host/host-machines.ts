/**
 * Machines that are processes of this computer, each with a directory of its own: what is the same whatever the
 * process is. A provider adds what a machine is made from and how it starts.
 */
import { join } from 'node:path';
import pLimit from 'p-limit';
import { LOCAL_MACHINE_FILE } from '../../domain/machine/local-machine.ts';
import type {
  CancelSignal,
  WantedConsole,
  CreateMachineRequest,
  Machine,
  MachineAdoption,
  MachineLabels,
} from '../../domain/machine/provider.ts';
import { machineLabels } from '../../domain/machine/owner.ts';
import { ProviderError } from '../../domain/machine/provider-error.ts';
import { replaceFile } from '../../lib/files/atomic-file.ts';
import { DamagedFile, withHostFailures } from './host-failure.ts';
import { KeptConsoles } from './files/kept-consoles.ts';
import { pruneLeftovers } from './files/leftovers.ts';
import { endMachine } from './machine-end.ts';
import { HostPower } from './host-power.ts';
import { entriesOf, isMachineId, jsonText, readAddress, readProcess, readTail } from './files/machine-files.ts';
import { markOf } from './files/power-mark.ts';
import { StartedProcesses } from './processes/started-processes.ts';
import { isAlive } from './processes/system-process.ts';
import { Tombstones } from './files/tombstones.ts';

const TIDY_EVERY_MS = 3600 * 1000;

/** What every manifest says of its machine. */
interface HostManifest {
  labels: MachineLabels;
  createdAt: number;
  host: string;
  startSignature?: string;
  madeFor?: string;
  awaitsAssignment?: boolean;
}

type MachineStart = Pick<CreateMachineRequest, 'machineId' | 'owner' | 'startSignature'>;

export interface HostMachinesOptions<Manifest extends HostManifest> {
  provider: string;
  deployment: string;
  machinesDir: string;
  tombstonesDir: string;
  /** Where the end of the consoles of destroyed machines is kept. */
  consolesDir: string;
  readManifest: (dir: string) => Promise<Manifest | undefined>;
  /** What the machine in `dir` is beside what every machine is. */
  factsOf: (dir: string, manifest: Manifest) => Pick<Machine, 'agent' | 'size'>;
  /** Gives back what an id holds outside its directory; called again after a failure. */
  onGone?: (machineId: string) => Promise<void>;
  /** Called with each machine that is seen running. */
  onRunning?: (dir: string) => void;
}

export class HostMachines<Manifest extends HostManifest> {
  readonly tombstones: Tombstones;
  readonly started = new StartedProcesses();
  readonly power: HostPower;
  readonly #options: HostMachinesOptions<Manifest>;
  readonly #consoles: KeptConsoles;
  /** Two that want one machine look at its owner one after the other. */
  readonly #adoptions = pLimit(1);
  #tidiedAt = 0;

  constructor(options: HostMachinesOptions<Manifest>) {
    this.#options = options;
    this.tombstones = new Tombstones(options.tombstonesDir);
    this.#consoles = new KeptConsoles(options.consolesDir);
    this.power = new HostPower({
      dirOf: (machineId) => this.dirOf(machineId),
      describe: (machineId, signal) => this.describe(machineId, signal),
      isDestroyed: (machineId) => this.tombstones.has(machineId),
      started: this.started,
    });
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
   * Starts the machine whose manifest is written, and says what became of it. Errors: those of `start`,
   * `permissionDenied` where the manifest is of another deployment, `notSigned` where it is of another start,
   * `machineEnded`.
   */
  async bringUp(request: MachineStart, start: () => Promise<void>): Promise<Machine> {
    const { machineId } = request;
    await this.#refuseForeign(machineId);
    await this.#refuseOtherStart(request);
    try {
      // One that was stopped stays so until it is started; a repeated create finds it.
      if ((await markOf(this.dirOf(machineId))) === undefined) await start();
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

  /**
   * The machine names another owner from now on, if it is still that of `from` and was made to be adopted by such a one.
   * Once: it has no `madeFor` any more. Errors: `notSigned` where it is of a third one or was made for others,
   * `machineEnded`, `hostFailure`.
   */
  async adopt(adoption: MachineAdoption, signal: CancelSignal): Promise<Machine> {
    signal.throwIfAborted();
    const { machineId } = adoption;
    return withHostFailures(async () => {
      await this.#adoptions(() => this.#changeOwner(adoption));
      await this.#sweepUpDestroyed(machineId);
      const machine = await this.#look(machineId);
      if (machine === undefined || machine.status === 'ended') throw ended(machineId);
      return machine;
    });
  }

  async #changeOwner({ machineId, from, to, uid, startSignature, madeFor }: MachineAdoption): Promise<void> {
    await this.refuseDestroyed(machineId);
    const manifest = isMachineId(machineId) ? await this.#manifestOf(machineId) : undefined;
    if (manifest === undefined) throw ended(machineId);
    const { owner, deployment } = manifest.labels;
    const isIts = owner === to && manifest.startSignature === startSignature;
    if (isIts) return;
    if (owner !== from || deployment !== this.#options.deployment) {
      throw new ProviderError('notSigned', `notSigned: ${machineId} is a machine of ${owner}, not of ${from}`);
    }
    if (manifest.madeFor !== madeFor) {
      throw new ProviderError('notSigned', `notSigned: ${machineId} was not made for a VM as ${to} is`);
    }
    const labels = machineLabels({ deployment, machineId, owner: to, uid });
    const path = join(this.dirOf(machineId), LOCAL_MACHINE_FILE.manifest);
    await replaceFile(path, jsonText({ ...manifest, labels, startSignature, madeFor: undefined }));
  }

  /** Of a machine, or for an hour of one that was destroyed; of another `owner` none. Errors: `hostFailure`. */
  async readConsole(machineId: string, { maxBytes, owner: wanted }: WantedConsole): Promise<Uint8Array | undefined> {
    if (!isMachineId(machineId)) return undefined;
    return withHostFailures(async () => {
      const tail = await readTail(this.#consoleOf(machineId), maxBytes);
      const owner = wanted === undefined ? undefined : await this.#ownerOf(machineId);
      // Without an owner it may have gone a moment ago.
      if (tail === undefined || owner !== wanted) return this.#consoles.read(machineId, maxBytes, wanted);
      return tail;
    });
  }

  /** Who the machine was made for; undefined when it is gone, or nobody knows. */
  async #ownerOf(machineId: string): Promise<string | undefined> {
    const manifest = await this.#options.readManifest(this.dirOf(machineId)).catch(ignoreDamage);
    return manifest?.labels.owner;
  }

  #consoleOf(machineId: string): string {
    return join(this.dirOf(machineId), LOCAL_MACHINE_FILE.console);
  }

  #isOurs(machine: Machine | undefined): boolean {
    return machine?.labels.deployment === this.#options.deployment;
  }

  async #refuseForeign(machineId: string): Promise<void> {
    const manifest = await this.#options.readManifest(this.dirOf(machineId));
    if (manifest === undefined || manifest.labels.deployment === this.#options.deployment) return;
    throw new ProviderError('permissionDenied', `${machineId} belongs to deployment ${manifest.labels.deployment}`);
  }

  /** Ids are in every view: an owner that asks for the machine of another gets neither its address nor what it says. */
  async #refuseOtherStart({ machineId, owner, startSignature }: MachineStart): Promise<void> {
    const manifest = await this.#options.readManifest(this.dirOf(machineId));
    if (manifest === undefined) return;
    const { labels } = manifest;
    if (labels.owner === owner && manifest.startSignature === startSignature) return;
    throw new ProviderError('notSigned', `notSigned: ${machineId} was made for another start, of ${labels.owner}`);
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
    const manifest = await this.#manifestOf(machineId);
    const process = await readProcess(dir);
    const alive = process !== undefined && (await isAlive(process));
    if (manifest === undefined) {
      if (alive) throw new DamagedFile(dir, `it lacks its manifest while process ${process.pid} runs`);
      return undefined;
    }
    const address = await readAddress(dir);
    const running = alive && address !== undefined;
    if (running) this.#options.onRunning?.(dir);
    const asked = await markOf(dir);
    // The memory of one that was suspended went with its process.
    if (!alive && asked !== undefined) return this.#machineOf(machineId, manifest, 'stopped', null);
    if (asked === 'suspended') return this.#machineOf(machineId, manifest, 'suspended', null);
    const status = process !== undefined && !alive ? 'ended' : running ? 'running' : 'starting';
    return this.#machineOf(machineId, manifest, status, address ?? null);
  }

  async #lookPastDamage(machineId: string): Promise<Machine | undefined> {
    try {
      return await this.#look(machineId);
    } catch (error) {
      ignoreDamage(error);
      const manifest = await this.#manifestOf(machineId).catch(ignoreDamage);
      return manifest === undefined ? undefined : this.#machineOf(machineId, manifest, 'starting', null);
    }
  }

  async #manifestOf(machineId: string): Promise<Manifest | undefined> {
    const dir = this.dirOf(machineId);
    const manifest = await this.#options.readManifest(dir);
    if (manifest === undefined || manifest.labels.machineId === machineId) return manifest;
    throw new DamagedFile(dir, `its manifest is that of ${manifest.labels.machineId}`);
  }

  #machineOf(machineId: string, manifest: Manifest, status: Machine['status'], address: Machine['address']): Machine {
    const { labels, createdAt, host } = manifest;
    const { provider, factsOf } = this.#options;
    const facts = factsOf(this.dirOf(machineId), manifest);
    const start = { startSignature: manifest.startSignature, awaitsAssignment: manifest.awaitsAssignment };
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

function ended(machineId: string): ProviderError {
  return new ProviderError('machineEnded', `${machineId} has ended`);
}

/** Lets everything pass on but damage. */
function ignoreDamage(error: unknown): undefined {
  if (error instanceof DamagedFile) return undefined;
  throw error;
}

/**
 * Machines that are plain processes on this computer, each with a loopback address of its own. No VM, and it
 * says so: for trying things out, fast tests and benches. All it knows is in the state directory, so any number
 * of instances and restarts see the same machines.
 */
import type { ChildProcess } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LOCAL_MACHINE_FILE, type LocalMachineOrder } from '../../domain/local-machine.ts';
import type { CancelSignal, CreateMachineRequest, Machine, MachineProvider } from '../../domain/machine-provider.ts';
import { ProviderError } from '../../domain/provider-error.ts';
import { endMachine, isLeftover, removeLeftover } from './machine-end.ts';
import {
  entriesOf,
  isMachineId,
  machineIdsIn,
  machinePlaces,
  makePrivateDir,
  readAddress,
  readOrder,
  readProcess,
  readTail,
  socketPathOf,
  writeOnce,
} from './machine-files.ts';
import { orderText, startMachine, type StartedProcesses } from './machine-start.ts';
import { PROVIDER_NAME, checkRequest } from './spec-check.ts';
import { isAlive } from './system-process.ts';
import { Tombstones } from './tombstones.ts';

export interface LocalProviderOptions {
  /** Absolute; machines live in `machines/`, tombstones in `machine-tombstones/`. */
  stateDir: string;
  deployment: string;
  hostId: string;
  /** The built machine program, `dist/vm-server.cjs`. */
  vmServerFile: string;
  agentTransport: 'unix' | 'http';
  /** The Node that runs the machines; this one by default. */
  nodePath?: string;
}

const NO_CHILDREN: ReadonlySet<ChildProcess> = new Set();
const LEFTOVER_KEPT_MS = 3600 * 1000;
const TIDY_EVERY_MS = 3600 * 1000;

export function createLocalProvider(options: LocalProviderOptions): MachineProvider {
  return new LocalProvider(options);
}

class LocalProvider implements MachineProvider {
  readonly name = PROVIDER_NAME;
  private readonly options: LocalProviderOptions;
  private readonly places: ReturnType<typeof machinePlaces>;
  private readonly tombstones: Tombstones;
  private readonly started: StartedProcesses = new Map();
  private tidiedAt = 0;

  constructor(options: LocalProviderOptions) {
    this.options = options;
    this.places = machinePlaces(options.stateDir);
    this.tombstones = new Tombstones(this.places.tombstones);
  }

  async create(request: CreateMachineRequest, signal: CancelSignal): Promise<Machine> {
    signal.throwIfAborted();
    checkRequest(request, this.options.agentTransport);
    const { machineId } = request;
    await this.refuseDestroyed(machineId);
    const dir = this.dirOf(machineId);
    const first = await this.writeOrder(dir, request);
    await this.refuseForeign(machineId);
    try {
      await startMachine(
        {
          machineId,
          dir,
          program: { nodePath: this.options.nodePath ?? process.execPath, vmServerFile: this.options.vmServerFile },
          started: this.started,
          first,
          agentSecret: this.options.agentTransport === 'http' ? (request.agentBootstrap?.secret ?? null) : null,
          consoleMayHoldSecrets: request.spec.sealed !== undefined,
          isDestroyed: () => this.tombstones.has(machineId),
        },
        signal,
      );
    } catch (error) {
      await this.sweepUpDestroyed(machineId);
      throw error;
    }
    const machine = await this.look(machineId);
    if (machine === undefined) throw new ProviderError('machineEnded', `${machineId} was destroyed`);
    return machine;
  }

  async describe(machineId: string, signal: CancelSignal): Promise<Machine | undefined> {
    signal.throwIfAborted();
    const machine = isMachineId(machineId) ? await this.look(machineId) : undefined;
    return machine?.labels.deployment === this.options.deployment ? machine : undefined;
  }

  async destroy(machineId: string, signal: CancelSignal): Promise<void> {
    signal.throwIfAborted();
    if (!isMachineId(machineId)) return;
    await this.refuseForeign(machineId);
    await this.tombstones.add(machineId);
    await endMachine(this.dirOf(machineId), this.started.get(machineId) ?? NO_CHILDREN, signal);
    await this.tidy(Date.now());
  }

  async list(signal: CancelSignal): Promise<Machine[]> {
    signal.throwIfAborted();
    const machineIds = await machineIdsIn(this.places);
    const machines = await Promise.all(machineIds.map((machineId) => this.look(machineId)));
    return machines.filter((machine) => machine?.labels.deployment === this.options.deployment) as Machine[];
  }

  async readConsole(machineId: string, maxBytes: number): Promise<Uint8Array | undefined> {
    if (!isMachineId(machineId)) return undefined;
    return readTail(join(this.dirOf(machineId), LOCAL_MACHINE_FILE.console), maxBytes);
  }

  private dirOf(machineId: string): string {
    return join(this.places.machines, machineId);
  }

  /** True when this call wrote the order, false when one was there. */
  private async writeOrder(dir: string, request: CreateMachineRequest): Promise<boolean> {
    await makePrivateDir(dir);
    const { path: socketPath, shortDir } = socketPathOf(dir);
    if (shortDir !== null) await makePrivateDir(shortDir);
    const { machineId, project, vm, spec, agentBootstrap } = request;
    const order: LocalMachineOrder = {
      labels: { deployment: this.options.deployment, machineId, project, vm },
      createdAt: Date.now(),
      host: this.options.hostId,
      size: { cpus: spec.cpus, memoryMb: spec.memoryMb, diskGb: spec.diskGb ?? 0 },
      ports: spec.ports,
      env: spec.env,
      ...(spec.sealed === undefined ? {} : { awaitsAssignment: true }),
      tombstonePath: this.tombstones.pathOf(machineId),
      link:
        this.options.agentTransport === 'http'
          ? { kind: 'http', apiUrl: agentBootstrap?.apiUrl ?? '' }
          : { kind: 'unix', socketPath },
    };
    return writeOnce(dir, LOCAL_MACHINE_FILE.order, orderText(order));
  }

  private async refuseDestroyed(machineId: string): Promise<void> {
    if (!(await this.tombstones.has(machineId))) return;
    throw new ProviderError('machineEnded', `${machineId} was destroyed; its id is never used again`);
  }

  private async refuseForeign(machineId: string): Promise<void> {
    const order = await readOrder(this.dirOf(machineId));
    if (order === undefined || order.labels.deployment === this.options.deployment) return;
    throw new ProviderError('permissionDenied', `${machineId} belongs to deployment ${order.labels.deployment}`);
  }

  /** A destroy that ran while we were creating may have finished before we wrote: then the rest is ours to remove. */
  private async sweepUpDestroyed(machineId: string): Promise<void> {
    if (!(await this.tombstones.has(machineId))) return;
    const { signal } = new AbortController();
    await endMachine(this.dirOf(machineId), this.started.get(machineId) ?? NO_CHILDREN, signal);
  }

  private async look(machineId: string): Promise<Machine | undefined> {
    const dir = this.dirOf(machineId);
    const order = await readOrder(dir);
    if (order?.labels.machineId !== machineId) return undefined;
    const [machine, address] = [await readProcess(dir), await readAddress(dir)];
    const alive = machine !== undefined && (await isAlive(machine));
    const ended = machine !== undefined && !alive;
    return {
      machineId,
      provider: PROVIDER_NAME,
      host: order.host,
      zone: null,
      address: address ?? null,
      status: ended ? 'ended' : alive && address !== undefined ? 'running' : 'starting',
      labels: order.labels,
      agent: order.link.kind === 'unix' ? { kind: 'unix', path: order.link.socketPath } : { kind: 'http' },
      createdAt: order.createdAt,
      ...(order.size === undefined ? {} : { size: order.size }),
    };
  }

  /** Once an hour: old tombstones, and what a death in the middle of a removal left behind. */
  private async tidy(now: number): Promise<void> {
    if (now - this.tidiedAt < TIDY_EVERY_MS) return;
    this.tidiedAt = now;
    await this.tombstones.prune(now);
    for (const name of (await entriesOf(this.places.machines)).filter(isLeftover)) {
      const path = join(this.places.machines, name);
      const changedAt = await stat(path).then(
        ({ ctimeMs }) => ctimeMs,
        () => now,
      );
      if (now - changedAt > LEFTOVER_KEPT_MS) await removeLeftover(path);
    }
  }
}

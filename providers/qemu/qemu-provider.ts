/**
 * Real virtual machines on this computer through QEMU. All it knows is in the state directory and in QEMU
 * itself, which outlives the worker, so any number of instances and restarts see the same machines.
 */
import type { ChildProcess } from 'node:child_process';
import { stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { GuestAssignment } from '../../domain/guest-machine.ts';
import type { CancelSignal, CreateMachineRequest, Machine, MachineProvider } from '../../domain/machine-provider.ts';
import { ProviderError } from '../../domain/provider-error.ts';
import type { RoomSize } from '../../domain/room.ts';
import type { VmSpec } from '../../domain/vm-spec.ts';
import { endMachine, isLeftover, removeLeftover } from '../local/machine-end.ts';
import {
  entriesOf,
  isErrno,
  isMachineId,
  machineIdsIn,
  makePrivateDir,
  readAddress,
  readProcess,
  readTail,
  writeOnce,
} from '../local/machine-files.ts';
import { isAlive } from '../local/system-process.ts';
import { Tombstones } from '../local/tombstones.ts';
import { GuestWatch } from './guest-watch.ts';
import { findHypervisor, type Hypervisor } from './hypervisor.ts';
import { diskImagesDir } from './disk-images.ts';
import { checkAgentVolumes, checkImage, type QemuImage } from './image-files.ts';
import type { StartedProcesses } from './launch.ts';
import { diskFor } from './machine-disk.ts';
import {
  EMULATION,
  QEMU_MACHINE_FILE,
  isOfOwnImage,
  jsonText,
  qemuMachinesDir,
  readOrder,
  socketsOf,
  type Accelerator,
  type MachineDisk,
  type QemuMachineOrder,
} from './machine-order.ts';
import { startMachine } from './machine-start.ts';
import { shutDown } from './shut-down.ts';
import { PROVIDER_NAME, checkRequest } from './spec-check.ts';

export interface QemuProviderOptions {
  /** Absolute; machines live in `machines-qemu/`, tombstones in `machines-qemu-tombstones/`, images in `images/`. */
  stateDir: string;
  deployment: string;
  hostId: string;
  /** The files of the image `vm-server`. */
  image: QemuImage;
  /** What runs the guests' instructions: chooseAccelerator finds what works here. Software emulation by default. */
  accelerator?: Accelerator;
  /** The QEMU program; the one on PATH by default. */
  qemuPath?: string;
  /** How long one try to boot may take, and how many there are. */
  bootDeadlineSeconds?: number;
  bootTries?: number;
  /** The console never grows past this, whether or not a worker is there to cut it. */
  consoleHardLimitBytes?: number;
}

/** Software emulation on a busy computer needs several times what it takes on an idle one (5 to 11 s). */
const BOOT_DEADLINE_SECONDS = { tcg: 40, kvm: 15 } as const;
const BOOT_TRIES = 3;
const CONSOLE_HARD_LIMIT_BYTES = 16 * 1024 * 1024;
const MIN_FREE_DISK_BYTES = 64 * 1024 * 1024;
const NO_CHILDREN: ReadonlySet<ChildProcess> = new Set();
const LEFTOVER_KEPT_MS = 3600 * 1000;
const TIDY_EVERY_MS = 3600 * 1000;

export function createQemuProvider(options: QemuProviderOptions): MachineProvider {
  return new QemuProvider(options);
}

class QemuProvider implements MachineProvider {
  readonly name = PROVIDER_NAME;
  private readonly options: QemuProviderOptions;
  private readonly places: { machines: string; tombstones: string; images: string };
  private readonly tombstones: Tombstones;
  private readonly started: StartedProcesses = new Map();
  private readonly accelerator: Accelerator;
  private readonly watch: GuestWatch;
  private hypervisor: Hypervisor | undefined;
  private tidiedAt = 0;

  constructor(options: QemuProviderOptions) {
    this.options = options;
    const { stateDir, bootDeadlineSeconds, bootTries } = options;
    this.accelerator = options.accelerator ?? EMULATION;
    this.places = {
      machines: qemuMachinesDir(stateDir),
      tombstones: join(stateDir, 'machines-qemu-tombstones'),
      images: diskImagesDir(stateDir),
    };
    this.tombstones = new Tombstones(this.places.tombstones);
    this.watch = new GuestWatch({
      deadlineSeconds: bootDeadlineSeconds ?? BOOT_DEADLINE_SECONDS[this.accelerator.kind],
      tries: bootTries ?? BOOT_TRIES,
    });
  }

  async create(request: CreateMachineRequest, signal: CancelSignal): Promise<Machine> {
    signal.throwIfAborted();
    checkRequest(request);
    const { machineId, spec } = request;
    await this.refuseDestroyed(machineId);
    this.hypervisor ??= await findHypervisor(this.options.qemuPath);
    const disk = await diskFor(spec, this.places.images);
    if (isOfOwnImage({ disk })) await checkAgentVolumes(this.options.image);
    else await this.checkBuiltInImage(spec);
    const dir = this.dirOf(machineId);
    const first = await this.writeOrder(dir, request, disk);
    await this.refuseForeign(machineId);
    try {
      await this.start(machineId, this.hypervisor, first, signal);
    } catch (error) {
      await this.sweepUpDestroyed(machineId);
      throw error;
    }
    const machine = await this.look(machineId);
    if (machine === undefined) throw new ProviderError('machineEnded', `${machineId} was destroyed`);
    return machine;
  }

  async sizeOf(spec: VmSpec): Promise<RoomSize> {
    const { cpus, memoryMb } = spec;
    return { cpus, memoryMb, diskGb: (await diskFor(spec, this.places.images))?.sizeGb ?? 0 };
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
    await shutDown(this.dirOf(machineId), signal);
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
    return readTail(join(this.dirOf(machineId), QEMU_MACHINE_FILE.console), maxBytes);
  }

  private dirOf(machineId: string): string {
    return join(this.places.machines, machineId);
  }

  private async checkBuiltInImage({ memoryMb }: VmSpec): Promise<void> {
    const { minMemoryMb } = await checkImage(this.options.image);
    if (memoryMb >= minMemoryMb) return;
    throw new ProviderError('memoryTooSmall', `memoryMb is ${memoryMb}; the image needs ${minMemoryMb}`);
  }

  private async start(machineId: string, hypervisor: Hypervisor, first: boolean, signal: CancelSignal): Promise<void> {
    const dir = this.dirOf(machineId);
    const order = await readOrder(dir);
    if (order === undefined) throw new ProviderError('machineEnded', `${machineId} was destroyed`);
    const input = {
      machineId,
      dir,
      order,
      image: this.options.image,
      hypervisor,
      tombstonePath: this.tombstones.pathOf(machineId),
      started: this.started,
      first,
      consoleHardLimitBytes: this.options.consoleHardLimitBytes ?? CONSOLE_HARD_LIMIT_BYTES,
      isDestroyed: () => this.tombstones.has(machineId),
    };
    await startMachine(input, signal);
  }

  /** True when this call wrote the order, false when one was there. */
  private async writeOrder(dir: string, request: CreateMachineRequest, disk: MachineDisk | null): Promise<boolean> {
    const { machineId, project, vm, spec } = request;
    const { ports, cpus, memoryMb } = spec;
    // A microvm has no firmware that boots a disk.
    const accelerator = isOfOwnImage({ disk }) ? { ...this.accelerator, machine: 'q35' as const } : this.accelerator;
    const order: QemuMachineOrder = {
      labels: { deployment: this.options.deployment, machineId, project, vm },
      createdAt: Date.now(),
      host: this.options.hostId,
      ...{ ports, cpus, memoryMb, disk, accelerator },
    };
    const awaitsAssignment = spec.sealed !== undefined;
    const assignment: GuestAssignment = { machineId, vm, ports, env: spec.env, awaitsAssignment };
    try {
      if ((await readOrder(dir)) === undefined) await this.refuseFullDisk();
      await makePrivateDir(dir);
      const { shortDir } = socketsOf(dir);
      if (shortDir !== null) await makePrivateDir(shortDir);
      // Before the order: whoever finds the order may start the machine.
      await writeOnce(dir, QEMU_MACHINE_FILE.assignment, jsonText(assignment));
      return await writeOnce(dir, QEMU_MACHINE_FILE.order, jsonText(order));
    } catch (error) {
      if (isErrno(error, 'ENOSPC') || isErrno(error, 'EDQUOT')) throw diskFull(this.options.stateDir, error);
      throw error;
    }
  }

  /** Before the machine has a directory: what is refused leaves nothing. One that has its order needs no more. */
  private async refuseFullDisk(): Promise<void> {
    await makePrivateDir(this.places.machines);
    const { bavail, bsize } = await statfs(this.places.machines);
    if (bavail * bsize < MIN_FREE_DISK_BYTES) throw diskFull(this.options.stateDir);
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
    const [process, address] = [await readProcess(dir), await readAddress(dir)];
    const alive = process !== undefined && (await isAlive(process));
    if (alive && address !== undefined) this.watch.start(dir);
    return {
      machineId,
      provider: PROVIDER_NAME,
      host: order.host,
      zone: null,
      address: address ?? null,
      status: process !== undefined && !alive ? 'ended' : alive && address !== undefined ? 'running' : 'starting',
      labels: order.labels,
      agent: { kind: 'unix', path: socketsOf(dir).agent },
      createdAt: order.createdAt,
      size: { cpus: order.cpus, memoryMb: order.memoryMb, diskGb: order.disk?.sizeGb ?? 0 },
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

function diskFull(stateDir: string, cause?: unknown): ProviderError {
  return new ProviderError('diskFull', `${stateDir} has no room for another machine`, { cause });
}

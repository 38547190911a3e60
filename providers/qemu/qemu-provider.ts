/**
 * Real virtual machines on this computer through QEMU. All it knows is in the state directory and in QEMU
 * itself, which outlives the worker, so any number of instances and restarts see the same machines.
 */
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { GuestAssignment } from '../../domain/guest-machine.ts';
import type {
  CancelSignal,
  ConsoleOwner,
  CreateMachineRequest,
  Machine,
  MachineProvider,
} from '../../domain/machine-provider.ts';
import { ProviderError } from '../../domain/provider-error.ts';
import type { RoomSize } from '../../domain/room.ts';
import type { VmSpec } from '../../domain/vm-spec.ts';
import { HostMachines } from '../host/host-machines.ts';
import { isErrno, jsonText, makePrivateDir, writeOnce } from '../host/machine-files.ts';
import { GuestUsers } from './guest-users.ts';
import { GuestWatch } from './guest-watch.ts';
import { findHypervisor, type Hypervisor } from './hypervisor.ts';
import { diskImagesDir } from './disk-images.ts';
import { checkAgentVolumes, checkImage, type QemuImage } from './image-files.ts';
import { diskFor } from './machine-disk.ts';
import {
  EMULATION,
  QEMU_MACHINE_FILE,
  isOfOwnImage,
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
  /**
   * Absolute; machines live in `machines-qemu/`, tombstones in `machines-qemu-tombstones/`, consoles of destroyed
   * machines in `machines-qemu-consoles/`, the users that guests have in `machines-qemu-users/`, images in `images/`.
   */
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

export function createQemuProvider(options: QemuProviderOptions): MachineProvider {
  return new QemuProvider(options);
}

class QemuProvider implements MachineProvider {
  readonly name = PROVIDER_NAME;
  private readonly options: QemuProviderOptions;
  private readonly machines: HostMachines<QemuMachineOrder>;
  private readonly machinesDir: string;
  private readonly imagesDir: string;
  private readonly users: GuestUsers;
  private readonly accelerator: Accelerator;
  private hypervisor: Hypervisor | undefined;

  constructor(options: QemuProviderOptions) {
    this.options = options;
    const { stateDir, bootDeadlineSeconds, bootTries } = options;
    this.accelerator = options.accelerator ?? EMULATION;
    this.machinesDir = qemuMachinesDir(stateDir);
    this.imagesDir = diskImagesDir(stateDir);
    this.users = new GuestUsers(join(stateDir, 'machines-qemu-users'));
    const watch = new GuestWatch({
      deadlineSeconds: bootDeadlineSeconds ?? BOOT_DEADLINE_SECONDS[this.accelerator.kind],
      tries: bootTries ?? BOOT_TRIES,
    });
    this.machines = new HostMachines<QemuMachineOrder>({
      provider: PROVIDER_NAME,
      deployment: options.deployment,
      machinesDir: this.machinesDir,
      tombstonesDir: join(stateDir, 'machines-qemu-tombstones'),
      consolesDir: join(stateDir, 'machines-qemu-consoles'),
      readOrder,
      factsOf: (dir, { cpus, memoryMb, disk }) => ({
        agent: { kind: 'unix', path: socketsOf(dir).agent },
        size: { cpus, memoryMb, diskGb: disk?.sizeGb ?? 0 },
      }),
      onGone: (machineId) => this.users.release(machineId),
      onRunning: (dir) => watch.start(dir),
    });
  }

  async create(request: CreateMachineRequest, signal: CancelSignal): Promise<Machine> {
    signal.throwIfAborted();
    checkRequest(request);
    const { machineId, spec } = request;
    await this.machines.refuseDestroyed(machineId);
    this.hypervisor ??= await findHypervisor(this.options.qemuPath);
    const disk = await diskFor(spec, this.imagesDir);
    if (isOfOwnImage({ disk })) await checkAgentVolumes(this.options.image);
    else await this.checkBuiltInImage(spec);
    const dir = this.machines.dirOf(machineId);
    const first = await this.writeOrder(dir, request, disk);
    const { hypervisor } = this;
    return this.machines.bringUp(request, () => this.start(machineId, hypervisor, first, signal));
  }

  async sizeOf(spec: VmSpec): Promise<RoomSize> {
    const { cpus, memoryMb } = spec;
    return { cpus, memoryMb, diskGb: (await diskFor(spec, this.imagesDir))?.sizeGb ?? 0 };
  }

  async describe(machineId: string, signal: CancelSignal): Promise<Machine | undefined> {
    return this.machines.describe(machineId, signal);
  }

  async destroy(machineId: string, signal: CancelSignal): Promise<void> {
    await this.machines.destroy(machineId, signal, (dir) => shutDown(dir, signal));
  }

  async list(signal: CancelSignal): Promise<Machine[]> {
    return this.machines.list(signal);
  }

  async readConsole(machineId: string, maxBytes: number, owner?: ConsoleOwner): Promise<Uint8Array | undefined> {
    return this.machines.readConsole(machineId, maxBytes, owner);
  }

  private async checkBuiltInImage({ memoryMb }: VmSpec): Promise<void> {
    const { minMemoryMb } = await checkImage(this.options.image);
    if (memoryMb >= minMemoryMb) return;
    throw new ProviderError('memoryTooSmall', `memoryMb is ${memoryMb}; the image needs ${minMemoryMb}`);
  }

  private async start(machineId: string, hypervisor: Hypervisor, first: boolean, signal: CancelSignal): Promise<void> {
    const dir = this.machines.dirOf(machineId);
    const order = await readOrder(dir);
    if (order === undefined) throw new ProviderError('machineEnded', `${machineId} was destroyed`);
    const { tombstones, started } = this.machines;
    const input = {
      machineId,
      dir,
      order,
      image: this.options.image,
      hypervisor,
      tombstonePath: tombstones.pathOf(machineId),
      started,
      first,
      consoleHardLimitBytes: this.options.consoleHardLimitBytes ?? CONSOLE_HARD_LIMIT_BYTES,
      isDestroyed: () => tombstones.has(machineId),
    };
    await startMachine(input, signal);
  }

  /** True when this call wrote the order, false when one was there. */
  private async writeOrder(dir: string, request: CreateMachineRequest, disk: MachineDisk | null): Promise<boolean> {
    const { machineId, project, vm, spec, startSignature } = request;
    const { ports, cpus, memoryMb } = spec;
    // A microvm has no firmware that boots a disk.
    const accelerator = isOfOwnImage({ disk }) ? { ...this.accelerator, machine: 'q35' as const } : this.accelerator;
    const awaitsAssignment = spec.sealed !== undefined;
    const hasOrder = (await readOrder(dir)) !== undefined;
    const order: QemuMachineOrder = {
      labels: { deployment: this.options.deployment, machineId, project, vm },
      createdAt: Date.now(),
      host: this.options.hostId,
      ...(startSignature === undefined ? {} : { startSignature }),
      ...(awaitsAssignment ? { awaitsAssignment } : {}),
      ...{ ports, cpus, memoryMb, disk, accelerator },
    };
    const assignment: GuestAssignment = { machineId, vm, ports, env: spec.env, awaitsAssignment };
    try {
      if (!hasOrder) await this.refuseFullDisk();
      if (!hasOrder && process.getuid?.() === 0) order.uid = await this.users.claim(machineId);
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
    await makePrivateDir(this.machinesDir);
    const { bavail, bsize } = await statfs(this.machinesDir);
    if (bavail * bsize < MIN_FREE_DISK_BYTES) throw diskFull(this.options.stateDir);
  }
}

function diskFull(stateDir: string, cause?: unknown): ProviderError {
  return new ProviderError('diskFull', `${stateDir} has no room for another machine`, { cause });
}

/**
 * Real virtual machines on this computer through QEMU. All it knows is in the state directory and in QEMU
 * itself, which outlives the worker, so any number of instances and restarts see the same machines.
 */
import { join } from 'node:path';
import type { GuestAssignment } from '../../domain/machine/guest-machine.ts';
import { machineLabels } from '../../domain/machine/owner.ts';
import type {
  CallContext,
  CancelSignal,
  WantedConsole,
  CreateMachineRequest,
  Machine,
  MachineAdoption,
  MachinePowerControl,
  MachineProvider,
} from '../../domain/machine/provider.ts';
import type { ImagePeers } from '../../domain/machine/image-peers.ts';
import { ProviderError } from '../../domain/machine/provider-error.ts';
import { opensEgress } from '../../domain/network/egress.ts';
import type { Network } from '../../domain/network/ipv4.ts';
import type { RoomSize } from '../../domain/capacity/room.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';
import { HostImages } from '../host/host-images.ts';
import { HostMachines } from '../host/host-machines.ts';
import { refuseFullDisk, withFullDisk } from '../host/files/disk-room.ts';
import { makeMachineDirectory } from '../host/files/machine-directory.ts';
import { jsonText, makePrivateDir } from '../host/files/machine-files.ts';
import { PROVIDER_NAME } from './capabilities.ts';
import { GuestUsers } from './machine/guest-users.ts';
import { GuestWatch } from './machine/guest-watch.ts';
import { findHypervisor, type Hypervisor } from './hypervisor.ts';
import { containerOf, type ContainerImage } from './image/container-images.ts';
import { checkAgentVolumes, checkContainerBoot, checkImage, type QemuImage } from './image/image-files.ts';
import { ImageStore } from './image/image-store.ts';
import { registeredImagesDir } from './image/registered-images.ts';
import { bringDisk, keepDisk, readKeptDisk } from './machine/kept-disk.ts';
import { blankDisk, diskBesides, diskFrom, diskOver, diskSizeGb, isOfRegistered } from './machine/machine-disk.ts';
import {
  EMULATION,
  QEMU_MACHINE_FILE,
  isOfOwnImage,
  qemuMachinesDir,
  readManifest,
  socketsOf,
  type Accelerator,
  type MachineDisk,
  type QemuManifest,
} from './machine/machine-manifest.ts';
import { startMachine } from './machine/machine-start.ts';
import { KEEPING_THE_DISK, shutDown } from './machine/shut-down.ts';
import type { GuestNetworkKind } from './network/find-network.ts';
import { UPLINK_TRIES } from './network/guest-network.ts';
import { UPLINK_FILE } from './network/uplink-state.ts';
import {
  checkContainer,
  checkRequest,
  portsOf,
  refuseContainerName,
  refuseNetworked,
  refuseBeyond,
} from './spec-check.ts';

export interface QemuProviderOptions {
  /**
   * Absolute; machines live in `machines-qemu/`, tombstones in `machines-qemu-tombstones/`, consoles of destroyed
   * machines in `machines-qemu-consoles/`, the users that guests have in `machines-qemu-users/`, registered images in
   * `images/`, images of machines in `machines-qemu-images/`.
   */
  stateDir: string;
  deployment: string;
  hostId: string;
  /** The files of the image `vm-server`. */
  image: QemuImage;
  /** The other hosts, from which registered images are fetched; absent: nothing is. */
  imagePeers?: ImagePeers | undefined;
  /** What fetched images may take. */
  imageCacheBytes?: number;
  /** What runs the guests' instructions: chooseAccelerator finds what works here. Software emulation by default. */
  accelerator?: Accelerator;
  /** Ranges that guests get addresses of; else they have loopback addresses. */
  addresses?: readonly string[];
  /** What network new guests have; by default the user network. */
  network?: GuestNetworkKind;
  /** Private networks, and others that the host is directly on, that the egress of a spec may name. */
  egressNetworks?: readonly Network[];
  /** How often the uplink of a guest's network is started again, each half second; only tests set another. */
  uplinkTries?: number;
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
const IMAGE_CACHE_BYTES = 50 * 1024 ** 3;

export function createQemuProvider(options: QemuProviderOptions): MachineProvider {
  return new QemuProvider(options);
}

/** What a machine is made of besides its size. */
interface MachineParts {
  disk: MachineDisk | null;
  container?: ContainerImage | undefined;
}

class QemuProvider implements MachineProvider {
  readonly name = PROVIDER_NAME;
  readonly power: MachinePowerControl = {
    stop: (machineId, { signal }) =>
      this.machines.power.stop(machineId, signal, (dir) => shutDown(dir, signal, KEEPING_THE_DISK)),
    // Its disk is made anew by the start that follows.
    reset: (machineId, { signal }) => this.machines.power.reset(machineId, signal, [QEMU_MACHINE_FILE.assignment]),
    start: ({ machineId }, { signal }) => this.startStopped(machineId, signal),
  };
  readonly images: HostImages;
  readonly copies: ImageStore;
  private readonly options: QemuProviderOptions;
  private readonly machines: HostMachines<QemuManifest>;
  private readonly machinesDir: string;
  private readonly imagesDir: string;
  private readonly users: GuestUsers;
  private readonly accelerator: Accelerator;
  private readonly network: GuestNetworkKind;
  private hypervisor: Hypervisor | undefined;

  constructor(options: QemuProviderOptions) {
    this.options = options;
    const { stateDir, bootDeadlineSeconds, bootTries } = options;
    this.accelerator = options.accelerator ?? EMULATION;
    this.network = options.network ?? { kind: 'user', why: 'it was not asked for one' };
    this.machinesDir = qemuMachinesDir(stateDir);
    this.imagesDir = registeredImagesDir(stateDir);
    this.copies = new ImageStore({
      dir: this.imagesDir,
      machinesDir: this.machinesDir,
      peers: options.imagePeers,
      cacheBytes: options.imageCacheBytes ?? IMAGE_CACHE_BYTES,
    });
    this.users = new GuestUsers(join(stateDir, 'machines-qemu-users'));
    const watch = new GuestWatch({
      deadlineSeconds: bootDeadlineSeconds ?? BOOT_DEADLINE_SECONDS[this.accelerator.kind],
      tries: bootTries ?? BOOT_TRIES,
    });
    this.machines = new HostMachines<QemuManifest>({
      provider: PROVIDER_NAME,
      deployment: options.deployment,
      machinesDir: this.machinesDir,
      tombstonesDir: join(stateDir, 'machines-qemu-tombstones'),
      consolesDir: join(stateDir, 'machines-qemu-consoles'),
      readManifest,
      factsOf: (dir, { cpus, memoryMb, disk }) => ({
        agent: { kind: 'unix', path: socketsOf(dir).agent },
        size: { cpus, memoryMb, diskGb: disk?.sizeGb ?? 0 },
      }),
      onGone: (machineId) => this.users.release(machineId),
      onRunning: (dir) => watch.start(dir),
    });
    this.images = new HostImages({
      imagesDir: join(stateDir, 'machines-qemu-images'),
      stateDir,
      deployment: options.deployment,
      machines: this.machines,
      keep: keepDisk,
    });
  }

  async create(request: CreateMachineRequest, { signal }: CallContext): Promise<Machine> {
    signal.throwIfAborted();
    checkRequest(request);
    const { machineId, spec } = request;
    if (this.network.kind === 'user') refuseNetworked(spec, this.network.why);
    refuseBeyond(spec, this.options.egressNetworks ?? []);
    await this.machines.refuseDestroyed(machineId);
    this.hypervisor ??= await findHypervisor(this.options.qemuPath);
    const dir = this.machines.dirOf(machineId);
    const made = await readManifest(dir);
    const imageDir = made === undefined ? await this.imageDirFor(request) : null;
    const write = async (parts: MachineParts): Promise<boolean> => {
      if (isOfOwnImage(parts)) await checkAgentVolumes(this.options.image);
      else await this.checkBuiltInImage(spec, made?.container ?? parts.container);
      return this.writeManifest(dir, request, { ...parts, imageDir });
    };
    const first = await (made === undefined
      ? this.withPartsOf(spec, imageDir, signal, write)
      : write({ disk: made.disk }));
    const { hypervisor } = this;
    return this.machines.bringUp(request, () => this.start(machineId, hypervisor, first, signal));
  }

  async sizeOf(spec: VmSpec): Promise<RoomSize> {
    const { cpus, memoryMb, startFrom } = spec;
    const imageDir = startFrom === undefined ? null : await this.images.directoryOf(startFrom.imageId);
    const kept = imageDir === null ? null : await readKeptDisk(imageDir);
    if (kept !== null) return { cpus, memoryMb, diskGb: diskFrom(spec, kept, this.imagesDir).sizeGb };
    if (!isOfRegistered(spec)) return { cpus, memoryMb, diskGb: spec.diskGb ?? 0 };
    const name = await this.copies.named(spec.image);
    return { cpus, memoryMb, diskGb: diskSizeGb(spec, await this.copies.leastDiskGb(name)) };
  }

  /** The image that the machine starts from; null where it starts from none. Errors: `imageGone`, `permissionDenied`. */
  private async imageDirFor({ spec: { startFrom }, owner }: CreateMachineRequest): Promise<string | null> {
    return startFrom === undefined ? null : this.images.directoryFor(startFrom.imageId, owner);
  }

  /** Does `work` with what a machine of the spec is made of. A registered image stays here meanwhile. */
  private async withPartsOf<Result>(
    spec: VmSpec,
    imageDir: string | null,
    signal: CancelSignal,
    work: (parts: MachineParts) => Promise<Result>,
  ): Promise<Result> {
    const kept = imageDir === null ? null : await readKeptDisk(imageDir);
    const keptDisk = kept === null ? null : diskFrom(spec, kept, this.imagesDir);
    if (keptDisk !== null && kept?.rootSha256 === undefined) return work({ disk: keptDisk });
    if (!isOfRegistered(spec)) return work({ disk: await blankDisk(spec) });
    const named = await this.copies.named(spec.image);
    // What is on a kept disk was written above these very files, whatever the name stands for now.
    const [name = ''] = named.split('@');
    const image = kept?.rootSha256 === undefined ? named : `${name}@${kept.rootSha256}`;
    return this.copies.using(image, signal, (version) => {
      const container = containerOf(version);
      if (container === undefined) {
        refuseContainerName(spec);
        return work({ disk: diskOver(spec, version) });
      }
      checkContainer(spec, container, this.network.kind !== 'user');
      return work({ disk: keptDisk ?? diskBesides(spec, version), container });
    });
  }

  async adopt(adoption: MachineAdoption, { signal }: CallContext): Promise<Machine> {
    return this.machines.adopt(adoption, signal);
  }

  async describe(machineId: string, { signal }: CallContext): Promise<Machine | undefined> {
    return this.machines.describe(machineId, signal);
  }

  async destroy(machineId: string, { signal }: CallContext): Promise<void> {
    await this.machines.destroy(machineId, signal, (dir) => shutDown(dir, signal));
  }

  async list({ signal }: CallContext): Promise<Machine[]> {
    return this.machines.list(signal);
  }

  async readConsole(machineId: string, wanted: WantedConsole): Promise<Uint8Array | undefined> {
    return this.machines.readConsole(machineId, wanted);
  }

  private async startStopped(machineId: string, signal: CancelSignal): Promise<Machine> {
    this.hypervisor ??= await findHypervisor(this.options.qemuPath);
    const { hypervisor } = this;
    return this.machines.power.start(
      machineId,
      signal,
      (_dir, first) => this.start(machineId, hypervisor, first, signal),
      // Its boot is watched anew.
      [QEMU_MACHINE_FILE.boot, QEMU_MACHINE_FILE.booted, UPLINK_FILE],
    );
  }

  private async checkBuiltInImage({ memoryMb }: VmSpec, container: object | undefined): Promise<void> {
    const check = container === undefined ? checkImage : checkContainerBoot;
    const { minMemoryMb } = await check(this.options.image);
    if (memoryMb >= minMemoryMb) return;
    throw new ProviderError('memoryTooSmall', `memoryMb is ${memoryMb}; the image needs ${minMemoryMb}`);
  }

  private async start(machineId: string, hypervisor: Hypervisor, first: boolean, signal: CancelSignal): Promise<void> {
    const dir = this.machines.dirOf(machineId);
    const manifest = await readManifest(dir);
    if (manifest === undefined) throw new ProviderError('machineEnded', `${machineId} was destroyed`);
    const { tombstones, started } = this.machines;
    const input = {
      machineId,
      dir,
      manifest,
      image: this.options.image,
      addresses: this.options.addresses ?? [],
      egressNetworks: this.options.egressNetworks ?? [],
      uplinkTries: this.options.uplinkTries ?? UPLINK_TRIES,
      hypervisor,
      tombstonePath: tombstones.pathOf(machineId),
      started,
      first,
      consoleHardLimitBytes: this.options.consoleHardLimitBytes ?? CONSOLE_HARD_LIMIT_BYTES,
      isDestroyed: () => tombstones.has(machineId),
    };
    await startMachine(input, signal);
  }

  /** True when this call wrote the manifest, false when one was there. */
  private async writeManifest(
    dir: string,
    request: CreateMachineRequest,
    { disk, container, imageDir }: MachineParts & { imageDir: string | null },
  ): Promise<boolean> {
    const { machineId, owner, uid, spec, startSignature, madeFor } = request;
    const { cpus, memoryMb } = spec;
    const ports = portsOf(spec, container, this.network.kind !== 'user');
    // A microvm has no firmware that boots a disk.
    const accelerator = isOfOwnImage({ disk }) ? { ...this.accelerator, machine: 'q35' as const } : this.accelerator;
    const awaitsAssignment = spec.sealed !== undefined;
    const hasManifest = (await readManifest(dir)) !== undefined;
    const manifest: QemuManifest = {
      labels: machineLabels({ deployment: this.options.deployment, machineId, owner, uid }),
      createdAt: Date.now(),
      host: this.options.hostId,
      ...(startSignature === undefined ? {} : { startSignature }),
      ...(madeFor === undefined ? {} : { madeFor }),
      ...(awaitsAssignment ? { awaitsAssignment } : {}),
      ...(container === undefined
        ? {}
        : { container: { image: spec.image, root: container.root, sha256: container.sha256 } }),
      ...(spec.userData === undefined ? {} : { userData: spec.userData }),
      ...{ ports, cpus, memoryMb, disk, accelerator },
      ...(this.network.kind === 'user' ? {} : { network: 'namespace' as const }),
      ...(opensEgress(spec.egress) ? { egress: spec.egress } : {}),
    };
    const { vm } = manifest.labels;
    const program = container === undefined ? {} : { container: container.program };
    const assignment: GuestAssignment = { machineId, vm, ports, env: spec.env, awaitsAssignment, ...program };
    return withFullDisk(this.options.stateDir, async () => {
      if (!hasManifest) {
        await makePrivateDir(this.machinesDir);
        await refuseFullDisk(this.machinesDir, this.options.stateDir, MIN_FREE_DISK_BYTES);
      }
      if (!hasManifest && process.getuid?.() === 0) manifest.uid = await this.users.claim(machineId);
      // Before the manifest: a process that finds the manifest may start the machine.
      const files = [
        [QEMU_MACHINE_FILE.assignment, jsonText(assignment)],
        [QEMU_MACHINE_FILE.manifest, jsonText(manifest)],
      ] as const;
      const bring = (at: string): Promise<void> => (imageDir === null ? Promise.resolve() : bringDisk(imageDir, at));
      const first = await makeMachineDirectory(dir, files, bring);
      const { shortDir } = socketsOf(dir);
      if (shortDir !== null) await makePrivateDir(shortDir);
      return first;
    });
  }
}

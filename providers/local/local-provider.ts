/**
 * Machines that are plain processes on this computer, each with a loopback address of its own. No VM, and it
 * says so: for trying things out, fast tests and benches. All it knows is in the state directory, so any number
 * of instances and restarts see the same machines.
 */
import { dirname, join } from 'node:path';
import { LOCAL_MACHINE_FILE, PROGRAM_IMAGE, type LocalManifest } from '../../domain/machine/local-machine.ts';
import { machineLabels } from '../../domain/machine/owner.ts';
import type {
  AgentBootstrap,
  CallContext,
  CancelSignal,
  WantedConsole,
  CreateMachineRequest,
  Machine,
  MachineAdoption,
  MachinePowerControl,
  MachineProvider,
  StartMachineRequest,
} from '../../domain/machine/provider.ts';
import type { ProviderParts } from '../descriptor.ts';
import { refuseFullDisk, withFullDisk } from '../host/files/disk-room.ts';
import { HostImages } from '../host/host-images.ts';
import { HostMachines } from '../host/host-machines.ts';
import { makeMachineDirectory } from '../host/files/machine-directory.ts';
import { jsonText, makePrivateDir, socketPathOf } from '../host/files/machine-files.ts';
import { PROVIDER_NAME } from './capabilities.ts';
import { bringData, keepData } from './machine-data.ts';
import { readManifest } from './machine-manifest.ts';
import { startMachine, writeSecret, type StartInput } from './machine-start.ts';
import type { LocalSettings } from './settings.ts';
import { checkRequest } from './spec-check.ts';

/** For the files of one machine and the start of its console. */
const MIN_FREE_DISK_BYTES = 4 * 1024 * 1024;

export interface LocalProviderOptions {
  /** Absolute; machines live in `machines/`, their images in `machine-images/`, tombstones in `machine-tombstones/`, ended consoles in `machine-consoles/`. */
  stateDir: string;
  deployment: string;
  hostId: string;
  /** The built machine program, `dist/vm-server.cjs`. */
  vmServerFile: string;
  agentTransport: 'unix' | 'http';
  /** Ranges that its machines get addresses of; else they have loopback addresses. */
  addresses?: readonly string[];
  /** The Node that runs the machines; this one by default. */
  nodePath?: string;
}

/** The provider that the settings of this process ask for. */
export function create({ own, ...parts }: ProviderParts<LocalSettings>): Promise<MachineProvider> {
  const { stateDir, deployment, hostId, vmServerFile, addresses = [] } = parts;
  const { agentTransport } = own;
  return Promise.resolve(
    createLocalProvider({ stateDir, deployment, hostId, vmServerFile, agentTransport, addresses }),
  );
}

export function createLocalProvider(options: LocalProviderOptions): MachineProvider {
  return new LocalProvider(options);
}

class LocalProvider implements MachineProvider {
  readonly name = PROVIDER_NAME;
  readonly power: MachinePowerControl = {
    stop: (machineId, { signal }) => this.machines.power.stop(machineId, signal),
    reset: (machineId, { signal }) => this.machines.power.reset(machineId, signal),
    start: (request, { signal }) => this.startStopped(request, signal),
    suspend: (machineId, { signal }) => this.machines.power.suspend(machineId, signal),
    resume: (request, { signal }) => this.startStopped(request, signal),
  };
  readonly images: HostImages;
  private readonly options: LocalProviderOptions;
  private readonly machines: HostMachines<LocalManifest>;

  constructor(options: LocalProviderOptions) {
    this.options = options;
    this.machines = new HostMachines<LocalManifest>({
      provider: PROVIDER_NAME,
      deployment: options.deployment,
      machinesDir: join(options.stateDir, 'machines'),
      tombstonesDir: join(options.stateDir, 'machine-tombstones'),
      consolesDir: join(options.stateDir, 'machine-consoles'),
      readManifest,
      factsOf: (_dir, { link, size }) => ({
        agent: link.kind === 'unix' ? { kind: 'unix', path: link.socketPath } : { kind: 'http' },
        ...(size === undefined ? {} : { size }),
      }),
    });
    this.images = new HostImages({
      imagesDir: join(options.stateDir, 'machine-images'),
      stateDir: options.stateDir,
      deployment: options.deployment,
      machines: this.machines,
      keep: keepData,
    });
  }

  async create(request: CreateMachineRequest, { signal }: CallContext): Promise<Machine> {
    signal.throwIfAborted();
    checkRequest(request, this.options.agentTransport);
    const { machineId } = request;
    await this.machines.refuseDestroyed(machineId);
    const { stateDir } = this.options;
    const dir = this.machines.dirOf(machineId);
    const first = await withFullDisk(stateDir, async () => {
      if ((await readManifest(dir)) === undefined) {
        const machinesDir = dirname(dir);
        await makePrivateDir(machinesDir);
        await refuseFullDisk(machinesDir, stateDir, MIN_FREE_DISK_BYTES);
      }
      return this.writeManifest(dir, request, signal);
    });
    const agentSecret = this.secretOf(request.agentBootstrap);
    return this.machines.bringUp(request, () =>
      this.bringUp({ machineId, first, agentSecret, consoleMayHoldSecrets: request.spec.sealed !== undefined }, signal),
    );
  }

  private startStopped({ machineId, agentBootstrap }: StartMachineRequest, signal: CancelSignal): Promise<Machine> {
    return this.machines.power.start(machineId, signal, async (dir, first) => {
      const consoleMayHoldSecrets = (await readManifest(dir))?.awaitsAssignment === true;
      const agentSecret = this.secretOf(agentBootstrap);
      await this.bringUp({ machineId, first, agentSecret, consoleMayHoldSecrets }, signal);
    });
  }

  private secretOf(bootstrap: AgentBootstrap | null): string | null {
    return this.options.agentTransport === 'http' ? (bootstrap?.secret ?? null) : null;
  }

  private async bringUp(
    input: Pick<StartInput, 'machineId' | 'first' | 'agentSecret' | 'consoleMayHoldSecrets'>,
    signal: CancelSignal,
  ): Promise<void> {
    const { nodePath = process.execPath, vmServerFile } = this.options;
    const { started, tombstones } = this.machines;
    const dir = this.machines.dirOf(input.machineId);
    const isDestroyed = (): Promise<boolean> => tombstones.has(input.machineId);
    const addresses = this.options.addresses ?? [];
    await startMachine({ ...input, dir, program: { nodePath, vmServerFile }, started, isDestroyed, addresses }, signal);
  }

  async adopt(adoption: MachineAdoption, { signal }: CallContext): Promise<Machine> {
    const machine = await this.machines.adopt(adoption, signal);
    const secret = this.secretOf(adoption.agentBootstrap);
    // The machine names its new owner by now; a try that ended before this is made again.
    if (secret !== null) await writeSecret(this.machines.dirOf(adoption.machineId), secret);
    return machine;
  }

  async describe(machineId: string, { signal }: CallContext): Promise<Machine | undefined> {
    return this.machines.describe(machineId, signal);
  }

  async destroy(machineId: string, { signal }: CallContext): Promise<void> {
    await this.machines.destroy(machineId, signal);
  }

  async list({ signal }: CallContext): Promise<Machine[]> {
    return this.machines.list(signal);
  }

  async readConsole(machineId: string, wanted: WantedConsole): Promise<Uint8Array | undefined> {
    return this.machines.readConsole(machineId, wanted);
  }

  /** Before the manifest, so that no machine begins without the data that it is to have. */
  private async bringData(
    dir: string,
    { spec: { startFrom }, owner }: CreateMachineRequest,
    signal: CancelSignal,
  ): Promise<void> {
    if (startFrom === undefined) return;
    const imageDir = await this.images.directoryFor(startFrom.imageId, owner);
    await bringData(imageDir, dir, signal);
  }

  /** True when this call wrote the manifest, false when one was there. */
  private async writeManifest(dir: string, request: CreateMachineRequest, signal: CancelSignal): Promise<boolean> {
    const { path: socketPath, shortDir } = socketPathOf(dir);
    const { machineId, owner, uid, spec, startSignature, madeFor, agentBootstrap } = request;
    const { addresses = [] } = this.options;
    const manifest: LocalManifest = {
      labels: machineLabels({ deployment: this.options.deployment, machineId, owner, uid }),
      createdAt: Date.now(),
      host: this.options.hostId,
      size: { cpus: spec.cpus, memoryMb: spec.memoryMb, diskGb: spec.diskGb ?? 0 },
      ports: spec.ports,
      env: spec.env,
      ...(spec.image === PROGRAM_IMAGE ? { program: { directory: process.cwd() } } : {}),
      ...(addresses.length === 0 ? {} : { addresses: [...addresses] }),
      ...(startSignature === undefined ? {} : { startSignature }),
      ...(madeFor === undefined ? {} : { madeFor }),
      ...(spec.sealed === undefined ? {} : { awaitsAssignment: true }),
      tombstonePath: this.machines.tombstones.pathOf(machineId),
      link: this.options.agentTransport === 'http' ? httpLinkOf(agentBootstrap) : { kind: 'unix', socketPath },
    };
    const files = [[LOCAL_MACHINE_FILE.manifest, jsonText(manifest)]] as const;
    const first = await makeMachineDirectory(dir, files, (draft) => this.bringData(draft, request, signal));
    if (shortDir !== null) await makePrivateDir(shortDir);
    return first;
  }
}

function httpLinkOf(bootstrap: AgentBootstrap | null): LocalManifest['link'] {
  const { apiUrl = '', apiCa } = bootstrap ?? {};
  return { kind: 'http', apiUrl, ...(apiCa === undefined ? {} : { apiCa }) };
}

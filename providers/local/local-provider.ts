/**
 * Machines that are plain processes on this computer, each with a loopback address of its own. No VM, and it
 * says so: for trying things out, fast tests and benches. All it knows is in the state directory, so any number
 * of instances and restarts see the same machines.
 */
import { join } from 'node:path';
import { LOCAL_MACHINE_FILE, type LocalMachineOrder } from '../../domain/local-machine.ts';
import type {
  AgentBootstrap,
  CancelSignal,
  ConsoleOwner,
  CreateMachineRequest,
  Machine,
  MachineProvider,
} from '../../domain/machine-provider.ts';
import { HostMachines } from '../host/host-machines.ts';
import { jsonText, makePrivateDir, socketPathOf, writeOnce } from '../host/machine-files.ts';
import { readOrder } from './machine-order.ts';
import { startMachine } from './machine-start.ts';
import { PROVIDER_NAME, checkRequest } from './spec-check.ts';

export interface LocalProviderOptions {
  /** Absolute; machines live in `machines/`, tombstones in `machine-tombstones/`, ended consoles in `machine-consoles/`. */
  stateDir: string;
  deployment: string;
  hostId: string;
  /** The built machine program, `dist/vm-server.cjs`. */
  vmServerFile: string;
  agentTransport: 'unix' | 'http';
  /** The Node that runs the machines; this one by default. */
  nodePath?: string;
}

export function createLocalProvider(options: LocalProviderOptions): MachineProvider {
  return new LocalProvider(options);
}

class LocalProvider implements MachineProvider {
  readonly name = PROVIDER_NAME;
  private readonly options: LocalProviderOptions;
  private readonly machines: HostMachines<LocalMachineOrder>;

  constructor(options: LocalProviderOptions) {
    this.options = options;
    this.machines = new HostMachines<LocalMachineOrder>({
      provider: PROVIDER_NAME,
      deployment: options.deployment,
      machinesDir: join(options.stateDir, 'machines'),
      tombstonesDir: join(options.stateDir, 'machine-tombstones'),
      consolesDir: join(options.stateDir, 'machine-consoles'),
      readOrder,
      factsOf: (_dir, { link, size }) => ({
        agent: link.kind === 'unix' ? { kind: 'unix', path: link.socketPath } : { kind: 'http' },
        ...(size === undefined ? {} : { size }),
      }),
    });
  }

  async create(request: CreateMachineRequest, signal: CancelSignal): Promise<Machine> {
    signal.throwIfAborted();
    checkRequest(request, this.options.agentTransport);
    const { machineId } = request;
    await this.machines.refuseDestroyed(machineId);
    const dir = this.machines.dirOf(machineId);
    const first = await this.writeOrder(dir, request);
    return this.machines.bringUp(request, () =>
      startMachine(
        {
          machineId,
          dir,
          program: { nodePath: this.options.nodePath ?? process.execPath, vmServerFile: this.options.vmServerFile },
          started: this.machines.started,
          first,
          agentSecret: this.options.agentTransport === 'http' ? (request.agentBootstrap?.secret ?? null) : null,
          consoleMayHoldSecrets: request.spec.sealed !== undefined,
          isDestroyed: () => this.machines.tombstones.has(machineId),
        },
        signal,
      ),
    );
  }

  async describe(machineId: string, signal: CancelSignal): Promise<Machine | undefined> {
    return this.machines.describe(machineId, signal);
  }

  async destroy(machineId: string, signal: CancelSignal): Promise<void> {
    await this.machines.destroy(machineId, signal);
  }

  async list(signal: CancelSignal): Promise<Machine[]> {
    return this.machines.list(signal);
  }

  async readConsole(machineId: string, maxBytes: number, owner?: ConsoleOwner): Promise<Uint8Array | undefined> {
    return this.machines.readConsole(machineId, maxBytes, owner);
  }

  /** True when this call wrote the order, false when one was there. */
  private async writeOrder(dir: string, request: CreateMachineRequest): Promise<boolean> {
    await makePrivateDir(dir);
    const { path: socketPath, shortDir } = socketPathOf(dir);
    if (shortDir !== null) await makePrivateDir(shortDir);
    const { machineId, project, vm, spec, startSignature, agentBootstrap } = request;
    const order: LocalMachineOrder = {
      labels: { deployment: this.options.deployment, machineId, project, vm },
      createdAt: Date.now(),
      host: this.options.hostId,
      size: { cpus: spec.cpus, memoryMb: spec.memoryMb, diskGb: spec.diskGb ?? 0 },
      ports: spec.ports,
      env: spec.env,
      ...(startSignature === undefined ? {} : { startSignature }),
      ...(spec.sealed === undefined ? {} : { awaitsAssignment: true }),
      tombstonePath: this.machines.tombstones.pathOf(machineId),
      link: this.options.agentTransport === 'http' ? httpLinkOf(agentBootstrap) : { kind: 'unix', socketPath },
    };
    return writeOnce(dir, LOCAL_MACHINE_FILE.order, jsonText(order));
  }
}

function httpLinkOf(bootstrap: AgentBootstrap | null): LocalMachineOrder['link'] {
  const { apiUrl = '', apiCa } = bootstrap ?? {};
  return { kind: 'http', apiUrl, ...(apiCa === undefined ? {} : { apiCa }) };
}

/** A host as it runs, but for its machines, which are in memory: many of them fit into one test. */
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NativeConnection } from '@temporalio/worker';
import { pino } from 'pino';
import { loadSettings } from '../../config/load-settings.ts';
import type { RoomSize } from '../../domain/capacity/room.ts';
import { machineLabels } from '../../domain/machine/owner.ts';
import type { CreateMachineRequest, Machine, MachineProvider } from '../../domain/machine/provider.ts';
import { ProviderError } from '../../domain/machine/provider-error.ts';
import { hostKeysForAllProviders } from '../../security/hosts/host-keys.ts';
import { HostRoom } from '../../worker/host/host-room.ts';
import type { ListedHost } from '../../worker/host/pull/host-list.ts';
import { createCallBudget, createHostWorkers, createMachineHost } from '../../worker/host/machine-host.ts';
import { TEST_NAMESPACE, type TestServer } from '../temporal-server.ts';

export interface HostInMemoryOptions {
  controlTaskQueue: string;
  hostId: string;
  total: RoomSize;
  zone?: string;
  labels?: Record<string, string>;
  /** Images that its machines can be made from; absent: any. */
  images?: string[];
}

export interface HostInMemory {
  hostId: string;
  machines: MemoryMachines;
  stop: () => Promise<void>;
}

/** The registry of hosts in memory: those of each control queue that did not stop, as a lost one counts as none. */
const registry = new Map<string, ListedHost[]>();

/** Machines of one host, without agents. */
export class MemoryMachines implements MachineProvider {
  readonly name = 'local';
  readonly machines = new Map<string, Machine>();
  readonly hostId: string;
  /** Most that was ever taken at once. */
  mostCpus = 0;
  onCreate: (machineId: string) => void = () => undefined;
  readonly #images: string[] | undefined;
  private readonly destroyed = new Set<string>();

  constructor(hostId: string, images: string[] | undefined) {
    this.hostId = hostId;
    this.#images = images;
  }

  get cpus(): number {
    return [...this.machines.values()].reduce((sum, { size }) => sum + (size?.cpus ?? 0), 0);
  }

  create({ machineId, owner, spec, startSignature }: CreateMachineRequest): Promise<Machine> {
    if (this.destroyed.has(machineId)) return Promise.reject(new ProviderError('machineEnded', 'it was destroyed'));
    if (this.#images !== undefined && !this.#images.includes(spec.image)) {
      return Promise.reject(new ProviderError('imageUnknown', `there is no image ${spec.image} here`));
    }
    const { cpus, memoryMb, diskGb } = spec;
    const machine: Machine = {
      machineId,
      ...{ provider: this.name, host: this.hostId, zone: null, status: 'running', createdAt: Date.now() },
      address: { ip: '127.0.0.1', ports: [] },
      labels: machineLabels({ deployment: 'test', machineId, owner }),
      agent: { kind: 'http' },
      startSignature,
      size: { cpus, memoryMb, diskGb: diskGb ?? 0 },
    };
    if (!this.machines.has(machineId)) this.onCreate(machineId);
    this.machines.set(machineId, machine);
    this.mostCpus = Math.max(this.mostCpus, this.cpus);
    return Promise.resolve(machine);
  }

  describe(machineId: string): Promise<Machine | undefined> {
    return Promise.resolve(this.machines.get(machineId));
  }

  destroy(machineId: string): Promise<void> {
    this.destroyed.add(machineId);
    this.machines.delete(machineId);
    return Promise.resolve();
  }

  list(): Promise<Machine[]> {
    return Promise.resolve([...this.machines.values()]);
  }

  readConsole(): Promise<undefined> {
    return Promise.resolve(undefined);
  }
}

/** Starts the workers of such a host. */
export async function startHostInMemory(server: TestServer, options: HostInMemoryOptions): Promise<HostInMemory> {
  const { controlTaskQueue, hostId, total, zone, labels = {}, images } = options;
  const settings = loadSettings({
    argv: [],
    cwd: join(tmpdir(), `host-in-memory-${randomUUID()}`),
    env: {
      TEMPORAL_ADDRESS: server.address,
      TEMPORAL_NAMESPACE: TEST_NAMESPACE,
      EPHEMERA_CONTROL_TASK_QUEUE: controlTaskQueue,
      EPHEMERA_DEPLOYMENT: 'test',
      EPHEMERA_HOST_ID: hostId,
      ...(zone === undefined ? {} : { EPHEMERA_HOST_ZONE: zone }),
      EPHEMERA_HOST_LABELS: Object.entries(labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(','),
    },
  });
  const log = pino({ level: 'silent' });
  const machines = new MemoryMachines(hostId, images);
  const room = new HostRoom({ total, providers: [machines], log });
  const budget = createCallBudget('local', settings);
  const host = createMachineHost(machines, budget, server.client, room, log);
  const connections: NativeConnection[] = [];
  const registered = registry.get(controlTaskQueue) ?? [];
  registry.set(controlTaskQueue, registered);
  const listed: ListedHost = { hostId, zone: zone ?? null, labels, total, state: 'ready' };
  registered.push(listed);
  const workers = await createHostWorkers({
    host,
    settings,
    keys: hostKeysForAllProviders(new Uint8Array(32).fill(9)),
    connect: async () => {
      const connection = await NativeConnection.connect({ address: server.address });
      connections.push(connection);
      return connection;
    },
    shared: { namespace: TEST_NAMESPACE, shutdownGraceTime: '1s', shutdownForceTime: '5s' },
    observeSweep: () => undefined,
    aroundActivities: undefined,
    hosts: () => Promise.resolve(registered),
  });
  const running = workers.map((worker) => worker.run());
  return {
    hostId,
    machines,
    stop: async () => {
      if (!registered.includes(listed)) return;
      registered.splice(registered.indexOf(listed), 1);
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
      await Promise.all(running);
      await host.links.stop(100);
      await Promise.all(connections.map((connection) => connection.close()));
    },
  };
}

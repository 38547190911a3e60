import { setTimeout as sleep } from 'node:timers/promises';
import { machineLabels } from '../../domain/machine/owner.ts';
import type {
  CallContext,
  CancelSignal,
  CreateMachineRequest,
  Machine,
  MachineProvider,
} from '../../domain/machine/provider.ts';
import { ProviderError } from '../../domain/machine/provider-error.ts';

export interface NotedCall {
  operation: 'create' | 'describe' | 'destroy' | 'list';
  machineId: string;
  /** Epoch ms. */
  at: number;
}

/** Machines in memory, without agents, of a provider that takes its time; every call is noted. */
export class SlowProvider implements MachineProvider {
  readonly name = 'local';
  readonly calls: NotedCall[] = [];
  readonly machines = new Map<string, Machine>();
  readonly #tookMs: number;
  readonly #destroyed = new Set<string>();

  constructor(tookMs: number) {
    this.#tookMs = tookMs;
  }

  async create({ machineId, owner }: CreateMachineRequest, { signal }: CallContext): Promise<Machine> {
    await this.#call('create', machineId, signal);
    if (this.#destroyed.has(machineId)) throw new ProviderError('machineEnded', 'it was destroyed');
    const machine: Machine = {
      machineId,
      provider: this.name,
      host: 'slow',
      zone: null,
      address: { ip: '127.0.0.1', ports: [] },
      status: 'running',
      labels: machineLabels({ deployment: 'slow', machineId, owner }),
      agent: { kind: 'http' },
      createdAt: Date.now(),
    };
    this.machines.set(machineId, machine);
    return machine;
  }

  async describe(machineId: string, { signal }: CallContext): Promise<Machine | undefined> {
    await this.#call('describe', machineId, signal);
    return this.machines.get(machineId);
  }

  async destroy(machineId: string, { signal }: CallContext): Promise<void> {
    await this.#call('destroy', machineId, signal);
    this.#destroyed.add(machineId);
    this.machines.delete(machineId);
  }

  async list({ signal }: CallContext): Promise<Machine[]> {
    await this.#call('list', '', signal);
    return [...this.machines.values()];
  }

  readConsole(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  /** The most calls that began within any `windowMs`. */
  mostCallsWithin(windowMs: number): number {
    const times = this.calls.map(({ at }) => at).sort((a, b) => a - b);
    let [most, first] = [0, 0];
    for (const [last, at] of times.entries()) {
      while ((times[first] ?? at) <= at - windowMs) first += 1;
      most = Math.max(most, last - first + 1);
    }
    return most;
  }

  async #call(operation: NotedCall['operation'], machineId: string, signal: CancelSignal): Promise<void> {
    signal.throwIfAborted();
    this.calls.push({ operation, machineId, at: Date.now() });
    await sleep(this.#tookMs);
  }
}

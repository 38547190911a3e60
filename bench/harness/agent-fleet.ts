/** The machines of the agents bench: a provider whose machines are simulated agents in another process. */
import { fork, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { machineLabels } from '../../domain/machine/owner.ts';
import type { CreateMachineRequest, Machine, MachineProvider } from '../../domain/machine/provider.ts';
import type { AgentOrder, AgentRole, AgentsAnswer } from './simulated-agents.ts';

const CHILD = fileURLToPath(new URL('./simulated-agents.ts', import.meta.url));
type OrderBody = AgentOrder extends infer Order ? (Order extends AgentOrder ? Omit<Order, 'call'> : never) : never;

export interface EndedMachine {
  machineId: string;
  vm: string;
  /** What its agent counted when it was destroyed. */
  connections: number;
}

export class AgentFleet implements MachineProvider {
  readonly name = 'local';
  readonly ended: EndedMachine[] = [];
  readonly machines = new Map<string, Machine>();
  readonly #dir: string;
  readonly #child: ChildProcess;
  readonly #calls = new Map<number, (answer: AgentsAnswer) => void>();
  #nextCall = 1;

  constructor(dir: string) {
    this.#dir = dir;
    this.#child = fork(CHILD, { execArgv: ['--import', 'tsx'] });
    this.#child.on('message', (answer: AgentsAnswer) => {
      this.#calls.get(answer.call)?.(answer);
      this.#calls.delete(answer.call);
    });
  }

  /** Which role the machine's agent plays is the label `role` of its VM. */
  async create({ machineId, spec, owner }: CreateMachineRequest): Promise<Machine> {
    const known = this.machines.get(machineId);
    if (known) return known;
    const socketPath = join(this.#dir, `${machineId}.sock`);
    await this.ask({ kind: 'listen', machineId, role: spec.labels['role'] as AgentRole, socketPath });
    const machine: Machine = {
      machineId,
      provider: this.name,
      host: 'bench',
      zone: null,
      address: { ip: '127.0.0.1', ports: [] },
      status: 'running',
      labels: machineLabels({ deployment: 'bench', machineId, owner }),
      agent: { kind: 'unix', path: socketPath },
      createdAt: Date.now(),
    };
    this.machines.set(machineId, machine);
    return machine;
  }

  async destroy(machineId: string): Promise<void> {
    const machine = this.machines.get(machineId);
    if (!machine) return;
    const { connections } = await this.ask({ kind: 'end', machineId });
    this.machines.delete(machineId);
    this.ended.push({ machineId, vm: machine.labels.vm, connections });
  }

  describe(machineId: string): Promise<Machine | undefined> {
    return Promise.resolve(this.machines.get(machineId));
  }

  list(): Promise<Machine[]> {
    return Promise.resolve([...this.machines.values()]);
  }

  readConsole(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async ask(order: OrderBody): Promise<AgentsAnswer> {
    const call = this.#nextCall;
    this.#nextCall += 1;
    const answer = new Promise<AgentsAnswer>((resolve) => this.#calls.set(call, resolve));
    this.#child.send({ ...order, call });
    return answer;
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    await rm(this.#dir, { recursive: true, force: true });
  }
}

export async function startAgentFleet(): Promise<AgentFleet> {
  return new AgentFleet(await mkdtemp(join(tmpdir(), 'eph-agents-')));
}

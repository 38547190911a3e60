/** Light machines as a provider: one file for each in a directory, its agent in the process of light-agents.ts. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { machineLabels } from '../../domain/machine/owner.ts';
import type { CallContext, CreateMachineRequest, Machine, MachineProvider } from '../../domain/machine/provider.ts';
import type { LightAnswer, LightOrder } from './light-agents.ts';

type OrderBody = LightOrder extends infer Order ? (Order extends LightOrder ? Omit<Order, 'call'> : never) : never;

/** Speaks with the process that plays the agents. */
export class LightAgents {
  readonly #socket: Socket;
  readonly #calls = new Map<number, (answer: LightAnswer) => void>();
  #nextCall = 1;

  constructor(dir: string) {
    this.#socket = connect(LightAgents.controlPath(dir));
    this.#socket.on('error', () => undefined);
    createInterface({ input: this.#socket })
      .on('line', (line) => {
        const answer = JSON.parse(line) as LightAnswer;
        this.#calls.get(answer.call)?.(answer);
        this.#calls.delete(answer.call);
      })
      .on('error', () => undefined);
  }

  static controlPath(dir: string): string {
    return join(dir, 'control.sock');
  }

  ask(order: OrderBody): Promise<LightAnswer> {
    const call = this.#nextCall;
    this.#nextCall += 1;
    const answer = new Promise<LightAnswer>((resolve) => this.#calls.set(call, resolve));
    this.#socket.write(`${JSON.stringify({ ...order, call })}\n`);
    return answer;
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** What an agent counts at first is the label `connections` of its VM. */
export class LightFleet implements MachineProvider {
  readonly name = 'local';
  /** Epoch ms of each call. */
  readonly callTimes: number[] = [];
  readonly #dir: string;
  readonly #agents: LightAgents;

  constructor(dir: string) {
    this.#dir = dir;
    this.#agents = new LightAgents(dir);
  }

  async create({ machineId, spec, owner }: CreateMachineRequest, { signal }: CallContext): Promise<Machine> {
    const known = await this.describe(machineId, { signal });
    if (known !== undefined) return known;
    const socketPath = join(this.#dir, `${machineId}.sock`);
    const machine: Machine = {
      machineId,
      provider: this.name,
      host: 'light',
      zone: null,
      address: { ip: '127.0.0.1', ports: [] },
      status: 'running',
      labels: machineLabels({ deployment: 'light', machineId, owner }),
      agent: { kind: 'unix', path: socketPath },
      createdAt: Date.now(),
    };
    await mkdir(join(this.#dir, 'machines'), { recursive: true });
    const connections = Number(spec.labels['connections'] ?? 0);
    await this.#agents.ask({ kind: 'listen', machineId, socketPath, connections });
    await writeFile(this.#fileOf(machineId), JSON.stringify(machine));
    return machine;
  }

  async describe(machineId: string, { signal }: CallContext): Promise<Machine | undefined> {
    signal.throwIfAborted();
    this.callTimes.push(Date.now());
    return this.#look(machineId);
  }

  async destroy(machineId: string, { signal }: CallContext): Promise<void> {
    signal.throwIfAborted();
    this.callTimes.push(Date.now());
    await this.#agents.ask({ kind: 'end', machineId });
    await rm(this.#fileOf(machineId), { force: true });
  }

  async list({ signal }: CallContext): Promise<Machine[]> {
    signal.throwIfAborted();
    this.callTimes.push(Date.now());
    const files = await readdir(join(this.#dir, 'machines')).catch(() => []);
    const machines = await Promise.all(files.map((file) => this.#look(file.replace('.json', ''))));
    return machines.filter((machine) => machine !== undefined);
  }

  readConsole(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async #look(machineId: string): Promise<Machine | undefined> {
    const text = await readFile(this.#fileOf(machineId), 'utf8').catch(() => '');
    return text === '' ? undefined : (JSON.parse(text) as Machine);
  }

  #fileOf(machineId: string): string {
    return join(this.#dir, 'machines', `${machineId}.json`);
  }
}

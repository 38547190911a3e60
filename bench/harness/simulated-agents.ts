/**
 * A child process of the agents bench: agents of many machines, each with a unix socket that speaks the agent
 * link's JSON lines. What it notes of its own counts is what the parent compares the VMs' fates with.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import type { AgentCommand, AgentReport } from '../../domain/agent/protocol.ts';

/** `busy` is never empty, `flapping` is empty for a while again and again, `emptying` once and for good. */
export type AgentRole = 'busy' | 'flapping' | 'emptying';

export type AgentOrder =
  | { kind: 'listen'; call: number; machineId: string; role: AgentRole; socketPath: string }
  | { kind: 'end'; call: number; machineId: string }
  /** From now on edges are noted, and agents that empty do so after `emptyAfterMs`. */
  | { kind: 'begin'; call: number; emptyAfterMs: number }
  | { kind: 'tell'; call: number };

export interface Edge {
  machineId: string;
  sequence: number;
  connections: number;
  /** Epoch ms. */
  at: number;
}

export interface AgentsAnswer {
  call: number;
  /** What the machine counted when it was told to end. */
  connections: number;
  edges: Edge[];
  /** Changed counts since the begin, by role. */
  changes: Record<AgentRole, number>;
}

const CHANGE_MS = 100;
const FLAP_USED_MS = 6000;
const FLAP_EMPTY_MS = 1500;
const MOST_CONNECTIONS = 50;

class Agent {
  connections = 1 + Math.floor(Math.random() * MOST_CONNECTIONS);
  readonly machineId: string;
  readonly role: AgentRole;
  readonly #server: Server;
  #socket: Socket | undefined;
  #sequence = 1;
  #phaseMs = Math.random() * FLAP_USED_MS;
  readonly #timer: NodeJS.Timeout;

  constructor(machineId: string, role: AgentRole, socketPath: string) {
    this.machineId = machineId;
    this.role = role;
    this.#server = createServer((socket) => this.#connected(socket)).listen(socketPath);
    this.#timer = setInterval(() => this.#tick(), CHANGE_MS);
  }

  async listening(): Promise<void> {
    if (!this.#server.listening) await once(this.#server, 'listening');
  }

  end(): void {
    clearInterval(this.#timer);
    this.#socket?.destroy();
    this.#server.close();
  }

  #connected(socket: Socket): void {
    this.#socket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      for (const line of chunk.toString().split('\n')) if (line !== '') this.#obey(JSON.parse(line) as AgentCommand);
    });
    this.#say();
  }

  #obey(command: AgentCommand): void {
    if (command.type === 'confirm') this.#say(command.id);
  }

  #tick(): void {
    const wanted = this.#nextCount();
    if (wanted === this.connections) return;
    const isEdge = wanted > 0 !== this.connections > 0;
    this.connections = wanted;
    this.#sequence += 1;
    if (begunAt !== null) {
      changes[this.role] += 1;
      const { machineId, connections } = this;
      if (isEdge) edges.push({ machineId, sequence: this.#sequence, connections, at: Date.now() });
    }
    this.#say();
  }

  #nextCount(): number {
    this.#phaseMs = (this.#phaseMs + CHANGE_MS) % (FLAP_USED_MS + FLAP_EMPTY_MS);
    const isEmpty =
      begunAt !== null &&
      ((this.role === 'flapping' && this.#phaseMs >= FLAP_USED_MS) ||
        (this.role === 'emptying' && Date.now() - begunAt >= emptyAfterMs));
    if (isEmpty) return 0;
    // Somebody comes or goes at every tick.
    const step = Math.random() < 0.5 ? -1 : 1;
    const count = this.connections + step;
    return count < 1 || count > MOST_CONNECTIONS ? this.connections - step : count;
  }

  #say(answers?: string): void {
    const { connections } = this;
    if (answers !== undefined) this.#sequence += 1;
    const report: AgentReport = { type: 'report', sequence: this.#sequence, connections, ready: true };
    this.#socket?.write(`${JSON.stringify(answers === undefined ? report : { ...report, answers })}\n`);
  }
}

const agents = new Map<string, Agent>();
const edges: Edge[] = [];
const changes: Record<AgentRole, number> = { busy: 0, flapping: 0, emptying: 0 };
let begunAt: number | null = null;
let emptyAfterMs = 0;

process.on('message', (order: AgentOrder) => void obey(order));
process.on('disconnect', () => process.exit(0));

async function obey(order: AgentOrder): Promise<void> {
  let connections = 0;
  if (order.kind === 'listen' && !agents.has(order.machineId)) {
    const agent = new Agent(order.machineId, order.role, order.socketPath);
    agents.set(order.machineId, agent);
    await agent.listening();
  } else if (order.kind === 'end') {
    const agent = agents.get(order.machineId);
    connections = agent?.connections ?? 0;
    agent?.end();
    agents.delete(order.machineId);
  } else if (order.kind === 'begin') {
    begunAt = Date.now();
    emptyAfterMs = order.emptyAfterMs;
  }
  const answer: AgentsAnswer = { call: order.call, connections, edges: order.kind === 'tell' ? edges : [], changes };
  process.send?.(answer);
}

/** An agent whose every word a test decides, on a real unix socket, and a provider that lists such machines. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { machineLabels } from '../../domain/machine/owner.ts';
import type { AgentCommand, AgentReport } from '../../domain/agent/protocol.ts';
import type { Machine, MachineProvider } from '../../domain/machine/provider.ts';

export class ScriptedAgent {
  readonly machineId = `m-${randomUUID().replaceAll('-', '').slice(0, 20)}`;
  readonly vm = `vm-${randomUUID().slice(0, 8)}`;
  readonly socketPath = join(tmpdir(), `eph-${randomUUID().slice(0, 8)}.sock`);
  readonly commands: AgentCommand[] = [];
  connections = 0;
  ready = true;
  /** Whether it answers a confirm, and says hello to a new host. */
  talks = true;
  status: Machine['status'] = 'running';
  connected = 0;
  private sequence = 0;
  private server: Server | null = null;
  private readonly sockets = new Set<Socket>();

  async listen(): Promise<this> {
    await rm(this.socketPath, { force: true });
    this.server = createServer((socket) => this.serve(socket)).listen(this.socketPath);
    await once(this.server, 'listening');
    return this;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    if (this.server === null) return;
    this.server.close();
    await once(this.server, 'close');
    this.server = null;
  }

  /** Sets the count and reports it. */
  count(connections: number): number {
    this.connections = connections;
    return this.report();
  }

  report(more: Partial<AgentReport> = {}): number {
    this.sequence += 1;
    const { sequence, connections, ready } = this;
    this.write(`${JSON.stringify({ type: 'report', sequence, connections, ready, ...more })}\n`);
    return sequence;
  }

  write(text: string): void {
    for (const socket of this.sockets) socket.write(text);
  }

  machine(): Machine {
    return {
      machineId: this.machineId,
      provider: 'scripted',
      host: null,
      zone: null,
      address: null,
      status: this.status,
      labels: machineLabels({ deployment: 'test', machineId: this.machineId, owner: `vm/default/${this.vm}` }),
      agent: { kind: 'unix', path: this.socketPath },
      createdAt: 0,
    };
  }

  private serve(socket: Socket): void {
    this.connected += 1;
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.sockets.delete(socket));
    const lines = createInterface(socket);
    // The reader passes the errors of its socket on as its own.
    lines.on('error', () => undefined);
    lines.on('line', (line) => {
      const command = JSON.parse(line) as AgentCommand;
      this.commands.push(command);
      if (command.type === 'confirm' && this.talks) this.report({ answers: command.id });
    });
    if (this.talks) this.report();
  }
}

/** Lists scripted machines; it can neither make nor end any. */
export function scriptedProvider(agents: ScriptedAgent[]): MachineProvider {
  const unable = (): Promise<never> => Promise.reject(new Error('scripted machines are made by the test'));
  return {
    name: 'scripted',
    create: unable,
    destroy: unable,
    describe: (machineId) => Promise.resolve(agents.find((agent) => agent.machineId === machineId)?.machine()),
    list: () => Promise.resolve(agents.map((agent) => agent.machine())),
    readConsole: () => Promise.resolve(undefined),
  };
}

/**
 * A process that plays the agents of many light machines: each has a unix socket that speaks the agent link's JSON
 * lines, and costs a few KB instead of a process. Orders come as JSON lines over a control socket, so that it outlives
 * the workers that use it. Started as: light-agents.ts CONTROL_SOCKET
 */
import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { AgentCommand, AgentReport } from '../../domain/agent/protocol.ts';

export type LightOrder =
  | { call: number; kind: 'listen'; machineId: string; socketPath: string; connections: number }
  | { call: number; kind: 'end'; machineId: string }
  | { call: number; kind: 'count'; machineId: string; connections: number }
  | { call: number; kind: 'look' };

export interface LightAnswer {
  call: number;
  machines: { machineId: string; connections: number; links: number }[];
}

interface Agent {
  server: Server;
  links: Set<Socket>;
  sequence: number;
  connections: number;
}

const agents = new Map<string, Agent>();

function say(agent: Agent, answers?: string): void {
  agent.sequence += 1;
  const { sequence, connections } = agent;
  const report: AgentReport = { type: 'report', sequence, connections, ready: true };
  const line = `${JSON.stringify(answers === undefined ? report : { ...report, answers })}\n`;
  for (const link of agent.links) link.write(line);
}

function linked(agent: Agent, link: Socket): void {
  agent.links.add(link);
  link.on('error', () => undefined);
  link.on('close', () => agent.links.delete(link));
  createInterface({ input: link })
    .on('line', (line) => {
      const command = JSON.parse(line) as AgentCommand;
      if (command.type === 'confirm') say(agent, command.id);
    })
    .on('error', () => undefined);
  say(agent);
}

async function obey(order: LightOrder): Promise<void> {
  if (order.kind === 'look') return;
  const known = agents.get(order.machineId);
  if (order.kind === 'listen' && known === undefined) {
    const server = createServer();
    const agent: Agent = { server, links: new Set(), sequence: 0, connections: order.connections };
    agents.set(order.machineId, agent);
    server.on('connection', (link) => linked(agent, link));
    await new Promise<void>((resolve) => server.listen(order.socketPath, resolve));
  } else if (order.kind === 'count' && known !== undefined) {
    known.connections = order.connections;
    say(known);
  } else if (order.kind === 'end' && known !== undefined) {
    agents.delete(order.machineId);
    for (const link of known.links) link.destroy();
    known.server.close();
  }
}

function look(): LightAnswer['machines'] {
  return [...agents].map(([machineId, { connections, links }]) => ({ machineId, connections, links: links.size }));
}

const [controlPath] = process.argv.slice(2);
if (controlPath === undefined) throw new Error('which control socket?');
rmSync(controlPath, { force: true });
createServer((socket) => {
  socket.on('error', () => undefined);
  createInterface({ input: socket })
    .on('line', (line) => {
      const order = JSON.parse(line) as LightOrder;
      void obey(order).then(() => {
        const answer: LightAnswer = { call: order.call, machines: order.kind === 'look' ? look() : [] };
        socket.write(`${JSON.stringify(answer)}\n`);
      });
    })
    .on('error', () => undefined);
}).listen(controlPath);

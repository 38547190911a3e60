/** Listens on a machine's agent link as a host does, for tests and benches that run a machine without a worker. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentReport } from '../domain/agent/protocol.ts';

const CONNECT_EVERY_MS = 5;

/** What a machine without a worker is waited for by. */
export interface AgentWait {
  socketPath: string;
  timeoutMs: number;
  /** Asked between two tries to connect; a machine that ended is not waited for. */
  isAlive?: () => boolean;
}

/** Resolves once the agent says over its link that its app is ready. Rejects after `timeoutMs`. */
export async function untilAgentSaysReady({ socketPath, timeoutMs, isAlive }: AgentWait): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline && (isAlive?.() ?? true)) {
    if (await saysReady(socketPath, deadline)) return;
    await sleep(CONNECT_EVERY_MS);
  }
  throw new Error(`no agent said on ${socketPath} that it is ready`);
}

async function saysReady(socketPath: string, deadline: number): Promise<boolean> {
  const socket = connect(socketPath);
  const timer = setTimeout(() => socket.destroy(), Math.max(0, deadline - Date.now()));
  try {
    await once(socket, 'connect');
    for await (const line of createInterface({ input: socket })) {
      if ((JSON.parse(line) as AgentReport).ready) return true;
    }
    return false;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

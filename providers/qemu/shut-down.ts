import { connect } from 'node:net';
import type { AgentCommand } from '../../domain/agent-protocol.ts';
import type { CancelSignal } from '../../domain/machine-provider.ts';
import { readProcess } from '../local/machine-files.ts';
import { isAlive } from '../local/system-process.ts';
import { waitUntil } from '../local/waiting.ts';
import { hasBooted, socketsOf } from './machine-order.ts';

/** What the app has to tell its clients that it closes. */
const GRACE_SECONDS = 1;
/** The whole way down, which software emulation makes long. */
const SHUTDOWN_MS = 4000;

/**
 * Asks the guest's agent to end its app and turn the machine off, and waits for that. A guest that does not in
 * time, has not booted, or whose link somebody else holds, is left to be ended by force.
 */
export async function shutDown(dir: string, signal: CancelSignal): Promise<void> {
  const machine = await readProcess(dir);
  if (machine === undefined || !(await isAlive(machine)) || !(await hasBooted(dir))) return;
  const command: AgentCommand = { type: 'shutdown', graceSeconds: GRACE_SECONDS };
  const link = connect(socketsOf(dir).agent, () => link.write(`${JSON.stringify(command)}\n`));
  let failed = false;
  link.on('error', () => (failed = true));
  // An unread report would keep QEMU from hearing us.
  link.resume();
  try {
    await waitUntil(async () => (failed || !(await isAlive(machine)) ? true : undefined), SHUTDOWN_MS, signal);
  } finally {
    link.destroy();
  }
}

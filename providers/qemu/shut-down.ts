import { connect } from 'node:net';
import type { AgentCommand } from '../../domain/agent-protocol.ts';
import type { CancelSignal } from '../../domain/machine-provider.ts';
import { readProcess } from '../host/machine-files.ts';
import { isAlive } from '../host/system-process.ts';
import { waitUntil } from '../host/waiting.ts';
import { hasBooted, isOfOwnImage, readOrder, socketsOf } from './machine-order.ts';
import { withQmp } from './qmp.ts';

/** What the app has to tell its clients that it closes. */
const GRACE_SECONDS = 1;
/** The whole way down, which software emulation makes long. */
const SHUTDOWN_MS = 4000;
/** A whole system ends its services first. */
const OWN_IMAGE_SHUTDOWN_MS = 8000;

/**
 * Asks the guest to end its app and turn the machine off, and waits for that. A guest that does not in time, has not
 * booted, or whose link somebody else holds, is left to be ended by force.
 */
export async function shutDown(dir: string, signal: CancelSignal): Promise<void> {
  const machine = await readProcess(dir);
  const order = await readOrder(dir);
  if (machine === undefined || order === undefined || !(await isAlive(machine))) return;
  const hasEnded = async (): Promise<true | undefined> => ((await isAlive(machine)) ? undefined : true);
  if (!isOfOwnImage(order)) {
    if (await hasBooted(dir)) await askAgent(dir, hasEnded, signal);
    return;
  }
  // As if somebody pressed the button: that needs no agent. Before its kernel is up nobody hears it.
  const asked = await withQmp(socketsOf(dir).qmp, (qmp) => qmp.execute('system_powerdown')).then(
    () => true,
    () => false,
  );
  if (asked) await waitUntil(hasEnded, OWN_IMAGE_SHUTDOWN_MS, signal);
}

async function askAgent(dir: string, hasEnded: () => Promise<true | undefined>, signal: CancelSignal): Promise<void> {
  const command: AgentCommand = { type: 'shutdown', graceSeconds: GRACE_SECONDS };
  const link = connect(socketsOf(dir).agent, () => link.write(`${JSON.stringify(command)}\n`));
  let failed = false;
  link.on('error', () => (failed = true));
  // An unread report would keep QEMU from hearing us.
  link.resume();
  try {
    await waitUntil(async () => (failed ? true : hasEnded()), SHUTDOWN_MS, signal);
  } finally {
    link.destroy();
  }
}

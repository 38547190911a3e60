import { connect } from 'node:net';
import type { AgentCommand } from '../../../domain/agent/protocol.ts';
import type { CancelSignal } from '../../../domain/machine/provider.ts';
import { readProcess } from '../../host/files/machine-files.ts';
import { isAlive } from '../../host/processes/system-process.ts';
import { waitUntil } from '../../host/processes/waiting.ts';
import { hasBooted, isOfOwnImage, readManifest, socketsOf } from './machine-manifest.ts';
import { withQmp } from './qmp.ts';

/** What the app has to tell its clients that it closes. */
const GRACE_SECONDS = 1;
/** 10 of 15 s, which container runtimes give too. */
const CONTAINER_SHARE = 2 / 3;

export interface ShutdownPatience {
  /** The whole way down, which software emulation makes long. */
  builtInMs: number;
  /** A whole system ends its services first. */
  ownImageMs: number;
}

/** The disk goes with the machine: whatever the guest has not written is of no use. */
const LOSING_THE_DISK: ShutdownPatience = { builtInMs: 4000, ownImageMs: 8000 };
/** What the guest has not written when it is ended by force is lost. */
export const KEEPING_THE_DISK: ShutdownPatience = { builtInMs: 15_000, ownImageMs: 90_000 };

/**
 * Asks the guest to end its app and turn the machine off, and waits for that. A guest that does not in time, has not
 * booted, or whose link somebody else holds, is left to be ended by force.
 */
export async function shutDown(dir: string, signal: CancelSignal, patience = LOSING_THE_DISK): Promise<void> {
  const machine = await readProcess(dir);
  const manifest = await readManifest(dir);
  if (machine === undefined || manifest === undefined || !(await isAlive(machine))) return;
  const hasEnded = async (): Promise<true | undefined> => ((await isAlive(machine)) ? undefined : true);
  if (!isOfOwnImage(manifest)) {
    const graceSeconds = manifest.container === undefined ? GRACE_SECONDS : containerGraceSeconds(patience);
    if (await hasBooted(dir)) await askAgent(dir, { graceSeconds, hasEnded, patienceMs: patience.builtInMs }, signal);
    return;
  }
  // As if somebody pressed the button: that needs no agent. Before its kernel is up it has no effect.
  const asked = await withQmp(socketsOf(dir).qmp, (qmp) => qmp.execute('system_powerdown')).then(
    () => true,
    () => false,
  );
  if (asked) await waitUntil(hasEnded, patience.ownImageMs, signal);
}

/** The program of a container image ends as it likes; what is left is for the guest to turn itself off. */
function containerGraceSeconds({ builtInMs }: ShutdownPatience): number {
  return Math.max(GRACE_SECONDS, Math.floor((builtInMs / 1000) * CONTAINER_SHARE));
}

interface Asking {
  graceSeconds: number;
  hasEnded: () => Promise<true | undefined>;
  patienceMs: number;
}

async function askAgent(
  dir: string,
  { graceSeconds, hasEnded, patienceMs }: Asking,
  signal: CancelSignal,
): Promise<void> {
  const command: AgentCommand = { type: 'shutdown', graceSeconds };
  const link = connect(socketsOf(dir).agent, () => link.write(`${JSON.stringify(command)}\n`));
  let failed = false;
  link.on('error', () => (failed = true));
  // An unread report would keep QEMU from hearing us.
  link.resume();
  try {
    await waitUntil(async () => (failed ? true : hasEnded()), patienceMs, signal);
  } finally {
    link.destroy();
  }
}

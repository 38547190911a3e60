/**
 * Waits until a machine whose manifest is written runs and has its address. A create that finds an manifest waits a
 * little for its process before it starts one itself; should both start, the lock lets one of them live.
 */
import type { ChildProcess } from 'node:child_process';
import type { CancelSignal } from '../../domain/machine/provider.ts';
import { ProviderError } from '../../domain/machine/provider-error.ts';
import { readAddress, readProcess } from './files/machine-files.ts';
import { isAlive } from './processes/system-process.ts';
import { waitUntil } from './processes/waiting.ts';

/** How long somebody else's start may take until its process shows. */
const ADOPT_GRACE_MS = 2000;

export interface BringUp {
  machineId: string;
  dir: string;
  /** Whether this call wrote the manifest, and with it the duty to start the process. */
  first: boolean;
  timeoutMs: number;
  isDestroyed: () => Promise<boolean>;
  launch: () => Promise<ChildProcess>;
  /** At each look at a process that lives and has no address yet. */
  settle?: () => Promise<void>;
  /** Why a machine that ran before this call ended, where more is known than that it did. */
  whyEnded?: () => Promise<ProviderError | undefined>;
  whyNotStarted: () => Promise<ProviderError>;
  whyNoAddress: () => Promise<ProviderError>;
}

/** Resolves when the machine runs and its address is known. Errors: `machineEnded` and those that are passed in. */
export async function bringUp(input: BringUp, signal: CancelSignal): Promise<void> {
  const { machineId } = input;
  const begunAt = Date.now();
  let child = input.first ? await input.launch() : undefined;
  let sawAlive = false;
  const running = await waitUntil(
    async () => {
      if (await input.isDestroyed()) throw ended(`${machineId} was destroyed`);
      const seen = await lookAt(input.dir);
      if (seen === 'running') return true;
      if (seen === 'starting') {
        sawAlive = true;
        await input.settle?.();
      }
      if (seen === 'ended' && !sawAlive && child === undefined) {
        throw (await input.whyEnded?.()) ?? ended(`${machineId} ended before`);
      }
      if (seen === 'ended' || (seen === 'absent' && child && hasExited(child))) throw await input.whyNotStarted();
      if (seen === 'absent' && !child && Date.now() - begunAt > ADOPT_GRACE_MS) child = await input.launch();
      return undefined;
    },
    input.timeoutMs,
    signal,
  );
  if (!running) throw await input.whyNoAddress();
}

async function lookAt(dir: string): Promise<'absent' | 'starting' | 'running' | 'ended'> {
  const machine = await readProcess(dir);
  if (machine === undefined) return 'absent';
  if (!(await isAlive(machine))) return 'ended';
  return (await readAddress(dir)) === undefined ? 'starting' : 'running';
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function ended(message: string): ProviderError {
  return new ProviderError('machineEnded', message);
}

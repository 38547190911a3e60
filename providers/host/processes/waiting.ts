import { setTimeout as sleep } from 'node:timers/promises';
import type { CancelSignal } from '../../../domain/machine/provider.ts';

const POLL_MS = 15;

/**
 * Polls until `look` finds something or `timeoutMs` passed; then undefined. Rejects with the reason of an
 * aborted signal.
 */
export async function waitUntil<Found>(
  look: () => Promise<Found | undefined>,
  timeoutMs: number,
  signal: CancelSignal,
): Promise<Found | undefined> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    signal.throwIfAborted();
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() >= deadline) return undefined;
    await sleep(POLL_MS);
  }
}

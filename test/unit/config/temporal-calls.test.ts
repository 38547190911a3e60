import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { closableConnection, type ClosableConnection } from '../../../config/temporal/temporal-calls.ts';
import { freePort } from '../../../test-support/free-port.ts';

const CANCELLED = { code: 1 };

async function connectionToNobody(): Promise<ClosableConnection> {
  return closableConnection({ address: `127.0.0.1:${await freePort()}` });
}

/** A call whose first tries have failed; its error comes as `error` when it gives up. */
async function callUnderRetry({ connection }: ClosableConnection, signal = new AbortController().signal) {
  const call = connection.withAbortSignal(signal, () => connection.workflowService.getSystemInfo({}));
  const error = call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(await Promise.race([error, sleep(250, 'under retry')])).toBe('under retry');
  return { error };
}

describe('a call to a Temporal that is away', () => {
  it('ends at once when its connection closes, and no later try throws', async () => {
    const uncaught: unknown[] = [];
    const keep = (error: unknown): void => void uncaught.push(error);
    process.on('uncaughtException', keep);
    try {
      const away = await connectionToNobody();
      const calls = await Promise.all([callUnderRetry(away), callUnderRetry(away)]);
      await away.close();
      for (const { error } of calls) expect(await error).toMatchObject(CANCELLED);
      await expect(away.connection.workflowService.getSystemInfo({})).rejects.toMatchObject(CANCELLED);
      // Longer than the pause that the SDK takes after so few tries.
      await sleep(1500);
      expect(uncaught).toEqual([]);
    } finally {
      process.off('uncaughtException', keep);
    }
  });

  it('ends at once when it is aborted, and the connection goes on', async () => {
    const away = await connectionToNobody();
    const stop = new AbortController();
    const aborted = await callUnderRetry(away, stop.signal);
    stop.abort();
    expect(await aborted.error).toMatchObject(CANCELLED);
    const other = await callUnderRetry(away);
    await away.close();
    expect(await other.error).toMatchObject(CANCELLED);
  });
});

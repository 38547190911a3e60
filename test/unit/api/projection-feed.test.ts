import { pino } from 'pino';
import type { Client } from '@temporalio/client';
import { expect, it } from 'vitest';
import { ProjectionFeed } from '../../../api/projection/projection-feed.ts';
import { Projection } from '../../../api/projection/projection.ts';
import { VmDirectory } from '../../../api/vms/seen/vm-directory.ts';
import { eventually } from '../../../test-support/eventually.ts';

/** Stands for Temporal's client, which keeps a listener on the signal of every call. */
class ListeningClient {
  readonly signals: AbortSignal[] = [];

  async withAbortSignal(signal: AbortSignal): Promise<void> {
    this.signals.push(signal);
    await new Promise<void>((resolve) => {
      if (this.signals.length > 3) signal.addEventListener('abort', () => resolve());
      else resolve();
    });
  }
}

it('a replica that reads the list for days keeps nothing of earlier reads, and a close ends the read under way', async () => {
  const listening = new ListeningClient();
  const client = listening as unknown as Client;
  const feed = new ProjectionFeed({
    client,
    projection: new Projection({ uiUrl: null, namespace: 'ephemera' }),
    directory: new VmDirectory(client),
    log: pino({ level: 'silent' }),
    controlTaskQueue: 'ephemera-control',
  });
  feed.start();
  await eventually(() => expect(listening.signals.length).toBe(4));
  expect(new Set(listening.signals).size).toBe(4);
  // A signal ends with its read, and with it whatever the client still has on it.
  expect(listening.signals.map(({ aborted }) => aborted)).toEqual([true, true, true, false]);
  await feed.close();
  expect(listening.signals[3]?.aborted).toBe(true);
});

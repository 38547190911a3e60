/** Streams that come too slowly, or not at all. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Stalled, withStallLimit } from '../../../lib/waiting/stalling.ts';
import { Trickle } from '../../../lib/waiting/trickle.ts';

async function* bytesEach(ms: number, bytes: number, times: number): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < times; sent += 1) {
    await delay(ms);
    yield new Uint8Array(bytes);
  }
}

async function all(stream: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0;
  for await (const chunk of stream) bytes += chunk.length;
  return bytes;
}

it('one that sends a byte just before each limit is given up, and one that is only slow is not', async () => {
  await expect(all(withStallLimit(bytesEach(20, 1, 1000), 60))).rejects.toThrow(Stalled);
  await expect(all(withStallLimit(bytesEach(20, 1000, 50), 60))).resolves.toBe(50_000);
  await expect(all(withStallLimit(bytesEach(500, 1, 1), 60))).rejects.toThrow('nothing came');
});

it('a reader that takes its time is not counted against the sender', () => {
  const trickle = new Trickle(60_000);
  expect(trickle.came(16 * 1024, 10)).toBe(false);
  expect(trickle.isTooSlow(59_000)).toBe(false);
  expect(trickle.isTooSlow(61_000)).toBe(true);
  expect(trickle.came(100 * 1024, 61_000)).toBe(false);
});

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { KeptOutput } from '../../../api/streams/kept-output.ts';

const MEGABYTE = 1024 ** 2;

function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

it('output that comes one byte at a time is kept as its bytes, and takes no more memory than they do', () => {
  const kept = new KeptOutput(MEGABYTE);
  const before = heapBytes();
  const sent = Buffer.from('one byte of what a machine sends');
  for (let at = 0; at <= MEGABYTE; at += 1) kept.add(sent.subarray(at % 32, (at % 32) + 1));
  expect(heapBytes() - before).toBeLessThan(16 * MEGABYTE);
  expect(kept.isTruncated).toBe(true);
  expect(kept.text).toHaveLength(MEGABYTE);
  expect(kept.text.slice(0, 64)).toBe(sent.toString().repeat(2));
});

it('output within the limit is whole', () => {
  const kept = new KeptOutput(10);
  kept.add(Buffer.from('hello '));
  kept.add(Buffer.from('you!'));
  expect([kept.text, kept.isTruncated]).toEqual(['hello you!', false]);
  kept.add(Buffer.from('x'));
  expect([kept.text, kept.isTruncated]).toEqual(['hello you!', true]);
});

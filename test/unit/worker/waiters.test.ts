import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Waiters } from '../../../worker/links/waiters.ts';

const never = (): AbortSignal => new AbortController().signal;
const even = (heard: number): number | undefined => (heard % 2 === 0 ? heard : undefined);

describe('those who wait', () => {
  it('get the first thing heard that answers them, each its own', async () => {
    const waiters = new Waiters<number>();
    const [first, second] = [
      waiters.wait(even, never()),
      waiters.wait((heard) => (heard > 2 ? 'big' : undefined), never()),
    ];
    waiters.hear(1);
    waiters.hear(2);
    expect(await first).toBe(2);
    expect(waiters.size).toBe(1);
    waiters.hear(3);
    expect(await second).toBe('big');
    expect(waiters.size).toBe(0);
  });

  it('leave nothing behind when they are aborted, when they got their answer, and when it is an error', async () => {
    const waiters = new Waiters<number>();
    const cancel = new AbortController();
    const aborted = waiters.wait(even, cancel.signal);
    const { signal } = new AbortController();
    const answered = waiters.wait(even, signal);
    const failed = waiters.wait(() => {
      throw new Error('not that');
    }, signal);
    cancel.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    waiters.hear(4);
    expect(await answered).toBe(4);
    await expect(failed).rejects.toThrow('not that');
    expect(waiters.size).toBe(0);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(getEventListeners(cancel.signal, 'abort')).toEqual([]);
  });

  it('are rejected when nothing will be heard any more, and so is who comes later', async () => {
    const waiters = new Waiters<number>();
    const waiting = [waiters.wait(even, never()), waiters.wait(even, never())];
    waiters.close(new Error('closed'));
    for (const one of waiting) await expect(one).rejects.toThrow('closed');
    await expect(waiters.wait(even, never())).rejects.toThrow('closed');
    expect(waiters.size).toBe(0);
  });

  it('are rejected with the reason of a signal that has aborted before', async () => {
    const waiters = new Waiters<number>();
    await expect(waiters.wait(even, AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late');
    expect(waiters.size).toBe(0);
  });
});

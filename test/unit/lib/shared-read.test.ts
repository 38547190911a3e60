import { describe, expect, it } from 'vitest';
import { SharedRead } from '../../../lib/waiting/shared-read.ts';

describe('a read that is shared', () => {
  it('answers everybody while it is young enough, and is made again when it is not, or is to be forgotten', async () => {
    let reads = 0;
    const shared = new SharedRead(() => Promise.resolve((reads += 1)));
    expect(await Promise.all([shared.get(60_000), shared.get(60_000)])).toEqual([1, 1]);
    expect(await shared.get(-1)).toBe(2);
    shared.forget();
    expect([await shared.get(60_000), await shared.get(60_000)]).toEqual([3, 3]);
  });

  it('fails for all who share it and is then made again, and its failure costs no later one', async () => {
    const answers: ((value: Promise<string>) => void)[] = [];
    const shared = new SharedRead(() => new Promise<string>((resolve) => answers.push(resolve)));
    const first = shared.get(60_000);
    const later = shared.get(-1);
    answers[0]!(Promise.reject(new Error('no answer')));
    await expect(first).rejects.toThrow('no answer');
    expect(shared.get(60_000)).toBe(later);
    answers[1]!(Promise.reject(new Error('none either')));
    await expect(later).rejects.toThrow('none either');
    void shared.get(60_000);
    expect(answers).toHaveLength(3);
  });
});

import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { MEMO } from '../../../domain/wire-names.ts';
import { untilOthersAreOver } from '../../../worker/host/moved-host.ts';

interface Earlier {
  state: 'ready' | 'away' | 'lost';
  fingerprint: string | null;
  removed?: boolean;
}

/** What the registry says at each look; the last one again and again. Null: it knows no such host. */
function scene(looks: readonly (Earlier | null)[], vms = 2) {
  const asked: string[] = [];
  const warned: string[] = [];
  let look = -1;
  const describe = (): Promise<unknown> => {
    look = Math.min(look + 1, looks.length - 1);
    const earlier = looks[look];
    asked.push(earlier?.state ?? 'unknown');
    if (!earlier) return Promise.reject(new WorkflowNotFoundError('there is none', 'host/h', undefined));
    const view = { removed: false, lostAt: null, ...earlier };
    return Promise.resolve({ status: { name: 'RUNNING' }, memo: { [MEMO.host]: view } });
  };
  const client = { workflow: { getHandle: () => ({ describe }) } } as unknown as Client;
  const log = { warn: (_: object, text: string) => void warned.push(text) } as never;
  const options = { client, hostId: 'h', controlTaskQueue: 'q', fingerprint: 'mine', log, lookMs: 1 };
  const wait = (signal = new AbortController().signal): Promise<void> =>
    untilOthersAreOver({ ...options, vmsElsewhere: () => Promise.resolve(vms) }, signal);
  return { asked, warned, wait };
}

describe('a host that starts', () => {
  it.each([
    ['whose id nobody knows', null, 2],
    ['with the key that it had', { state: 'away', fingerprint: 'mine' }, 2],
    ['whose earlier self counts as lost', { state: 'lost', fingerprint: 'other' }, 2],
    ['whose earlier self was removed', { state: 'away', fingerprint: 'other', removed: true }, 2],
    ['whose earlier self had no key', { state: 'away', fingerprint: null }, 2],
    ['and of which no VM has a machine elsewhere', { state: 'away', fingerprint: 'other' }, 0],
  ] satisfies [string, Earlier | null, number][])('%s serves at once', async (_what, earlier, vms) => {
    const { asked, warned, wait } = scene([earlier], vms);
    await wait();
    expect(asked).toHaveLength(1);
    expect(warned).toEqual([]);
  });

  it('with a key of its own waits until its machines elsewhere count as lost, and says so once', async () => {
    const other = { fingerprint: 'other' };
    const { asked, warned, wait } = scene([
      { ...other, state: 'ready' },
      { ...other, state: 'away' },
      { ...other, state: 'away' },
      { ...other, state: 'lost' },
    ]);
    await wait();
    expect(asked).toEqual(['ready', 'away', 'away', 'lost']);
    expect(warned).toEqual([expect.stringContaining('whose machines may still serve')]);
  });

  it('gives up waiting when another worker of its id turns out to serve', async () => {
    const { wait } = scene([{ state: 'ready', fingerprint: 'other' }]);
    const asked = new AbortController();
    const waits = wait(asked.signal);
    asked.abort(new Error('it serves'));
    await expect(waits).rejects.toThrow();
  });
});

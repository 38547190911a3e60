import { describe, expect, it } from 'vitest';
import {
  cloudDown,
  lookedAt,
  nextCloudWatch,
  type CloudLook,
  type CloudWatch,
  type PendingCreate,
} from '../../../../domain/host/cloud-down.ts';

const AT = Date.UTC(2026, 0, 1);
const SPEC = { provider: 'gcp', zones: ['a'], project: 'ours' };
const create = (changes: Partial<PendingCreate> = {}): PendingCreate => ({
  ...{ project: 'ours', zones: ['a'], failedAt: AT - 60_000, failed: 4, code: 'backendUnavailable', madeAt: null },
  ...changes,
});
const look = (changes: Partial<CloudLook> = {}): CloudLook => ({
  ...{ at: AT, polls: [1], creates: [], ...changes },
});

/** A look every five seconds for so long, all of them alike; the last one is at `AT`. */
function watched(seconds: number, changes: Partial<CloudLook> = {}): CloudWatch {
  let watch: CloudWatch | undefined;
  for (let ago = seconds; ago > 0; ago -= 5) watch = nextCloudWatch(watch, look({ ...changes, at: AT - ago * 1000 }));
  return nextCloudWatch(watch, look(changes));
}

const down = (watch: CloudWatch | undefined, spec = SPEC, at = AT): string | undefined =>
  cloudDown(watch, spec, at)?.text;

describe('a cloud', () => {
  it('is down when no worker polls for longer than a restart takes', () => {
    expect(down(watched(15, { polls: [] }))).toBeUndefined();
    expect(down(watched(20, { polls: [] }))).toBe('No worker has asked for creates of gcp for 20 s');
  });

  it('is down when no poll was renewed for longer than a poll lasts', () => {
    expect(down(watched(90))).toBeUndefined();
    expect(down(watched(95))).toMatch(/for 95 s$/);
    const renewed = nextCloudWatch(watched(95), look({ at: AT + 5000, polls: [1, 2] }));
    expect(down(renewed, SPEC, AT + 5000)).toBeUndefined();
  });

  it('is not held against it while nobody has looked, or looks again for the first time', () => {
    expect(down(undefined)).toBeUndefined();
    const before = watched(95);
    expect(down(before, SPEC, AT + 16_000)).toBeUndefined();
    expect(down(nextCloudWatch(before, look({ at: AT + 16_000 })), SPEC, AT + 16_000)).toBeUndefined();
  });

  const many = (count: number, project = 'ours') => Array.from({ length: count }, () => create({ project }));
  const three = many(3);
  /** The three, once a machine was made in their zones; some failed again later. */
  const since = (madeAt: number, ...failedAt: number[]): PendingCreate[] =>
    three.map((one, index) => ({ ...one, madeAt, failedAt: failedAt[index] ?? one.failedAt }));
  it.each<[string, Partial<CloudLook>, boolean]>([
    ['three creates fail again and again', { creates: three }, true],
    ['two do', { creates: three.slice(1) }, false],
    ['one of them failed but now and then', { creates: [...three.slice(1), create({ failed: 3 })] }, false],
    ['one fails by its spec', { creates: [...three.slice(1), create({ code: 'badSpec' })] }, false],
    ['one fails in another zone', { creates: [...three.slice(1), create({ zones: ['b'] })] }, false],
    ['a machine was made since they failed', { creates: since(AT - 59_000) }, false],
    ['a machine was made before they failed', { creates: since(AT - 61_000) }, true],
    ['one of them has failed again since a machine was made', { creates: since(AT - 59_000, AT) }, false],
    ['all have failed again since a machine was made', { creates: since(AT - 59_000, AT, AT, AT) }, true],
    ['those of another project fail', { creates: many(9, 'theirs') }, false],
    ['one does beside many of another project', { creates: [...many(1), ...many(9, 'theirs')] }, false],
    ['two do beside those of another project', { creates: [...many(2), ...many(9, 'theirs')] }, true],
    ['those of three other projects fail', { creates: ['x', 'y', 'z'].flatMap((name) => many(1, name)) }, true],
  ])('when %s', (_, changes, isDown) => {
    expect(down(watched(0, changes)) !== undefined).toBe(isDown);
  });

  it('that refuses creates may give what it has made before; one that no worker serves gives nothing', () => {
    expect(cloudDown(watched(0, { creates: three }), SPEC, AT)?.handsOver).toBe(true);
    expect(cloudDown(watched(95, { creates: three }), SPEC, AT)?.handsOver).toBe(false);
  });

  it('may work in a zone where nobody was refused', () => {
    expect(down(watched(0, { creates: three }), { ...SPEC, zones: ['b'] })).toBeUndefined();
    expect(down(watched(0, { creates: three }))).toBe(
      'gcp refuses every create in a (backendUnavailable), and 3 wait until it works again',
    );
  });
});

describe('the creates that are looked at', () => {
  const ages = (project: string, ...all: number[]) => all.map((askedAt) => ({ project, askedAt }));
  const inOrder = (seen: ReturnType<typeof ages>) => [...seen].sort((a, b) => a.askedAt - b.askedAt);

  it('are the oldest of each project, so that none hides those of another one', () => {
    const theirs = ages('theirs', ...Array.from({ length: 50 }, (_, place) => place));
    const seen = lookedAt([...theirs, ...ages('ours', 903, 901, 902)], 6);
    expect(inOrder(seen)).toEqual([...ages('theirs', 0, 1, 2), ...ages('ours', 901, 902, 903)]);
  });

  it('are as many as may be, of one project too', () => {
    const seen = lookedAt([...ages('a', 3, 1, 2), ...ages('b', 4)], 3);
    expect(inOrder(seen)).toEqual([...ages('a', 1, 2), ...ages('b', 4)]);
    expect(inOrder(lookedAt(ages('a', 2, 1), 10))).toEqual(ages('a', 1, 2));
    expect(lookedAt([], 10)).toEqual([]);
  });
});

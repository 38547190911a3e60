import { describe, expect, it } from 'vitest';
import { createLaneOf, lanesOfHost, mismatchText } from '../../../../domain/capacity/create-lanes.ts';
import { noMatchingHostText, queuedCreateText, type PlacingHost } from '../../../../domain/capacity/waiting-create.ts';
import { testSpec } from '../../../../test-support/workflow/vm-harness.ts';

const host = (id: string, more: Partial<PlacingHost> = {}): PlacingHost => ({
  id,
  labels: {},
  state: 'ready',
  free: { cpus: 2, memoryMb: 1024, diskGb: 10 },
  ...more,
});

describe('the queue that a create waits in', () => {
  it('is of its size, of its zone, or of those that name labels', () => {
    expect(createLaneOf(testSpec({ cpus: 3 }), null)).toBe('s4');
    expect(createLaneOf(testSpec({ cpus: 3 }), 'a')).toBe('s4.a');
    expect(createLaneOf(testSpec({ hostSelector: { disk: 'ssd' } }), 'a')).toBe('selector');
  });

  it('is one that hosts pull from: those of the zone for a zone, all of them otherwise', () => {
    expect(lanesOfHost('a')).toEqual(expect.arrayContaining(['s4', 's4.a', 'selector']));
    expect(lanesOfHost('b')).not.toContain('s4.a');
    expect(lanesOfHost(null)).toEqual(expect.arrayContaining(['s4', 'selector']));
  });
});

describe('a host', () => {
  it('may have machines of its zone and labels only, and says what it lacks', () => {
    const self = { hostId: 'h', zone: 'b', labels: { disk: 'ssd' } };
    expect(mismatchText({ zones: ['a', 'b'], hostSelector: { disk: 'ssd' } }, self)).toBeUndefined();
    expect(mismatchText({ zones: ['a'] }, self)).toBe('host h is in zone b, asked for a');
    expect(mismatchText({ zones: ['a'] }, { ...self, zone: null })).toContain('in no zone');
    expect(mismatchText({ zones: [], hostSelector: { disk: 'hdd' } }, self)).toBe('host h has no label disk=hdd');
  });
});

describe('a create that waits', () => {
  it('says what was asked, what is free where most is, and how many wait beside it', () => {
    const spec = testSpec({ cpus: 4, memoryMb: 512 });
    const more = host('big', { free: { cpus: 3, memoryMb: 4096, diskGb: 10 } });
    expect(queuedCreateText(spec, [host('small'), more], 3)).toBe(
      'waiting for a host with room: asked 4 cpus, 512 MB of memory, 0 GB of disk; ' +
        'free 3 cpus, 4096 MB of memory, 10 GB of disk on host big, the most of 2 hosts; 2 wait beside it',
    );
    expect(queuedCreateText(spec, [host('one', { state: 'cordoned' })], 1)).toContain(
      'no host that matches takes creates now (one is cordoned); it is the next one',
    );
  });

  it('is refused when no host can ever have it, and waits while none is known or one that can is away', () => {
    const spec = testSpec({ zones: ['a'] });
    expect(noMatchingHostText(spec, [])).toBeUndefined();
    expect(noMatchingHostText(spec, [host('x'), host('y', { zone: 'b' })])).toBe(
      'host x is in no zone, asked for a; host y is in zone b, asked for a',
    );
    expect(noMatchingHostText(spec, [host('x'), host('y', { zone: 'a', state: 'away' })])).toBeUndefined();
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_CONNECTIONS, MAX_LINE_BYTES, isCount, parseAgentReport } from '../../../../domain/agent/protocol.ts';

const REPORT = { type: 'report', sequence: 3, connections: 2, ready: true };

describe('a line from an agent', () => {
  it('is a report when every field fits', () => {
    expect(parseAgentReport(REPORT)).toEqual(REPORT);
    expect(parseAgentReport({ ...REPORT, answers: 'c-1' })).toEqual({ ...REPORT, answers: 'c-1' });
  });

  it('keeps nothing that the protocol does not know', () => {
    expect(parseAgentReport({ ...REPORT, machineId: 'm-other', at: 0 })).toEqual(REPORT);
  });

  it.each([
    ['no object', 'report'],
    ['null', null],
    ['an array', [REPORT]],
    ['of another type', { ...REPORT, type: 'assign' }],
    ['without a count', { ...REPORT, connections: undefined }],
    ['with a negative count', { ...REPORT, connections: -1 }],
    ['with half a connection', { ...REPORT, connections: 0.5 }],
    ['with a count that is text', { ...REPORT, connections: '2' }],
    ['with a count that is not a number', { ...REPORT, connections: Number.NaN }],
    ['with an endless count', { ...REPORT, connections: Number.POSITIVE_INFINITY }],
    ['with a count beyond reason', { ...REPORT, connections: MAX_CONNECTIONS + 1 }],
    ['with a negative sequence', { ...REPORT, sequence: -1 }],
    ['with a sequence too large to count on', { ...REPORT, sequence: 2 ** 53 }],
    ['with a sequence that is text', { ...REPORT, sequence: '3' }],
    ['that does not say whether the app is ready', { ...REPORT, ready: undefined }],
    ['with a ready that is text', { ...REPORT, ready: 'false' }],
    ['that answers a number', { ...REPORT, answers: 1 }],
    ['that answers nothing', { ...REPORT, answers: null }],
    ['that answers an essay', { ...REPORT, answers: 'x'.repeat(65) }],
  ])('is refused when it is %s', (_what, line) => {
    expect(parseAgentReport(line)).toBeUndefined();
  });

  it('never throws, and a report that is taken fits on a line', () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.record({ type: fc.constant('report') }), fc.object()), (line) => {
        const report = parseAgentReport(line);
        if (report) expect(JSON.stringify(report).length).toBeLessThan(MAX_LINE_BYTES);
      }),
    );
  });
});

describe('a count', () => {
  it('is a whole number from 0 to the most that an agent may claim', () => {
    expect([0, 1, MAX_CONNECTIONS].every(isCount)).toBe(true);
    expect([-1, 1.5, MAX_CONNECTIONS + 1, Number.NaN, '1', null, undefined, true, 1n].some(isCount)).toBe(false);
  });
});

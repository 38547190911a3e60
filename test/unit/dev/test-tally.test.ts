import { describe, expect, it } from 'vitest';
import { isSuccess, tallyLine, tallyOf } from '../../../dev/test-tally.ts';

const file = (statuses: string[], status = 'passed') => ({
  name: 'a.test.ts',
  status,
  message: 'does not load',
  assertionResults: statuses.map((one, index) => ({ fullName: `test ${index}`, status: one })),
});

describe('the tally of a test run', () => {
  it('counts passed, failed and skipped tests', () => {
    const report = { testResults: [file(['passed', 'passed', 'failed'], 'failed'), file(['skipped', 'todo'])] };
    const tally = tallyOf('unit', report, 1);
    expect(tallyLine(tally)).toBe('2 passed, 1 failed, 2 skipped');
    expect(tally.skipped).toEqual(['unit: test 0', 'unit: test 1']);
  });

  it('says of a failed test how its message begins', () => {
    const failed = {
      fullName: 'a VM ends',
      status: 'failed',
      failureMessages: [`never saw: its end\n${'x'.repeat(9000)}`],
    };
    const [line = ''] = tallyOf(
      'chaos',
      { testResults: [{ ...file([], 'failed'), assertionResults: [failed] }] },
      1,
    ).failed;
    expect(line).toMatch(/^chaos: a VM ends: never saw: its end\n/);
    expect(line.length).toBeLessThan(700);
  });

  it('counts a file that does not load, a missing report and an unexplained exit code as failures', () => {
    expect(tallyOf('unit', { testResults: [file([], 'failed')] }, 1).failed).toHaveLength(1);
    expect(tallyOf('unit', undefined, 0).failed).toHaveLength(1);
    expect(tallyOf('unit', { testResults: [file(['passed'])] }, 1).failed).toEqual(['unit: exit code 1']);
  });

  it('names a run without any test', () => {
    expect(tallyOf('chaos', { testResults: [] }, 0).skipped).toEqual(['chaos: has no test']);
  });

  it('is no success without a test, and in CI with a skipped one', () => {
    expect(isSuccess({ passed: 0, failed: [], skipped: [] }, false)).toBe(false);
    expect(isSuccess({ passed: 1, failed: [], skipped: ['x'] }, false)).toBe(true);
    expect(isSuccess({ passed: 1, failed: [], skipped: ['x'] }, true)).toBe(false);
    expect(isSuccess({ passed: 1, failed: ['x'], skipped: [] }, false)).toBe(false);
  });
});

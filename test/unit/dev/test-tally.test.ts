import { describe, expect, it } from 'vitest';
import { filesToRunAgain, isSuccess, tallyLine, tallyOf, tallyWithSecondRun } from '../../../dev/test-tally.ts';

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
    expect(isSuccess({ passed: 0, failed: [], skipped: [], unsteady: [] }, false)).toBe(false);
    expect(isSuccess({ passed: 1, failed: [], skipped: ['x'], unsteady: [] }, false)).toBe(true);
    expect(isSuccess({ passed: 1, failed: [], skipped: ['x'], unsteady: [] }, true)).toBe(false);
    expect(isSuccess({ passed: 1, failed: ['x'], skipped: [], unsteady: [] }, false)).toBe(false);
  });
});

describe('files with a test that failed', () => {
  const failing = file(['passed', 'failed'], 'failed');

  it('run once more where they are few and each of them loaded', () => {
    expect(filesToRunAgain({ testResults: [failing, file(['passed'])] })).toEqual(['a.test.ts']);
    expect(filesToRunAgain({ testResults: [failing, failing, failing, failing, failing] })).toEqual([]);
    expect(filesToRunAgain({ testResults: [failing, file([], 'failed')] })).toEqual([]);
    expect(filesToRunAgain({ testResults: [file(['passed'])] })).toEqual([]);
    expect(filesToRunAgain(undefined)).toEqual([]);
  });

  const first = tallyOf('chaos', { testResults: [failing] }, 1);
  const second = (statuses: string[], code: number) =>
    tallyOf('chaos', { testResults: [file(statuses, code === 0 ? 'passed' : 'failed')] }, code);

  it('count as passed when all of it passes then, and the first failure is named all the same', () => {
    const tally = tallyWithSecondRun(first, second(['passed', 'passed'], 0));
    expect(tallyLine(tally)).toBe('2 passed, 0 failed, 0 skipped, 1 of the passed only when run again');
    expect(tally.unsteady).toEqual(['chaos: test 1']);
    expect(isSuccess(tally, true)).toBe(true);
  });

  it('have failed when one fails again, is left out, or nothing ran', () => {
    for (const again of [
      second(['passed', 'failed'], 1),
      second(['passed', 'skipped'], 0),
      second([], 0),
      second([], 1),
    ])
      expect(tallyWithSecondRun(first, again)).toEqual(first);
  });
});

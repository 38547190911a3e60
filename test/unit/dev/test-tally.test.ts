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
  const named = (name: string, statuses: string[], status = 'passed') => ({ ...file(statuses, status), name });
  const failing = named('a.test.ts', ['passed', 'failed'], 'failed');
  const stuck = named('b.test.ts', ['skipped', 'skipped'], 'failed');

  it('run once more where they are few and each of them loaded, also where a hook failed', () => {
    expect(filesToRunAgain({ testResults: [failing, named('c.test.ts', ['passed'])] })).toEqual(['a.test.ts']);
    expect(filesToRunAgain({ testResults: [failing, stuck] })).toEqual(['a.test.ts', 'b.test.ts']);
    expect(filesToRunAgain({ testResults: [failing, failing, failing, failing, failing] })).toEqual([]);
    expect(filesToRunAgain({ testResults: [failing, file([], 'failed')] })).toEqual([]);
    expect(filesToRunAgain({ testResults: [file(['passed'])] })).toEqual([]);
    expect(filesToRunAgain(undefined)).toEqual([]);
  });

  const first = { report: { testResults: [failing, stuck, named('c.test.ts', ['passed'])] }, exitCode: 1 };
  const ranAgain = (...files: object[]) =>
    tallyWithSecondRun('chaos', first, { report: { testResults: files }, exitCode: 0 });

  it('count as passed when all of each passes then, and the first failure is named all the same', () => {
    const tally = ranAgain(named('a.test.ts', ['passed', 'passed']), named('b.test.ts', ['passed', 'passed']));
    expect(tallyLine(tally)).toBe('5 passed, 0 failed, 0 skipped, 2 of the passed only when run again');
    expect(tally.unsteady).toEqual(['chaos: test 1', 'chaos: b.test.ts (does not load)']);
    expect(isSuccess(tally, true)).toBe(true);
  });

  it('are judged one by one: a file that fails again hides nothing that passed, and is excused by nothing', () => {
    const tally = ranAgain(
      named('a.test.ts', ['passed', 'passed']),
      named('b.test.ts', ['passed', 'failed'], 'failed'),
    );
    expect(tally.failed).toEqual(['chaos: b.test.ts (does not load)']);
    expect(tally.unsteady).toEqual(['chaos: test 1']);
    expect(isSuccess(tally, false)).toBe(false);
  });

  it('have failed when a test of theirs is left out then, or nothing ran', () => {
    for (const again of [[named('a.test.ts', ['passed', 'skipped'])], [named('a.test.ts', [])], []]) {
      expect(ranAgain(...again).failed).toEqual(['chaos: test 1', 'chaos: b.test.ts (does not load)']);
    }
    const broken = tallyWithSecondRun('chaos', first, { report: undefined, exitCode: 1 });
    expect(broken.failed).toHaveLength(2);
  });
});

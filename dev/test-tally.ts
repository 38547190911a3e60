import { z } from 'zod';

/** The part of vitest's JSON report that is counted. */
const reportSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().optional(),
      assertionResults: z.array(
        z.object({ fullName: z.string(), status: z.string(), failureMessages: z.array(z.string()).nullish() }),
      ),
    }),
  ),
});

type Report = z.output<typeof reportSchema>;

/** How one run, or several together, ended. */
export interface Tally {
  passed: number;
  failed: string[];
  skipped: string[];
  /** What failed at first and passed when its file ran once more, alone. */
  unsteady: string[];
}

export function emptyTally(): Tally {
  return { passed: 0, failed: [], skipped: [], unsteady: [] };
}

/** More files than this that fail in one project are no accident of a busy computer. */
const MAX_FILES_AGAIN = 4;

/**
 * The files of a run that may run once more, alone: those with a test that failed or a hook before their tests, where they
 * are few and each of them loaded. None otherwise.
 */
export function filesToRunAgain(report: unknown): string[] {
  const parsed = reportSchema.safeParse(report);
  if (!parsed.success) return [];
  const failed = parsed.data.testResults.filter(({ status }) => status === 'failed');
  const loaded = failed.every(({ assertionResults }) => assertionResults.length > 0);
  return loaded && failed.length <= MAX_FILES_AGAIN ? failed.map(({ name }) => name) : [];
}

/**
 * The tally of a run of which files with failures ran once more, each judged by itself: where all of a file passed then, its
 * failures count as passed and are named as unsteady; a file that failed again, or did not run again, keeps them.
 */
export function tallyWithSecondRun(run: string, first: RunOutcome, second: RunOutcome): Tally {
  const [before, after] = [reportSchema.safeParse(first.report), reportSchema.safeParse(second.report)];
  if (!before.success) return tallyOf(run, first.report, first.exitCode);
  const steadied = before.data.testResults.filter(
    ({ name, status }) => status === 'failed' && after.success && passedWhole(after.data, name),
  );
  const others = before.data.testResults.filter((file) => !steadied.includes(file));
  const stillFails = others.some(({ status }) => status === 'failed');
  const tally =
    others.length === 0 ? emptyTally() : tallyOf(run, { testResults: others }, stillFails ? first.exitCode : 0);
  for (const file of steadied) {
    tally.passed += file.assertionResults.length;
    tally.unsteady.push(...tallyOf(run, { testResults: [file] }, 1).failed);
  }
  return tally;
}

/** How a run of vitest ended. */
export interface RunOutcome {
  /** Its JSON report, where it wrote one. */
  report: unknown;
  exitCode: number;
}

function passedWhole({ testResults }: Report, name: string): boolean {
  const again = testResults.filter((file) => file.name === name);
  const tests = again.flatMap(({ assertionResults }) => assertionResults);
  return (
    again.length > 0 &&
    again.every(({ status }) => status === 'passed') &&
    tests.length > 0 &&
    tests.every(({ status }) => status === 'passed')
  );
}

/**
 * Counts a run of vitest: a file that did not even load counts as one failure, a run without a readable report
 * or with an exit code that its report does not explain too.
 */
export function tallyOf(run: string, report: unknown, exitCode: number): Tally {
  const tally = emptyTally();
  const parsed = reportSchema.safeParse(report);
  if (!parsed.success) return { ...tally, failed: [`${run}: no report, exit code ${exitCode}`] };
  for (const file of parsed.data.testResults) {
    for (const test of file.assertionResults) {
      if (test.status === 'passed') tally.passed++;
      else if (test.status === 'failed') tally.failed.push(`${run}: ${test.fullName}${whyOf(test.failureMessages)}`);
      else tally.skipped.push(`${run}: ${test.fullName}`);
    }
    const explained = file.assertionResults.some(({ status }) => status === 'failed');
    if (file.status === 'failed' && !explained) tally.failed.push(`${run}: ${file.name} (${file.message ?? ''})`);
  }
  if (tally.passed + tally.failed.length + tally.skipped.length === 0) tally.skipped.push(`${run}: has no test`);
  if (exitCode !== 0 && tally.failed.length === 0) tally.failed.push(`${run}: exit code ${exitCode}`);
  return tally;
}

/** The beginning of the first message: where a long output was cut, the list of failures still says what was wrong. */
const MAX_WHY_LENGTH = 600;

function whyOf(messages: readonly string[] | null | undefined): string {
  const [first] = messages ?? [];
  return first === undefined ? '' : `: ${first.slice(0, MAX_WHY_LENGTH)}`;
}

export function addTally(total: Tally, part: Tally): void {
  total.passed += part.passed;
  total.failed.push(...part.failed);
  total.skipped.push(...part.skipped);
  total.unsteady.push(...part.unsteady);
}

/** The last line of `npm test`. */
export function tallyLine(tally: Tally): string {
  const again = tally.unsteady.length === 0 ? '' : `, ${tally.unsteady.length} of the passed only when run again`;
  return `${tally.passed} passed, ${tally.failed.length} failed, ${tally.skipped.length} skipped${again}`;
}

/** Whether the whole counts as a success: `strict` (CI) takes no skipped test. */
export function isSuccess(tally: Tally, strict: boolean): boolean {
  return tally.passed > 0 && tally.failed.length === 0 && (!strict || tally.skipped.length === 0);
}

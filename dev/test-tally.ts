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

/** How one run, or several together, ended. */
export interface Tally {
  passed: number;
  failed: string[];
  skipped: string[];
}

export function emptyTally(): Tally {
  return { passed: 0, failed: [], skipped: [] };
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
}

/** The last line of `npm test`. */
export function tallyLine(tally: Tally): string {
  return `${tally.passed} passed, ${tally.failed.length} failed, ${tally.skipped.length} skipped`;
}

/** Whether the whole counts as a success: `strict` (CI) takes no skipped test. */
export function isSuccess(tally: Tally, strict: boolean): boolean {
  return tally.passed > 0 && tally.failed.length === 0 && (!strict || tally.skipped.length === 0);
}

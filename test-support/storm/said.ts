import type { StormReport } from './run-storm.ts';

/** What a failing test of a storm prints: what went wrong, how to have that storm again, and the whole report. */
export function said(report: StormReport): string {
  const firstLines = report.violations.map((violation) => violation.split('\n', 1)[0]);
  const again = `seed ${report.seed}: npm run chaos -- --seed ${report.seed} --lives ${report.lives} brings it back`;
  return [...firstLines, again, JSON.stringify(report, null, 1)].join('\n');
}

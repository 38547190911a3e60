/** Placement policies compared in simulated time: room used while a create waits, and waits by size. No server. */
import { classes, classesWithReservation, plainPull, waitsOnItsHost } from '../test-support/capacity/policies.ts';
import {
  AT_ONCE,
  figuresOf,
  ODD_SIZES,
  THREE_SIZES,
  UNEVEN_LIVES,
  type PlacementFigures,
} from '../test-support/capacity/scenario.ts';
import { sizeOption } from './harness/bench-report.ts';
import { median } from './harness/statistics.ts';

const SEEDS = sizeOption('seeds', 5);

for (const scenario of [THREE_SIZES, UNEVEN_LIVES, AT_ONCE, ODD_SIZES]) {
  process.stdout.write(`\n${scenario.name}; medians of ${SEEDS} seeds\n`);
  for (const policy of [waitsOnItsHost, plainPull, classes, classesWithReservation]) {
    const runs = Array.from({ length: SEEDS }, (_, seed) => figuresOf(scenario, policy(), seed + 1));
    process.stdout.write(`  ${line(runs)}\n`);
  }
}

function line(runs: PlacementFigures[]): string {
  const of = (figure: (run: PlacementFigures) => number | undefined): number =>
    median(runs.map((run) => figure(run) ?? Number.NaN));
  const waits = Object.keys(runs[0]?.waits ?? {}).map((name) => {
    const middle = of((run) => run.waits[name]?.medianSeconds).toFixed(1);
    return `${name} ${middle}/${of((run) => run.waits[name]?.p95Seconds).toFixed(1)}`;
  });
  return [
    (runs[0]?.policy ?? '').padEnd(52),
    `used ${(100 * of((run) => run.usedShare)).toFixed(1)} %`,
    `wait p50/p95 s: ${waits.join('  ')}`,
    `big/median ${of((run) => run.biggestToMedian).toFixed(2)}`,
    `handed back ${of((run) => run.handedBackPerCreate).toFixed(2)}`,
    `all placed ${of((run) => run.placedAfterSeconds).toFixed(0)} s`,
  ].join('  ');
}

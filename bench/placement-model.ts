/** The model of placement explored with a crash, a pause and a partition in one run: every order. Half an hour of a processor, 8 GB, no server. */
import { explore } from '../test-support/placement/explore.ts';
import { NOTHING, RULES, type Budget } from '../test-support/placement/rules.ts';
import { progress, report, type BenchLine } from './harness/bench-report.ts';

/** `npm test` has each alone, with deletes, late and lost answers beside it. */
const EXPLORATIONS: readonly (readonly [what: string, budget: Partial<Budget>])[] = [
  ['a crash and a pause', { crashes: 1, pauses: 1 }],
  ['a crash and a partition', { crashes: 1, partitions: 1 }],
  ['a pause and a partition', { pauses: 1, partitions: 1 }],
  ['a crash, a pause and a partition', { crashes: 1, pauses: 1, partitions: 1 }],
];

const MICROSECONDS = 1e6;
const results = EXPLORATIONS.map(([what, budget]) => {
  const before = process.cpuUsage();
  const { states, violation } = explore({ ...NOTHING, ...budget }, RULES);
  const cpuSeconds = process.cpuUsage(before).user / MICROSECONDS;
  progress(`${what}: ${states} states, ${cpuSeconds.toFixed(0)} s of a processor`);
  for (const line of violation === null ? [] : [violation.what, ...violation.steps]) progress(`  ${line}`);
  return { what, states, cpuSeconds, violation };
});

const wrong = results.filter(({ violation }) => violation !== null);
await report({
  name: 'placement-model',
  lines: [
    ...results.map(({ what, states }): BenchLine => {
      return { what: `states of two hosts and one VM with ${what}`, peer: null, ours: states, bar: null, met: null };
    }),
    {
      ...{
        what: 'explorations that found two machines, a machine left, or a VM stuck',
        peer: null,
        ours: wrong.length,
      },
      ...{ bar: '0', met: wrong.length === 0 },
    },
  ],
  raw: results,
  connection: null,
});
process.exit(wrong.length === 0 ? 0 : 1);

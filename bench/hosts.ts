/** Many VMs on four hosts, three of which are lost at once and return: no VM twice, none left, users elsewhere untouched. */
import { runHostsTrial, type HostsTrialResult } from '../test-support/trials/hosts-trial.ts';
import { progress, report, sizeOption, type BenchLine } from './harness/bench-report.ts';

const vms = sizeOption('vms', 200);
const lostSeconds = sizeOption('lost-seconds', 30);
const limitSeconds = sizeOption('limit', 360);

let known: Partial<HostsTrialResult> = {};
let step = 'hosts start';
const say = (text: string): void => {
  step = text;
  progress(text);
};
const signal = AbortSignal.timeout(limitSeconds * 1000);
try {
  known = await runHostsTrial({
    ...{ vms, lostSeconds, loses: true, say, signal },
    note: (part) => (known = { ...known, ...part }),
  });
} catch (error) {
  const why = signal.aborted ? `it took longer than ${limitSeconds} s` : String(error);
  progress(`the trial did not end: ${why}; the last that was said: ${step}`);
}
const { wrong } = known;
const line = (what: string, ours: number | undefined): BenchLine[] =>
  ours === undefined ? [] : [{ what, peer: null, ours, bar: null, met: null }];
await report({
  name: 'hosts',
  lines: [
    ...line(`s until ${vms} VMs run on 4 hosts`, known.startedSeconds),
    ...line(
      `s until every VM of three lost hosts has ended or serves elsewhere (lost after ${lostSeconds} s)`,
      known.settledSeconds,
    ),
    ...line('s until the three are ready again', known.returnedSeconds),
    {
      ...{ what: 'VMs twice, machines left, users cut off', peer: null, ours: wrong?.length ?? Number.NaN },
      ...{ bar: '0, and the trial ends', met: wrong?.length === 0 },
    },
  ],
  raw: wrong === undefined ? { ...known, endedAt: step } : known,
  connection: null,
});
process.exit(wrong?.length === 0 ? 0 : 1);

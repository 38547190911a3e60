/** kill -9 of Temporal server, worker and API beside 200 VMs on real local machines: how soon all are responsive. */
import { runCrashTrial } from '../test-support/trials/crash-trial.ts';
import { progress, report, sizeOption } from './harness/bench-report.ts';

const VMS = sizeOption('vms', 200);
const DOWN_SECONDS = sizeOption('down', 10);
const MOST_SECONDS = 30;

const result = await runCrashTrial({ vms: VMS, downSeconds: DOWN_SECONDS, say: progress });
const faults = [...result.wronglyEnded, ...result.strayMachines, ...result.brokenTimelines];
const responsiveSeconds = result.responsiveMs / 1000;
await report({
  name: 'crash',
  connection: null,
  lines: [
    {
      what: `s from the restart until ${VMS} VMs are responsive`,
      peer: null,
      ours: responsiveSeconds,
      bar: `<= ${MOST_SECONDS}`,
      met: responsiveSeconds <= MOST_SECONDS,
    },
    {
      what: 'VMs wrongly ended, doubled machines, broken timelines, users cut off',
      peer: null,
      ours: faults.length + result.cutOff,
      bar: '0',
      met: faults.length + result.cutOff === 0,
    },
    {
      what: 'ms by which a deadline was missed early',
      peer: null,
      ours: result.endedTooEarlyMs,
      bar: '0',
      met: result.endedTooEarlyMs === 0,
    },
  ],
  raw: result,
});

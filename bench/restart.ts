/** A worker that is killed beside 1,000 VMs, stays away past their silence, and comes back: how long, how many calls. */
import { callRateOf } from '../providers/lookup.ts';
import { runRestartTrial } from '../test-support/trials/restart-trial.ts';
import { progress, report, sizeOption } from './harness/bench-report.ts';

const VMS = sizeOption('vms', 1000);
const DOWN_SECONDS = sizeOption('down', 60);
const SILENCE_SECONDS = sizeOption('silence', 40);
const CALLS_PER_SECOND = sizeOption('calls', 100);

const result = await runRestartTrial({
  vms: VMS,
  downSeconds: DOWN_SECONDS,
  silenceTimeoutSeconds: SILENCE_SECONDS,
  callsPerSecond: CALLS_PER_SECOND,
  say: progress,
});
const { burst } = callRateOf('local', { callsPerSecond: CALLS_PER_SECOND });
const inform = (what: string, ours: number): { what: string; peer: null; ours: number; bar: null; met: null } => {
  return { what, peer: null, ours, bar: null, met: null };
};
await report({
  name: 'restart',
  connection: null,
  lines: [
    {
      what: `VMs wrongly ended of ${result.withUsers} with users, silent for longer than their silence time-out`,
      peer: null,
      ours: result.wronglyEnded.length,
      bar: '0',
      met: result.wronglyEnded.length === 0,
    },
    {
      what: 'most calls to the provider in a second',
      peer: null,
      ours: result.mostProviderCallsInASecond,
      bar: `<= ${CALLS_PER_SECOND + burst}: the budget and its burst`,
      met: result.mostProviderCallsInASecond <= CALLS_PER_SECOND + burst,
    },
    inform('s until every machine is linked again', result.adoptedMs / 1000),
    inform('s until every VM with users answered a query', result.queriesMs / 1000),
    inform('s until new counts of 50 VMs had arrived', result.reportsMs / 1000),
    inform(`s until the ${result.endedAsIdle} VMs whose users had left were gone`, result.idleEndsMs / 1000),
    inform('most requests to Temporal in a second', result.mostTemporalRequestsInASecond),
    inform('most open files of the worker', result.mostOpenFiles),
  ],
  raw: result,
});

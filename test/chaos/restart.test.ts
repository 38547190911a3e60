import { describe, expect, it } from 'vitest';
import { callRateOf } from '../../providers/lookup.ts';
import { runRestartTrial } from '../../test-support/trials/restart-trial.ts';

/** `npm run bench -- restart` does the same with 1,000. */
const VMS = Number(process.env['EPHEMERA_CHAOS_RESTART_VMS'] ?? 60);
const CALLS_PER_SECOND = 50;

describe(`a worker that comes back to ${VMS} VMs after longer than their silence time-out`, () => {
  it('asks the provider no more than its budget, loses nobody, and ends those whose users had left', async () => {
    const result = await runRestartTrial({
      vms: VMS,
      downSeconds: 8,
      silenceTimeoutSeconds: 6,
      callsPerSecond: CALLS_PER_SECOND,
      say: (text) => console.log(text),
    });
    const { burst } = callRateOf('local', { callsPerSecond: CALLS_PER_SECOND });
    expect(result).toMatchObject({ vms: VMS, wronglyEnded: [], strayMachines: 0, mostLinksOfOneMachine: 1 });
    expect(result.endedAsIdle).toBe(VMS / 5);
    expect(result.mostProviderCallsInASecond).toBeLessThanOrEqual(CALLS_PER_SECOND + burst);
    // What it waits for says after 180 s what was not seen.
  }, 400_000);
});

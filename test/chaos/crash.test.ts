import { describe, expect, it } from 'vitest';
import { runCrashTrial } from '../../test-support/trials/crash-trial.ts';

/** `npm run bench -- crash` does the same with 200. */
const VMS = Number(process.env['EPHEMERA_CHAOS_VMS'] ?? 20);
/** The promise is 30 s with 200 VMs; this machine does other work too. */
const MOST_MS = 120_000;

describe(`kill -9 of Temporal server, worker and API with ${VMS} VMs`, () => {
  it('leaves all responsive soon, none wrongly destroyed, nothing doubled, no event lost', async () => {
    const result = await runCrashTrial({ vms: VMS, downSeconds: 3, say: (text) => console.log(text) });
    expect(result).toMatchObject({
      vms: VMS,
      wronglyEnded: [],
      strayMachines: [],
      brokenTimelines: [],
      endedTooEarlyMs: 0,
      cutOff: 0,
    });
    expect(result.left).toBe(VMS / 4);
    expect(result.responsiveMs).toBeLessThan(MOST_MS);
  });
});

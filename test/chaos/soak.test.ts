import { describe, expect, it } from 'vitest';
import { runSoak } from '../../test-support/soak/run-soak.ts';

describe('a short soak', () => {
  it('leaves nothing behind, ends nothing wrongly and touches no VM with users', async () => {
    const report = await runSoak({ minutes: 0.75 });
    expect(report.violations).toEqual([]);
    expect(Object.keys(report.livesByKind)).toHaveLength(8);
    expect(report.lives).toBeGreaterThanOrEqual(8);
    const last = report.samples.at(-1)!;
    expect(last, 'the VMs in use and the long-lived ones are there to the end').toMatchObject({
      liveVms: 5,
      machineProcesses: 5,
    });
    for (const moves of report.moves) expect(moves, 'times continued as new').toBeGreaterThanOrEqual(20);
    for (const process of [last.worker, last.api, last.temporal, last.resident]) {
      expect(process.rssMb).toBeGreaterThan(10);
      expect(process.openFiles).toBeGreaterThan(10);
    }
    expect(last.worker.heapMb, 'its heaps were measured').toBeGreaterThan(20);
    expect(report.growth, 'so short a time tells no trend').toBeNull();
  });
});

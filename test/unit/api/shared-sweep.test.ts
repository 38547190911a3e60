import { describe, expect, it } from 'vitest';
import { SharedSweep } from '../../../api/service/sweeps/shared-sweep.ts';
import type { SweepReport } from '../../../domain/machine/sweep.ts';

/** Sweeps that end when the test says so. */
function scene() {
  const clock = { ms: 1_000_000 };
  const shared = new SharedSweep(() => clock.ms);
  const made: { done: (report: SweepReport) => void; fail: (error: Error) => void }[] = [];
  const ask = (): Promise<SweepReport[]> =>
    shared.reports(
      () =>
        new Promise((resolve, reject) => {
          made.push({ done: (report) => resolve([report]), fail: reject });
        }),
    );
  return { clock, made, ask };
}

const report = (at: string): SweepReport => ({ at, dryRun: true, owned: 0, machines: [], lost: [] });

describe('administrators who ask what a sweep would do', () => {
  it('share one sweep while it runs, and for five seconds from its begin', async () => {
    const { clock, made, ask } = scene();
    const first = ask();
    clock.ms += 9000;
    const second = ask();
    made[0]!.done(report('one'));
    expect(await Promise.all([first, second])).toEqual([[report('one')], [report('one')]]);
    const third = ask();
    expect(made).toHaveLength(2);
    made[1]!.done(report('two'));
    expect(await third).toEqual([report('two')]);
    clock.ms += 4999;
    expect(await ask()).toEqual([report('two')]);
    clock.ms += 1;
    void ask();
    expect(made).toHaveLength(3);
  });

  it('hear of a failure together, and the next one asks anew', async () => {
    const { made, ask } = scene();
    const asked = [ask(), ask()];
    const told = Promise.allSettled(asked);
    made[0]!.fail(new Error('no host'));
    expect((await told).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    void ask();
    expect(made).toHaveLength(2);
  });
});

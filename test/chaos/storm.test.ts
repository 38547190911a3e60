/** The short form of `npm run chaos`: EPHEMERA_SEED chooses another storm. */
import { expect, it } from 'vitest';
import { whyNoGuests } from '../provider/qemu-harness.ts';
import { planStorm } from './storm/plan.ts';
import { runStorm, type StormReport } from './storm/run-storm.ts';

/** A storm of this many has every step with every fault. */
const LIVES_OF_EVERY_KIND = 83;
const SEED = Number(process.env['EPHEMERA_SEED'] ?? 20);
const say = (text: string): void => void process.stdout.write(`  ${text}\n`);

function said(report: StormReport): string {
  return `seed ${report.seed}: npm run chaos -- --seed ${report.seed} --lives ${report.lives} brings it back\n${JSON.stringify(report, null, 1)}`;
}

it('after a storm of faults nothing is left, and nobody lost a VM that he used', { timeout: 600_000 }, async () => {
  const report = await runStorm({ seed: SEED, lives: 10, parallel: 6, bystanderMs: 8000, onProgress: say });
  expect(report.violations, said(report)).toEqual([]);
  expect(Object.keys(report.faults).length, said(report)).toBeGreaterThan(6);
});

it.skipIf(whyNoGuests() !== undefined)(
  'after a storm on real virtual machines neither',
  { timeout: 900_000 },
  async () => {
    const plan = planStorm(SEED, LIVES_OF_EVERY_KIND).map(({ step, fault }) => `${step} ${fault ?? 'no fault'}`);
    const only = [
      'running no fault',
      'createMachine lostReply',
      'awaitMachineReady kill',
      'destroyMachine timeout',
    ].map((kind) => plan.indexOf(kind));
    const options = { seed: SEED, lives: LIVES_OF_EVERY_KIND, only, provider: 'qemu' } as const;
    const report = await runStorm({ ...options, parallel: 2, bystanderMs: 8000, onProgress: say });
    expect(report.violations, said(report)).toEqual([]);
    expect(report.lives).toBe(4);
  },
);

it('a storm finds a worker that says it destroyed what it did not', { timeout: 600_000 }, async () => {
  const report = await runStorm({ seed: SEED, lives: 3, only: [2], parallel: 1, lie: 'destroy', onProgress: say });
  expect(report.violations.join('\n'), said(report)).toMatch(/the sweeper had to remove its machine|left behind/);
});

/** A sample of `npm run chaos -- --provider qemu`: EPHEMERA_SEED chooses another storm. */
import { expect, it } from 'vitest';
import { whyNoGuests } from '../../test-support/machines/qemu-harness.ts';
import { planStorm } from '../../test-support/storm/plan.ts';
import { runStorm } from '../../test-support/storm/run-storm.ts';
import { said } from '../../test-support/storm/said.ts';

/** A storm of this many has every step with every fault. */
const LIVES_OF_EVERY_KIND = 110;
const SEED = Number(process.env['EPHEMERA_SEED'] ?? 20);
const say = (text: string): void => void process.stdout.write(`  ${text}\n`);

it.skipIf(whyNoGuests() !== undefined)(
  'after a storm of faults on real virtual machines nothing is left, and nobody lost one that he used',
  { timeout: 900_000 },
  async () => {
    const plan = planStorm(SEED, LIVES_OF_EVERY_KIND, 'qemu').map(
      ({ step, fault }) => `${step} ${fault ?? 'no fault'}`,
    );
    const only = [
      'running no fault',
      'createMachine lostReply',
      'awaitMachineReady kill',
      'destroyMachine timeout',
    ].map((kind) => plan.indexOf(kind));
    const options = { seed: SEED, lives: LIVES_OF_EVERY_KIND, only, provider: 'qemu', accelerator: 'tcg' } as const;
    const report = await runStorm({ ...options, hosts: 2, parallel: 2, bystanderMs: 8000, onProgress: say });
    expect(report.violations, said(report)).toEqual([]);
    expect(report.lives).toBe(4);
  },
);

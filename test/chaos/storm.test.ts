/** The short form of `npm run chaos`: EPHEMERA_SEED chooses another storm. */
import { expect, it } from 'vitest';
import { runStorm } from '../../test-support/storm/run-storm.ts';
import { said } from '../../test-support/storm/said.ts';

const SEED = Number(process.env['EPHEMERA_SEED'] ?? 252);
const say = (text: string): void => void process.stdout.write(`  ${text}\n`);

it(
  'after a storm of faults on three hosts nothing is left, and nobody lost a VM that he used',
  { timeout: 600_000 },
  async () => {
    const report = await runStorm({ seed: SEED, lives: 10, parallel: 6, bystanderMs: 8000, onProgress: say });
    expect(report.violations, said(report)).toEqual([]);
    expect(Object.keys(report.faults).length, said(report)).toBeGreaterThan(6);
    expect(Object.values(report.spread).filter((lives) => lives > 0).length, said(report)).toBeGreaterThan(1);
  },
);

it('a storm finds a worker that says it destroyed what it did not', { timeout: 600_000 }, async () => {
  const options = { seed: SEED, lives: 3, only: [2], parallel: 1, hosts: 1, lie: 'destroy' } as const;
  const report = await runStorm({ ...options, onProgress: say });
  expect(report.violations.join('\n'), said(report)).toMatch(/the sweeper had to remove its machine|left behind/);
});

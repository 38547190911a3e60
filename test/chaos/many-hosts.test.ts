import { expect, it } from 'vitest';
import { runHostsTrial } from '../../test-support/trials/hosts-trial.ts';

const say = (text: string): void => void process.stdout.write(`  ${text}\n`);

it(
  'four hosts: one loses its power, one is paused, one is cut off; no VM is there twice, none is left, and users elsewhere keep theirs',
  { timeout: 400_000 },
  async () => {
    const result = await runHostsTrial({ vms: 24, lostSeconds: 30, loses: true, say });
    expect(result.wrong, JSON.stringify(result, null, 1)).toEqual([]);
    expect(result.recreated).toBeGreaterThan(0);
    expect(result.endedAsLost).toBeGreaterThan(0);
  },
);

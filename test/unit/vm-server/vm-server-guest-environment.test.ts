import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { environmentText } from '../../../vm-server/environment-text.ts';

it('a shell in the guest reads the environment as it was given, whatever is in it, and runs nothing of it', () => {
  const directory = mkdtempSync(join(tmpdir(), 'eph-env-'));
  const path = join(directory, 'env');
  const value = fc.oneof(
    fc.constantFrom('good "morning" $HOME', '`id`', '$(id)', 'a\\b', "it's", 'two\nlines', ''),
    fc.string({ unit: 'grapheme-ascii' }),
  );
  try {
    fc.assert(
      fc.property(value, value, (one, two) => {
        writeFileSync(path, environmentText({ ONE: one, TWO_2: two }));
        const script = '. "$0"; printf "%s\\0%s" "$ONE" "$TWO_2"';
        const read = execFileSync('sh', ['-c', script, path], { encoding: 'utf8' });
        expect(read.split('\0')).toEqual([one, two]);
      }),
      { numRuns: 40 },
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
});

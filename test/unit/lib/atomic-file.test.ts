import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ROOT } from '../../../commands/start/kept-build.ts';

const SCRIPT = `
import { replaceFile } from '${join(ROOT, 'lib/files/atomic-file.ts')}';
process.umask(0o077);
await replaceFile('readable', 'x', 0o644);
await replaceFile('private', 'x');
process.umask(0);
await replaceFile('still-private', 'x');
`;

describe('a file that is replaced whole', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'eph-atomic-file-'));
  });
  afterEach(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  it('has the mode that was asked for, whatever the umask of its writer is', { timeout: 60_000 }, async () => {
    const tsx = import.meta.resolve('tsx');
    await promisify(execFile)(process.execPath, ['--import', tsx, '--input-type=module', '-e', SCRIPT], {
      cwd: directory,
    });
    const modes = (await readdir(directory)).map(async (name) => [
      name,
      (await stat(join(directory, name))).mode & 0o777,
    ]);
    expect(Object.fromEntries(await Promise.all(modes))).toEqual({
      readable: 0o644,
      private: 0o600,
      'still-private': 0o600,
    });
  });
});

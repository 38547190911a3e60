import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readTail } from '../../../providers/host/files/machine-files.ts';
import { capConsole } from '../../../providers/qemu/machine/console-cap.ts';

const LIMIT_BYTES = 64 * 1024;
const LINE = 'a line of a guest that prints without end\n';

describe('the console of a guest', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'eph-'));
  });
  afterEach(() => rm(dir, { recursive: true }));

  it('is never empty for who reads it while it is cut', async () => {
    const path = join(dir, 'console.log');
    for (let times = 0; times < 50; times += 1) {
      await writeFile(path, LINE.repeat(2 * Math.ceil(LIMIT_BYTES / LINE.length)));
      const cut = { isDone: false };
      const cutting = capConsole(path, LIMIT_BYTES).then(() => (cut.isDone = true));
      while (!cut.isDone) expect((await readTail(path, 1000))?.length).toBe(1000);
      await cutting;
      expect((await stat(path)).size).toBeLessThanOrEqual(LIMIT_BYTES / 2);
    }
  });
});

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
let stateDir: string;

beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'ephemera-image-command-'));
});
afterAll(() => rm(stateDir, { recursive: true }));

/** As `npm run image -- …` runs it: what it says, and with what it ends. */
async function image(...args: string[]): Promise<{ text: string; code: number }> {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], EPHEMERA_STATE_DIR: stateDir };
  return run(process.execPath, ['--import', 'tsx', 'commands/image.ts', ...args], { cwd: ROOT, env }).then(
    ({ stdout }) => ({ text: stdout, code: 0 }),
    (error: unknown) => {
      const { stdout, stderr, code } = error as { stdout: string; stderr: string; code: number };
      return { text: stdout + stderr, code };
    },
  );
}

describe('npm run image', () => {
  it('says that no image is registered, and how to register one', async () => {
    const { text, code } = await image('list');
    expect([code, text]).toEqual([0, 'No image is registered here. Register one: npm run image -- add NAME SOURCE\n']);
  });

  it('says of an image to remove that it is not there', async () => {
    const { text, code } = await image('remove', 'nope');
    expect(code).toBe(1);
    expect(text).toContain('imageUnknown: this host has no image "nope"; it has: vm-server');
  });

  it('explains itself and makes nothing, asked for help or with a flag that it does not know', async () => {
    for (const [flag, code] of [
      ['--help', 0],
      ['-h', 0],
      ['--refersh', 1],
    ] as const) {
      const said = await image(flag);
      expect(said.code).toBe(code);
      expect(said.text).toContain('npm run image -- remove NAME');
      expect(said.text).toContain('--refresh');
    }
  });
});

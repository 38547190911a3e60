import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ensureFirstKey } from '../../../security/keys/first-key.ts';
import { addKey } from '../../../security/keys/key-changes.ts';

const CHANGES = resolve('security/keys/key-changes.ts');
/** Of 512 or 1,024 bytes, as the shell has it: less than the keys need, and more than one key does. */
const MOST_BLOCKS = 2;

let stateDir: string;
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'ephemera-full-'));
});
afterEach(() => rm(stateDir, { recursive: true }));

/** Runs code where no file may grow beyond a few blocks: what comes first fits, and the rest does not, as on a disk that fills up. */
async function whereFilesStaySmall(code: string): Promise<string> {
  const script = `process.on('SIGXFSZ', () => undefined);\n${code}`;
  const node = [process.execPath, '--import', 'tsx', '--input-type=module', '--eval', script];
  const limited = ['-c', `ulimit -f ${MOST_BLOCKS} && exec "$@"`, 'sh', ...node];
  const { stdout } = await promisify(execFile)('/bin/sh', limited, { env: { ...process.env, TSX_DISABLE_CACHE: '1' } });
  return stdout.trim();
}

async function kept(): Promise<Record<string, string>> {
  const names = (await readdir(stateDir)).sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(stateDir, name), 'utf8')] as const)),
  );
}

it('leaves all keys as they were where the disk has no room for a change', async () => {
  const { newKey } = await ensureFirstKey({ stateDir, api: { presetKey: null } });
  for (let number = 0; number < 12; number += 1) {
    await addKey(stateDir, { project: 'default', role: 'viewer', label: `key ${number}` }, Date.now());
  }
  const before = await kept();
  const id = newKey!.split('_')[1]!;
  const said = await whereFilesStaySmall(`
    const { addKey, rotateKey } = await import(${JSON.stringify(CHANGES)});
    const codeOf = (error) => error.code;
    const dir = ${JSON.stringify(stateDir)};
    console.log(await addKey(dir, { project: 'default', role: 'viewer' }, Date.now()).then(() => 'made', codeOf));
    console.log(await rotateKey(dir, ${JSON.stringify(id)}, { overlapSeconds: 0 }, Date.now()).then(() => 'rotated', codeOf));
  `);
  expect(said).toBe('EFBIG\nEFBIG');
  expect(await kept()).toEqual(before);
});

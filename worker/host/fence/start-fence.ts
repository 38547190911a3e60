import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isAlive, type ProcessIdentity } from '../../../lib/processes/process-identity.ts';

export const FENCE_LOCK = 'fence.lock';
const SOURCE = fileURLToPath(new URL('main.ts', import.meta.url));
/** Where this code is built, of commands/start/build-programs.ts, the fence is another file beside it. */
const BUILT = 'worker.host.fence.main.mjs';
const LOG = 'fence.log';

/** Sees that the fence of a state directory runs. It outlives this process: it has a session of its own. */
export async function ensureFence(stateDir: string): Promise<void> {
  if ((await fenceOf(stateDir)) !== undefined) return;
  const log = openSync(join(stateDir, LOG), 'a', 0o600);
  try {
    const env = { PATH: process.env['PATH'], HOME: process.env['HOME'] };
    const child = spawn(process.execPath, fenceArguments(), {
      cwd: stateDir,
      env,
      detached: true,
      stdio: ['ignore', log, log],
    });
    // Without one the next look starts it.
    child.once('error', () => undefined);
    child.unref();
  } finally {
    closeSync(log);
  }
}

/** The fence of the same build as this worker, where it is one; only the file name is that of what runs. */
function fenceArguments(): string[] {
  const { filename } = import.meta;
  if (filename.endsWith('.ts')) return ['--import', import.meta.resolve('tsx'), SOURCE];
  return ['--enable-source-maps', join(dirname(filename), BUILT)];
}

/** The fence that watches a state directory now. */
export async function fenceOf(stateDir: string): Promise<ProcessIdentity | undefined> {
  try {
    const fence = JSON.parse(await readFile(join(stateDir, FENCE_LOCK), 'utf8')) as ProcessIdentity;
    return (await isAlive(fence)) ? fence : undefined;
  } catch {
    return undefined;
  }
}

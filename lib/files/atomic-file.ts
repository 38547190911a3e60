import { randomUUID } from 'node:crypto';
import { chmod, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

const PRIVATE = 0o600;

/**
 * Writes a file over an older one, for its owner alone unless `mode` says otherwise, whatever the umask is: a reader sees
 * all of the one or of the other. Not synced to the disk: for what must outlive a power cut there is `replacePrivateFile`.
 */
export async function replaceFile(path: string, content: string | Uint8Array, mode = PRIVATE): Promise<void> {
  const draft = join(dirname(path), `.${basename(path)}.${randomUUID()}`);
  try {
    await writeFile(draft, content, { mode: PRIVATE, flag: 'wx' });
    if (mode !== PRIVATE) await chmod(draft, mode);
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

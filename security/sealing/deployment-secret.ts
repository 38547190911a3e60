import { hkdfSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createPrivateFile } from '../../lib/files/private-file.ts';
import { parseSecretKey } from '../../config/secret-key.ts';
import type { Settings } from '../../config/settings.ts';

const SECRET_BYTES = 32;

/** File in the state directory that keeps the secret of a deployment that was given none. */
export const SECRET_KEY_FILE = 'secret-key';

/**
 * The one secret of the deployment: EPHEMERA_SECRET_KEY, else the kept one, else a new one that is kept.
 * Two processes that start at once get the same.
 * @throws Error when the kept file is damaged.
 */
export function loadDeploymentSecret(settings: Pick<Settings, 'secretKey' | 'stateDir'>): Uint8Array {
  if (settings.secretKey !== null) return parsed(settings.secretKey, 'EPHEMERA_SECRET_KEY');
  const path = join(settings.stateDir, SECRET_KEY_FILE);
  createPrivateFileUnlessThere(path);
  return parsed(readFileSync(path, 'utf8').trim(), path);
}

/** A 32-byte key of its own for each purpose; `label` names the purpose. */
export function deriveKey(secret: Uint8Array, label: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, 'ephemera', label, 32));
}

function createPrivateFileUnlessThere(path: string): void {
  try {
    readFileSync(path);
  } catch {
    createPrivateFile(path, `${randomBytes(SECRET_BYTES).toString('hex')}\n`);
  }
}

function parsed(written: string, source: string): Uint8Array {
  const secret = parseSecretKey(written);
  if (secret === undefined) {
    throw new Error(`${source} must be 32 bytes or more as hex or base64; restore it from a backup or set another`);
  }
  return secret;
}

/** What a backup is made of: a folder with a manifest that tells what belongs in it, byte for byte. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { deriveKey, loadDeploymentSecret, SECRET_KEY_FILE } from '../../security/sealing/deployment-secret.ts';
import { FIRST_KEY_FILE } from '../../security/keys/first-key.ts';
import { KEYS_FILE } from '../../security/keys/keys-file.ts';
import { REVOKED_LINKS_FILE } from '../../security/links/link-revocations.ts';
import { replacePrivateFile } from '../../lib/files/private-file.ts';
import type { Settings } from '../../config/settings.ts';
import { TEMPORAL_DB_FILE } from '../temporal/temporal-server.ts';
import { ScriptError } from '../terminal/terminal.ts';

/**
 * Files that say who is let in, in the state directory: the deployment's secret, the API keys, the first of them in plain text, and
 * which links were taken back.
 */
export const KEY_FILES = [SECRET_KEY_FILE, KEYS_FILE, FIRST_KEY_FILE, REVOKED_LINKS_FILE] as const;

const MANIFEST_FILE = 'manifest.json';
const FINGERPRINT_CHARACTERS = 16;

const manifestSchema = z.strictObject({
  format: z.literal(1),
  createdAt: z.iso.datetime(),
  deployment: z.string(),
  namespace: z.string(),
  /** Tells the deployment's secret from others without telling it. */
  secretFingerprint: z.string(),
  files: z.partialRecord(
    z.enum([TEMPORAL_DB_FILE, ...KEY_FILES]),
    z.strictObject({ bytes: z.int(), sha256: z.string() }),
  ),
});

export type Manifest = z.output<typeof manifestSchema>;
export type BackupFile = keyof Manifest['files'];

/** Measures the files of a folder and writes its manifest. */
export async function writeManifest(
  folder: string,
  files: readonly BackupFile[],
  about: Pick<Manifest, 'deployment' | 'namespace' | 'secretFingerprint'>,
): Promise<Manifest> {
  const measured = await Promise.all(files.map(async (file) => [file, await measure(join(folder, file))] as const));
  const manifest: Manifest = {
    format: 1,
    createdAt: new Date().toISOString(),
    ...about,
    files: Object.fromEntries(measured),
  };
  replacePrivateFile(join(folder, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

/**
 * Reads a backup's manifest.
 * @throws ScriptError when the folder is no backup, or not a whole one.
 */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, MANIFEST_FILE);
  const text = await readFile(path, 'utf8').catch(() => {
    throw new ScriptError(`${folder} is no backup: it has no ${MANIFEST_FILE}. Name a folder that npm run backup made`);
  });
  const manifest = manifestSchema.safeParse(jsonOrUndefined(text));
  if (!manifest.success) throw new ScriptError(`${path} is damaged or of another version; use another backup`);
  if (manifest.data.files[TEMPORAL_DB_FILE] === undefined) {
    throw new ScriptError(`${path} names no ${TEMPORAL_DB_FILE}; use another backup`);
  }
  return manifest.data;
}

/** @throws ScriptError when a file in the folder is not, byte for byte, what the manifest says. */
export async function verifyFiles(folder: string, { files }: Manifest): Promise<void> {
  for (const [file, expected] of Object.entries(files)) {
    const found = await measure(join(folder, file)).catch(() => undefined);
    if (found === undefined) throw new ScriptError(`${join(folder, file)} is missing; use another backup`);
    if (found.sha256 !== expected.sha256) {
      throw new ScriptError(`${join(folder, file)} is damaged: its checksum is another one; use another backup`);
    }
  }
}

/** Tells the secret of these settings from others. The secret must exist. */
export function secretFingerprint(settings: Pick<Settings, 'secretKey' | 'stateDir'>): string {
  const key = deriveKey(loadDeploymentSecret(settings), 'backup fingerprint');
  return Buffer.from(key).toString('hex').slice(0, FINGERPRINT_CHARACTERS);
}

async function measure(path: string): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return { bytes: (await stat(path)).size, sha256: hash.digest('hex') };
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

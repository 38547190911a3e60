/** The key of a worker's internal endpoint, with a certificate around it, as its state directory keeps it. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { keyFingerprint } from './pinned-key.ts';

const identitySchema = z.object({ key: z.string(), cert: z.string() });

/** PEM of the private key and of the certificate. */
export interface InternalIdentity extends z.output<typeof identitySchema> {
  /** What the registry says of it. */
  fingerprint: string;
}

export function internalIdentityFile(stateDir: string): string {
  return join(stateDir, 'internal-tls.json');
}

/** Undefined where no worker made one yet. @throws Error that says what to do with a damaged file. */
export function readInternalIdentity(stateDir: string): InternalIdentity | undefined {
  const path = internalIdentityFile(stateDir);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { key, cert } = identitySchema.parse(JSON.parse(text));
    return { key, cert, fingerprint: keyFingerprint(new X509Certificate(cert)) };
  } catch (cause) {
    throw new Error(`${path} is damaged; delete it, the worker's next start makes another and tells the registry`, {
      cause,
    });
  }
}

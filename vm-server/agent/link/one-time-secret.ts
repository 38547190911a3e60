import { readFileSync, rmSync } from 'node:fs';

/** Reads the secret of a machine and deletes its file: it is worth nothing after the exchange. */
export function takeSecret(path: string): string {
  const secret = readSecret(path);
  rmSync(path);
  return secret;
}

/** Reads a secret from its file. Throws with the file's name when it is not there or empty. */
export function readSecret(path: string): string {
  const secret = readFileSync(path, 'utf8').trim();
  if (secret === '') throw new Error(`${path} is empty: put the machine's one-time secret into it`);
  return secret;
}

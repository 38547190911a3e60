import { existsSync, rmSync } from 'node:fs';
import type { Log } from '../../log.ts';
import type { KeptFiles } from '../kept-files.ts';
import type { AgentProof, HttpLinkOptions } from './http-link.ts';
import { readSecret } from './one-time-secret.ts';

const TOKEN_FILE = 'agent-token';

/**
 * How an agent that may be started again proves itself: with the secret of `secretFile`, which is deleted once it is
 * exchanged, and from then on with its latest report token, which it keeps. `secretNow`: the secret that its machine has now,
 * where that may become another one. Throws when there is neither.
 */
export function restartableProof(
  secretFile: string,
  kept: KeptFiles,
  log: Log,
  secretNow?: () => Promise<string | undefined>,
): Pick<HttpLinkOptions, 'proof' | 'onToken'> {
  const { token, secret } = readProof(secretFile, kept);
  const proveNow = async (now: () => Promise<string | undefined>): Promise<string> => {
    const found = (await now()) ?? (await secret?.());
    if (found !== undefined) return found;
    throw new Error('the machine has no secret any more');
  };
  return {
    proof: { token, secret: secretNow === undefined ? secret : () => proveNow(secretNow) },
    onToken: (token) => {
      try {
        kept.write(TOKEN_FILE, token);
        rmSync(secretFile, { force: true });
      } catch (error) {
        log(`The agent cannot report after a restart: let it write beside its secret (${(error as Error).message}).`);
      }
    },
  };
}

/** The latest report token that this very machine kept, or null. */
export function keptToken(kept: KeptFiles): string | null {
  const token = kept.read(TOKEN_FILE)?.trim() ?? '';
  return token === '' ? null : token;
}

/** Keeps the token for the next start; where that fails the machine proves itself as it did at first. */
export function keepToken(kept: KeptFiles, token: string, log: Log): void {
  try {
    kept.write(TOKEN_FILE, token);
  } catch (error) {
    log(`The agent keeps no token for its next start: ${(error as Error).message}.`);
  }
}

/**
 * Where files are not sealed a secret is newer than any token: a machine made from the disk of another must not report in
 * its name. A sealed token is this machine's own, and better than a secret that may have been used.
 */
function readProof(secretFile: string, kept: KeptFiles): AgentProof {
  const secret = existsSync(secretFile) ? readSecret(secretFile) : undefined;
  const token = secret === undefined || kept.sealed ? keptToken(kept) : null;
  if (secret === undefined && token === null) {
    const place = kept.pathOf(TOKEN_FILE);
    throw new Error(`neither ${secretFile} nor ${place} is there: put the machine's one-time secret into the first`);
  }
  return { token, secret: secret === undefined ? null : () => Promise.resolve(secret) };
}

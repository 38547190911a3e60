import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Log } from '../log.ts';
import type { AgentProof, HttpLinkOptions } from './http-link.ts';
import { readSecret } from './one-time-secret.ts';

const TOKEN_FILE = 'agent-token';

/**
 * How an agent that may be started again proves itself: with the secret of `secretFile`, which is deleted once it is
 * exchanged, and from then on with its latest report token, which is kept beside it. Throws when there is neither.
 */
export function restartableProof(secretFile: string, log: Log): Pick<HttpLinkOptions, 'proof' | 'onToken'> {
  const tokenFile = join(dirname(secretFile), TOKEN_FILE);
  return {
    proof: readProof(secretFile, tokenFile),
    onToken: (token) => {
      try {
        replaceFile(tokenFile, token);
        rmSync(secretFile, { force: true });
      } catch (error) {
        log(`The agent cannot report after a restart: let it write beside its secret (${(error as Error).message}).`);
      }
    },
  };
}

/** A secret is newer than any token: a machine made from the disk of another must not report in its name. */
function readProof(secretFile: string, tokenFile: string): AgentProof {
  if (existsSync(secretFile)) {
    const secret = readSecret(secretFile);
    return { token: null, secret: () => Promise.resolve(secret) };
  }
  const token = existsSync(tokenFile) ? readFileSync(tokenFile, 'utf8').trim() : '';
  if (token !== '') return { token, secret: null };
  throw new Error(`neither ${secretFile} nor ${tokenFile} is there: put the machine's one-time secret into the first`);
}

/** Whole or not at all, and for nobody else to read. */
function replaceFile(path: string, content: string): void {
  const draft = `${path}.draft`;
  rmSync(draft, { force: true });
  writeFileSync(draft, content, { mode: 0o600, flag: 'wx' });
  renameSync(draft, path);
}

import { readFileSync } from 'node:fs';
import { Server as HttpsServer } from 'node:https';
import type { Server as NetServer } from 'node:net';
import { createSecureContext, Server as TlsServer } from 'node:tls';
import type { Certificate } from './http-server.ts';

interface TlsFiles {
  certFile: string;
  keyFile: string;
}

const LOOK_EVERY_MS = 10_000;

/**
 * A certificate and its key. `setting` is how the variables begin that name them: `EPHEMERA_API_TLS`.
 * @throws an Error that names the files, when they cannot be read or do not belong together
 */
export function readCertificate({ certFile, keyFile }: TlsFiles, setting: string): Certificate {
  try {
    const certificate = { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
    createSecureContext(certificate);
    return certificate;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const names = `${setting}_CERT (${certFile}) and ${setting}_KEY (${keyFile})`;
    throw new Error(`${names} cannot be used: ${why}`, { cause: error });
  }
}

/**
 * New connections get a renewed certificate once its files have changed; while they cannot be used, the one before stays.
 * Returns what ends the watch.
 */
export function followCertificate(
  servers: readonly NetServer[],
  { files, setting, who, inUse, log, lookEveryMs = LOOK_EVERY_MS }: FollowedCertificate,
): () => void {
  let current = inUse;
  let complaint = '';
  const timer = setInterval(() => {
    try {
      const found = readCertificate(files, setting);
      complaint = '';
      if (found.cert === current.cert && found.key === current.key) return;
      for (const server of servers) {
        if (server instanceof HttpsServer || server instanceof TlsServer) server.setSecureContext(found);
      }
      current = found;
      log.info(`${who} uses its renewed certificate`);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      if (text !== complaint) log.error({ err: error }, 'the changed certificate is not taken over');
      complaint = text;
    }
  }, lookEveryMs).unref();
  return () => clearInterval(timer);
}

export interface FollowedCertificate {
  files: TlsFiles;
  setting: string;
  /** Whose it is, for the log: `the API`. */
  who: string;
  inUse: Certificate;
  log: { info: (text: string) => void; error: (facts: object, text: string) => void };
  lookEveryMs?: number;
}

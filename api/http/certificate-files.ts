import { readFileSync } from 'node:fs';
import { Server as TlsServer } from 'node:https';
import type { Server } from 'node:http';
import { createSecureContext } from 'node:tls';
import type { Logger } from 'pino';
import type { Settings } from '../../config/settings.ts';
import type { Certificate } from '../../lib/network/http-server.ts';

type TlsFiles = NonNullable<Settings['api']['tls']>;

const LOOK_EVERY_MS = 10_000;

/**
 * The certificate of the API and its key.
 * @throws an Error that names the files, when they cannot be read or do not belong together
 */
export function readCertificate({ certFile, keyFile }: TlsFiles): Certificate {
  try {
    const certificate = { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
    createSecureContext(certificate);
    return certificate;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const names = `EPHEMERA_API_TLS_CERT (${certFile}) and EPHEMERA_API_TLS_KEY (${keyFile})`;
    throw new Error(`${names} cannot be used: ${why}`, { cause: error });
  }
}

/**
 * New connections get a renewed certificate once its files have changed; while they cannot be used, the one before stays.
 * Returns what ends the watch.
 */
export function followCertificate(
  server: Server | TlsServer,
  { files, inUse, log, lookEveryMs = LOOK_EVERY_MS }: FollowedCertificate,
): () => void {
  let current = inUse;
  let complaint = '';
  const timer = setInterval(() => {
    try {
      const found = readCertificate(files);
      complaint = '';
      if (found.cert === current.cert && found.key === current.key) return;
      if (server instanceof TlsServer) server.setSecureContext(found);
      current = found;
      log.info('the API uses its renewed certificate');
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
  inUse: Certificate;
  log: Pick<Logger, 'info' | 'error'>;
  lookEveryMs?: number;
}

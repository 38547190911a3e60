/** The key of this host's internal endpoint and a certificate around it, made at its first start and kept. */
import { randomBytes } from 'node:crypto';
import { createPrivateFile } from '../../lib/files/private-file.ts';
import {
  internalIdentityFile,
  readInternalIdentity,
  type InternalIdentity,
} from '../../security/hosts/internal-identity.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const;
/** Nobody looks at it: the key is pinned. Within what every TLS library can read. */
const NOT_AFTER = new Date(Date.UTC(2049, 11, 31));

/** Two workers that start at once get the same. @throws Error that says what to do with a damaged file. */
export async function internalIdentity(stateDir: string): Promise<InternalIdentity> {
  const kept = readInternalIdentity(stateDir);
  if (kept !== undefined) return kept;
  const path = internalIdentityFile(stateDir);
  createPrivateFile(path, `${JSON.stringify(await makeIdentity())}\n`);
  const made = readInternalIdentity(stateDir);
  if (made === undefined) throw new Error(`${path} is gone; start the worker again`);
  return made;
}

/** Node makes keys and reads certificates, but makes none; the library is loaded for this one time. */
async function makeIdentity(): Promise<{ key: string; cert: string }> {
  await import('reflect-metadata');
  const { PemConverter, X509CertificateGenerator } = await import('@peculiar/x509');
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: `01${randomBytes(8).toString('hex')}`,
    name: 'CN=ephemera-host',
    notBefore: new Date(Date.UTC(2020, 0, 1)),
    notAfter: NOT_AFTER,
    signingAlgorithm: { name: ALGORITHM.name, hash: 'SHA-256' },
    keys,
  });
  const key = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { key: PemConverter.encode(key, 'PRIVATE KEY'), cert: certificate.toString('pem') };
}

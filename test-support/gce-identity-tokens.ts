/** Instance identity tokens as Compute Engine's metadata server signs them, by keys made for a test. */
import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';

export const NOW = 1_800_000_000_000;
export const AUDIENCE = 'https://api.example.test';
export const INSTANCE = 'eph-test-m-1';

export interface Signer {
  kid: string;
  privateKey: KeyObject;
  jwk: Record<string, unknown>;
}

export function newSigner(kid: string): Signer {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { kid, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' } };
}

export const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

export function tokenBy(
  signer: Signer,
  changes: Record<string, unknown> = {},
  place: Record<string, unknown> = {},
): string {
  const claims = {
    iss: 'https://accounts.google.com',
    aud: AUDIENCE,
    iat: NOW / 1000,
    exp: NOW / 1000 + 3600,
    google: {
      compute_engine: {
        project_id: 'p1',
        zone: 'us-central1-a',
        instance_id: '77',
        instance_name: INSTANCE,
        ...place,
      },
    },
    ...changes,
  };
  const signed = `${part({ alg: 'RS256', kid: signer.kid, typ: 'JWT' })}.${part(claims)}`;
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(signer.privateKey, 'base64url')}`;
}

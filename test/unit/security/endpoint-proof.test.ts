import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { expect, it } from 'vitest';
import { proveEndpoint, provenFingerprint } from '../../../security/hosts/endpoint-proof.ts';
import { keyFingerprint } from '../../../security/hosts/pinned-key.ts';
import { endpointKey } from '../../../test-support/hosts/endpoint-key.ts';

const key = endpointKey();
const subject = { hostId: 'attic', token: 'a.b' };

it('proves the key of a host for its join alone', () => {
  const proof = proveEndpoint(key, subject);
  expect(provenFingerprint(proof, subject)).toBe(keyFingerprint({ publicKey: createPublicKey(key) }));
  expect(provenFingerprint(proof, { ...subject, token: 'a.c' })).toBeUndefined();
  expect(provenFingerprint(proof, { ...subject, hostId: 'cellar' })).toBeUndefined();
});

it('proves no key of another host: whoever only knows that key gets no bearer for it', () => {
  const { publicKey } = proveEndpoint(endpointKey(), subject);
  const { signature } = proveEndpoint(key, subject);
  expect(provenFingerprint({ publicKey, signature }, subject)).toBeUndefined();
});

it('takes nothing that is no key or no signature, and no key of another kind', () => {
  const proof = proveEndpoint(key, subject);
  const ed25519 = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
  for (const publicKey of ['', 'AAAA', '!', ed25519, `${proof.publicKey.slice(0, -4)}AAAA`]) {
    expect(provenFingerprint({ ...proof, publicKey }, subject)).toBeUndefined();
  }
  for (const signature of ['', 'AAAA', '!'])
    expect(provenFingerprint({ ...proof, signature }, subject)).toBeUndefined();
});

/**
 * How a computer that joins shows which key its internal endpoint has, and that it has it: by a signature that is good for
 * this token and this host id alone. A key that it only names could be that of another host.
 */
import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { keyFingerprint } from './pinned-key.ts';

export interface EndpointProof {
  /** Public key, SPKI in base64. */
  publicKey: string;
  /** ECDSA over SHA-256, in base64. */
  signature: string;
}

/** What the proof is for. */
export interface ProofSubject {
  hostId: string;
  /** The join token. */
  token: string;
}

/** `key`: PEM of the endpoint's private key. */
export function proveEndpoint(key: string, subject: ProofSubject): EndpointProof {
  const privateKey = createPrivateKey(key);
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' }).toString('base64');
  return { publicKey, signature: sign('sha256', textOf(subject), privateKey).toString('base64') };
}

/** Fingerprint of the key that was proven, or undefined when nothing was. Never throws. */
export function provenFingerprint({ publicKey, signature }: EndpointProof, subject: ProofSubject): string | undefined {
  const key = endpointKey(publicKey);
  if (key === undefined) return undefined;
  const isProven = verify('sha256', textOf(subject), key, Buffer.from(signature, 'base64'));
  return isProven ? keyFingerprint({ publicKey: key }) : undefined;
}

/** Of the one kind that hosts make. */
function endpointKey(text: string): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' });
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : undefined;
  } catch {
    return undefined;
  }
}

function textOf({ hostId, token }: ProofSubject): Buffer {
  return Buffer.from(`ephemera: ${hostId} joins with ${token}`);
}

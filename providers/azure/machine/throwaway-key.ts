import { generateKeyPairSync } from 'node:crypto';

let text: string | undefined;

/**
 * A public key whose private half nobody has: Azure makes no Linux machine without a key or a password, and nobody is to log in
 * with one of ours.
 */
export function throwawayPublicKey(): string {
  text ??= made();
  return text;
}

function made(): string {
  const { x = '' } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
  const type = Buffer.from('ssh-ed25519');
  const blob = Buffer.concat([withLength(type), withLength(Buffer.from(x, 'base64url'))]);
  return `${type.toString()} ${blob.toString('base64')} ephemera`;
}

function withLength(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

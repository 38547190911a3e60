import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** What a sealed text is worth something for. */
export interface Sealing {
  key: Uint8Array;
  /** The first part of the text; others are not opened. */
  version: string;
  /** Additional data: without the same one nobody opens the text. */
  boundTo: Buffer;
}

/** AES-256-GCM with a random nonce: the version, a dot, and base64url of nonce, tag and ciphertext. */
export function sealText({ key, version, boundTo }: Sealing, text: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(boundTo);
  const sealed = [cipher.update(text, 'utf8'), cipher.final()];
  return `${version}.${Buffer.concat([nonce, cipher.getAuthTag(), ...sealed]).toString('base64url')}`;
}

/** What was sealed, or undefined when it is damaged or was sealed for something else. Never throws. */
export function openText({ key, version, boundTo }: Sealing, sealed: string): string | undefined {
  const [ofVersion, payload = '', ...rest] = sealed.split('.');
  const bytes = Buffer.from(payload, 'base64url');
  // Two spellings of one sealed text must not both pass.
  if (ofVersion !== version || rest.length > 0 || bytes.toString('base64url') !== payload) return undefined;
  if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(boundTo);
  decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  try {
    const opened = [decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()];
    return Buffer.concat(opened).toString('utf8');
  } catch {
    return undefined;
  }
}

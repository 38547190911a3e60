import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto';
import { canonicalJson } from '../domain/canonical-json.ts';
import type { SecretInput } from '../domain/sealed-input.ts';
import { deriveKey } from './deployment-secret.ts';
import type { VmStartClaim } from './start-signatures.ts';

/** Texts of version 1 were bound to project and name alone: whoever could write a history chose what read them. */
const VERSION = 'v2';
/** Part of what a fingerprint is made of; another would make each repeated create request a conflict. */
const FINGERPRINT_VERSION = 'v1';
const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Seals what only a machine may read, and opens it: AES-256-GCM under a key that is derived from the deployment's
 * secret, with a random nonce; deployment, workflow id and the digest of the spec are bound to it as additional data, so
 * that it is worth nothing in another VM, or in the same one with another spec. A sealed text is `v2.` and base64url of nonce, tag and ciphertext.
 */
export class SealedInputs {
  readonly #sealingKey: Uint8Array;
  readonly #fingerprintKey: Uint8Array;
  readonly #deployment: string;

  constructor(secret: Uint8Array, deployment: string) {
    this.#sealingKey = deriveKey(secret, 'sealed-input/seal');
    this.#fingerprintKey = deriveKey(secret, 'sealed-input/fingerprint');
    this.#deployment = deployment;
  }

  seal(start: VmStartClaim, { secretEnv, startupScript }: SecretInput): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#sealingKey, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(this.#boundTo(start));
    const sealed = [cipher.update(plainText({ secretEnv, startupScript }), 'utf8'), cipher.final()];
    return `${VERSION}.${Buffer.concat([nonce, cipher.getAuthTag(), ...sealed]).toString('base64url')}`;
  }

  /** What was sealed, or undefined when the text is damaged, or of another VM, spec, deployment or key. Never throws. */
  open(start: VmStartClaim, text: string): SecretInput | undefined {
    const [version, payload = '', ...rest] = text.split('.');
    const bytes = Buffer.from(payload, 'base64url');
    // Two spellings of one sealed text must not both pass.
    if (version !== VERSION || rest.length > 0 || bytes.toString('base64url') !== payload) return undefined;
    if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
    const nonce = bytes.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv(CIPHER, this.#sealingKey, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(this.#boundTo(start));
    decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    try {
      const opened = [decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()];
      // What the tag vouches for was written by `seal`.
      return JSON.parse(Buffer.concat(opened).toString('utf8')) as SecretInput;
    } catch {
      return undefined;
    }
  }

  /** Equal for equal input of one VM's name, and says nothing about it to whoever has no key. */
  fingerprint({ project, name }: { project: string; name: string }, input: SecretInput): string {
    const subject = { version: FINGERPRINT_VERSION, deployment: this.#deployment, project, name };
    const mac = createHmac('sha256', this.#fingerprintKey).update(JSON.stringify(subject)).update('\n');
    return mac.update(plainText(input)).digest('hex');
  }

  #boundTo({ workflowId, spec }: VmStartClaim): Buffer {
    const specDigest = createHash('sha256').update(canonicalJson(spec)).digest('hex');
    return Buffer.from(JSON.stringify({ version: VERSION, deployment: this.#deployment, workflowId, specDigest }));
  }
}

/** The same text for the same input, however its variables were ordered. */
function plainText({ secretEnv, startupScript }: SecretInput): string {
  const ordered = Object.entries(secretEnv).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify({ secretEnv: Object.fromEntries(ordered), startupScript });
}

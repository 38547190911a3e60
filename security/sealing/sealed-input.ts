import { createHash, createHmac } from 'node:crypto';
import { canonicalJson } from '../../lib/text/canonical-json.ts';
import type { SecretInput } from '../../domain/machine/sealed-input.ts';
import { keyFor, type KeySource } from '../hosts/host-keys.ts';
import { openText, sealText, type Sealing } from './sealed-text.ts';
import type { StartClaim } from './start-signatures.ts';

/** Texts of version 1 were bound to project and name alone: a writer of histories chose what read them. */
const VERSION = 'v2';
/** Part of what a fingerprint is made of; another would make each repeated create request a conflict. */
const FINGERPRINT_VERSION = 'v1';

/**
 * Seals what only a machine may read, and opens it: AES-256-GCM under a key that is derived from the deployment's
 * secret, with a random nonce; deployment, workflow id and the digest of the spec are bound to it as additional data, so
 * that it is worth nothing in another VM, or in the same one with another spec. A sealed text is `v2.` and base64url of nonce, tag and ciphertext.
 */
export class SealedInputs {
  readonly #sealingKey: Uint8Array;
  readonly #keys: KeySource;
  readonly #deployment: string;

  /** With the keys of a host it gives no fingerprints. */
  constructor(keys: KeySource, deployment: string) {
    this.#sealingKey = keyFor(keys, 'sealed-input/seal');
    this.#keys = keys;
    this.#deployment = deployment;
  }

  seal(start: StartClaim, { secretEnv, startupScript }: SecretInput): string {
    return sealText(this.#sealing(start), plainText({ secretEnv, startupScript }));
  }

  /** What was sealed, or undefined when the text is damaged, or of another VM, spec, deployment or key. Never throws. */
  open(start: StartClaim, text: string): SecretInput | undefined {
    const opened = openText(this.#sealing(start), text);
    // What the tag vouches for was written by `seal`.
    return opened === undefined ? undefined : (JSON.parse(opened) as SecretInput);
  }

  /** Equal for equal input of one VM's name, and says nothing about it without the key. */
  fingerprint({ project, name }: { project: string; name: string }, input: SecretInput): string {
    const subject = { version: FINGERPRINT_VERSION, deployment: this.#deployment, project, name };
    const key = keyFor(this.#keys, 'sealed-input/fingerprint');
    const mac = createHmac('sha256', key).update(JSON.stringify(subject)).update('\n');
    return mac.update(plainText(input)).digest('hex');
  }

  #sealing({ workflowId, spec }: StartClaim): Sealing {
    const specDigest = createHash('sha256').update(canonicalJson(spec)).digest('hex');
    const subject = { version: VERSION, deployment: this.#deployment, workflowId, specDigest };
    return { key: this.#sealingKey, version: VERSION, boundTo: Buffer.from(JSON.stringify(subject)) };
  }
}

/** The same text for the same input, however its variables were ordered. */
function plainText({ secretEnv, startupScript }: SecretInput): string {
  const ordered = Object.entries(secretEnv).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify({ secretEnv: Object.fromEntries(ordered), startupScript });
}

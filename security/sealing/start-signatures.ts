import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { canonicalJson } from '../../lib/text/canonical-json.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';
import { keyFor, type KeySource } from '../hosts/host-keys.ts';

/** What the API starts: one owner of a machine, made from one spec, with one sealed input or none. */
export interface StartClaim {
  /** Of the owner: `vm/<project>/<name>` for a VM. */
  workflowId: string;
  spec: VmSpec;
  /** The machine of another owner that it may have; a signature with one is for that alone. */
  adopts?: string;
}

const VERSION = 'v1';
/** Stands for the digest where nothing is sealed. */
const NOTHING_SEALED = '-';

/**
 * Signs what the API starts, so that a host makes no machine that somebody with access to Temporal alone asks for
 * (docs/decisions/0030). A signature is `v1.`, the SHA-256 of the sealed text (base64url; `-` without one), `.` and an
 * HMAC-SHA256 over deployment, workflow id, spec and that digest. It is no secret.
 */
export class StartSignatures {
  readonly #key: Uint8Array;
  readonly #deployment: string;

  constructor(keys: KeySource, deployment: string) {
    this.#key = keyFor(keys, 'start-signature');
    this.#deployment = deployment;
  }

  sign(start: StartClaim, sealed: string | null): string {
    const digest = digestOf(sealed);
    return `${VERSION}.${digest}.${this.#mac(start, digest).toString('base64url')}`;
  }

  /** Whether the API signed this start, for whatever sealed text. Never throws, whatever the claim is. */
  verify(start: StartClaim, signature: unknown): boolean {
    if (typeof signature !== 'string') return false;
    const [version, digest = '', mac = '', ...rest] = signature.split('.');
    if (version !== VERSION || rest.length > 0) return false;
    try {
      const expected = this.#mac(start, digest);
      const presented = Buffer.from(mac, 'base64url');
      // Signatures are compared as texts elsewhere, so two spellings of one must not both pass.
      if (presented.toString('base64url') !== mac || presented.length !== expected.length) return false;
      return timingSafeEqual(presented, expected);
    } catch {
      return false;
    }
  }

  /** Whether the API signed this start together with this sealed text; null: with none. */
  verifyWith(start: StartClaim, sealed: string | null, signature: unknown): boolean {
    if (typeof signature !== 'string' || signature.split('.')[1] !== digestOf(sealed)) return false;
    return this.verify(start, signature);
  }

  #mac({ workflowId, spec, adopts }: StartClaim, sealedDigest: string): Buffer {
    const claim = {
      ...{ version: VERSION, deployment: this.#deployment, workflowId, spec, sealed: sealedDigest },
      ...(adopts === undefined ? {} : { adopts }),
    };
    return createHmac('sha256', this.#key).update(canonicalJson(claim)).digest();
  }
}

function digestOf(sealed: string | null): string {
  return sealed === null ? NOTHING_SEALED : createHash('sha256').update(sealed).digest('base64url');
}

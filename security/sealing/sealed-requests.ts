import { createHmac } from 'node:crypto';
import { canonicalJson } from '../../lib/text/canonical-json.ts';
import { keyFor, type KeySource } from '../hosts/host-keys.ts';
import { openText, sealText, type Sealing } from './sealed-text.ts';

const VERSION = 'v1';

/** Where a sealed request belongs: it is worth nothing in another place. */
export interface RequestPlace {
  /** Of the workflow that keeps it. */
  workflowId: string;
  id: string;
}

/**
 * Seals requests that are done later, and opens them: AES-256-GCM under a key that only replicas of the API have, so that
 * nobody who reads Temporal knows what is in them, and nobody who writes there can make one.
 */
export class SealedRequests {
  readonly #key: Uint8Array;
  readonly #deployment: string;

  constructor(keys: KeySource, deployment: string) {
    this.#key = keyFor(keys, 'sealed-request/seal');
    this.#deployment = deployment;
  }

  /** `request`: JSON. */
  seal(place: RequestPlace, request: unknown): string {
    return sealText(this.#sealing(place), JSON.stringify(request));
  }

  /** What was sealed, or undefined when the text is damaged, or of another place, deployment or key. Never throws. */
  open(place: RequestPlace, text: string): unknown {
    const opened = openText(this.#sealing(place), text);
    return opened === undefined ? undefined : (JSON.parse(opened) as unknown);
  }

  /** Equal for equal requests, and says nothing about them without the key. */
  fingerprint(request: unknown): string {
    const mac = createHmac('sha256', this.#key).update(JSON.stringify({ version: VERSION, of: this.#deployment }));
    return mac.update('\n').update(canonicalJson(request)).digest('base64url');
  }

  #sealing({ workflowId, id }: RequestPlace): Sealing {
    const subject = { version: VERSION, deployment: this.#deployment, workflowId, id };
    return { key: this.#key, version: VERSION, boundTo: Buffer.from(JSON.stringify(subject)) };
  }
}

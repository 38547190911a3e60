import { z } from 'zod';
import { keyFor, type KeySource } from '../hosts/host-keys.ts';
import { openText, sealText, type Sealing } from './sealed-text.ts';

const VERSION = 'v1';

/** Where an endpoint is, and by what it knows who sends. The path of a URL may be a secret too. */
export interface WebhookTarget {
  url: string;
  /** `whsec_…`, as Standard Webhooks writes it. */
  secret: string;
}

const targetSchema = z.object({ url: z.string(), secret: z.string() });

/**
 * Seals where endpoints are and their secrets: AES-256-GCM under a key that only replicas of the API have. Bound to the
 * workflow of the endpoint, so that a copy elsewhere is worth nothing.
 */
export class SealedWebhooks {
  readonly #key: Uint8Array;
  readonly #deployment: string;

  constructor(keys: KeySource, deployment: string) {
    this.#key = keyFor(keys, 'sealed-webhook/seal');
    this.#deployment = deployment;
  }

  seal(workflowId: string, target: WebhookTarget): string {
    return sealText(this.#sealing(workflowId), JSON.stringify(target));
  }

  /** What was sealed, or undefined when the text is damaged, or of another place, deployment or key. Never throws. */
  open(workflowId: string, text: string): WebhookTarget | undefined {
    const opened = openText(this.#sealing(workflowId), text);
    return opened === undefined ? undefined : targetSchema.safeParse(JSON.parse(opened)).data;
  }

  #sealing(workflowId: string): Sealing {
    const subject = { version: VERSION, deployment: this.#deployment, workflowId };
    return { key: this.#key, version: VERSION, boundTo: Buffer.from(JSON.stringify(subject)) };
  }
}

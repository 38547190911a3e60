import { log } from '@temporalio/workflow';
import type { WebhookEvent } from '../../domain/webhook/events.ts';
import { next } from '../../domain/webhook/next.ts';
import type { Webhook } from '../../domain/webhook/state.ts';
import type { Happened } from '../happened.ts';

/** Holds the one copy of an endpoint; `next` decides what events mean. */
export class WebhookRecord {
  /** What everybody can see of it. */
  shown: Webhook | undefined;
  /** The run is about to end: nothing more is begun in it. */
  leaves = false;
  /** Messages are being sent; nobody can hand the end of that on to a fresh history. */
  isSending = false;
  #webhook: Webhook;

  constructor(webhook: Webhook) {
    this.#webhook = webhook;
  }

  get webhook(): Webhook {
    return this.#webhook;
  }

  get published(): boolean {
    return this.shown === this.#webhook;
  }

  record(event: Happened<WebhookEvent>): void {
    const before = this.#webhook;
    this.#webhook = next(before, { ...event, at: Date.now() });
    const { project, id, disabled } = this.#webhook;
    if (disabled !== null && before.disabled === null) {
      log.warn('a webhook was disabled', { project, id, detail: disabled.detail });
    }
  }
}

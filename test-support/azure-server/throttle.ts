/** How many calls of a kind are taken in a while, as the compute API counts them, and what is left in the headers. */
import { ArmError } from './arm-error.ts';

export interface Limit {
  calls: number;
  windowMs: number;
}

const PLENTY: Limit = { calls: 1200, windowMs: 180_000 };

/** `PutVM`, `DeleteVM`, `UpdateVM`, `GetVM`, `HighCostGet`: as the headers name them, without the length of the window. */
export class Throttle {
  readonly limits = new Map<string, Limit>();
  /** Answers of 429 that were given. */
  refused = 0;
  readonly #taken = new Map<string, number[]>();

  /** Counts a call. @throws ArmError 429 */
  take(kind: string): Record<string, string> {
    const { calls, windowMs } = this.limits.get(kind) ?? PLENTY;
    const now = Date.now();
    const taken = (this.#taken.get(kind) ?? []).filter((at) => at > now - windowMs);
    this.#taken.set(kind, taken);
    // Without a limit of its own a kind is counted and never refused.
    if (taken.length < calls || !this.limits.has(kind)) {
      taken.push(now);
      return {
        'x-ms-ratelimit-remaining-resource': `Microsoft.Compute/${kind}3Min;${Math.max(0, calls - taken.length)}`,
      };
    }
    this.refused += 1;
    const seconds = Math.max(1, Math.ceil(((taken[0] ?? now) + windowMs - now) / 1000));
    const message =
      'The server rejected the request because too many requests have been received for this subscription.';
    const counts = {
      operationGroup: `${kind}3Min`,
      allowedRequestCount: calls,
      measuredRequestCount: taken.length + 1,
    };
    throw new ArmError(429, 'OperationNotAllowed', message, {
      details: [{ code: 'TooManyRequests', target: `${kind}3Min`, message: JSON.stringify(counts) }],
      headers: { 'retry-after': `${seconds}`, 'x-ms-ratelimit-remaining-resource': `Microsoft.Compute/${kind}3Min;0` },
    });
  }
}

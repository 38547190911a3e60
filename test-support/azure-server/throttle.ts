/** How many calls of a kind are taken in a while, as Azure counts them, and what is left in the headers. */
import { ArmError } from './arm-error.ts';

export interface Limit {
  calls: number;
  windowMs: number;
}

const PLENTY: Limit = { calls: 1200, windowMs: 180_000 };

export class Throttle {
  /**
   * By kind: `PutVM`, `DeleteVM`, `UpdateVM`, `GetVM` and `HighCostGet` as the compute API names them in its headers (without
   * the length of the window), `reads`, `writes` and `deletes` of the subscription.
   */
  readonly limits = new Map<string, Limit>();
  /** Answers of 429 that were given. */
  refused = 0;
  readonly #taken = new Map<string, number[]>();

  /** Counts a call of the compute API. @throws ArmError 429 */
  takeOfCompute(kind: string): Record<string, string> {
    const { left, retryAfterSeconds, limit } = this.#take(kind);
    const name = 'x-ms-ratelimit-remaining-resource';
    if (retryAfterSeconds === undefined) return { [name]: `Microsoft.Compute/${kind}3Min;${left}` };
    const message =
      'The server rejected the request because too many requests have been received for this subscription.';
    const counts = { operationGroup: `${kind}3Min`, allowedRequestCount: limit, measuredRequestCount: limit + 1 };
    throw new ArmError(429, 'OperationNotAllowed', message, {
      details: [{ code: 'TooManyRequests', target: `${kind}3Min`, message: JSON.stringify(counts) }],
      headers: { 'retry-after': `${retryAfterSeconds}`, [name]: `Microsoft.Compute/${kind}3Min;0` },
    });
  }

  /** Counts a call of the subscription, before any service has it. @throws ArmError 429 */
  takeOfSubscription(verb: string): Record<string, string> {
    const kind = verb === 'GET' ? 'reads' : verb === 'DELETE' ? 'deletes' : 'writes';
    const { left, retryAfterSeconds } = this.#take(kind);
    const name = `x-ms-ratelimit-remaining-subscription-${kind}`;
    if (retryAfterSeconds === undefined) return { [name]: `${left}` };
    const message = `Number of ${kind} for subscription exceeded the limit for time interval. Please try again after '${retryAfterSeconds}' seconds.`;
    throw new ArmError(429, 'SubscriptionRequestsThrottled', message, {
      headers: { 'retry-after': `${retryAfterSeconds}`, [name]: '0' },
    });
  }

  #take(kind: string): { left: number; limit: number; retryAfterSeconds?: number } {
    const { calls, windowMs } = this.limits.get(kind) ?? PLENTY;
    const now = Date.now();
    const taken = (this.#taken.get(kind) ?? []).filter((at) => at > now - windowMs);
    this.#taken.set(kind, taken);
    // Without a limit of its own a kind has always plenty.
    if (!this.limits.has(kind)) return { left: calls, limit: calls };
    if (taken.length < calls) {
      taken.push(now);
      return { left: calls - taken.length, limit: calls };
    }
    this.refused += 1;
    const retryAfterSeconds = Math.max(1, Math.ceil(((taken[0] ?? now) + windowMs - now) / 1000));
    return { left: 0, limit: calls, retryAfterSeconds };
  }
}

import { ApiProblem } from '../http/problem.ts';

export interface RateLimit {
  /** Requests that may come at once. */
  burst: number;
  /** Requests a second in the long run. */
  perSecond: number;
}

/** Callers remembered at most; the one that was quiet longest is forgotten first, with a full bucket. */
const REMEMBERED = 20_000;

/** A token bucket for each caller. */
export class RateLimiter {
  readonly #limit: RateLimit;
  readonly #buckets = new Map<string, { tokens: number; at: number }>();

  constructor(limit: RateLimit) {
    this.#limit = limit;
  }

  /** Takes one request of a caller. @throws ApiProblem `rateLimited` with Retry-After. `now` in ms. */
  take(caller: string, now: number): void {
    const { burst, perSecond } = this.#limit;
    const known = this.#buckets.get(caller) ?? { tokens: burst, at: now };
    const tokens = Math.min(burst, known.tokens + (Math.max(0, now - known.at) / 1000) * perSecond);
    this.#buckets.delete(caller);
    this.#buckets.set(caller, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
    this.#forgetOldest();
    if (tokens >= 1) return;
    const retryAfterSeconds = Math.max(1, Math.ceil((1 - tokens) / perSecond));
    throw new ApiProblem('rateLimited', `More than ${perSecond} requests a second`, {
      headers: { 'retry-after': String(retryAfterSeconds) },
    });
  }

  #forgetOldest(): void {
    for (const caller of this.#buckets.keys()) {
      if (this.#buckets.size <= REMEMBERED) return;
      this.#buckets.delete(caller);
    }
  }
}

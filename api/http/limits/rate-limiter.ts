import { ApiProblem } from '../errors/problem.ts';

export interface RateLimit {
  /** Requests that may come at once. */
  burst: number;
  /** Requests a second in the long run. */
  perSecond: number;
}

/** Callers remembered at most; the one that was quiet longest is forgotten first, with a full bucket. */
const REMEMBERED = 20_000;

/** A token bucket for each caller. Times in ms. */
export class RateLimiter {
  readonly #limit: RateLimit;
  readonly #what: string;
  readonly #buckets = new Map<string, { tokens: number; at: number }>();

  /** `what` is counted, for the answer: "requests", "changes with this key". */
  constructor(limit: RateLimit, what = 'requests') {
    this.#limit = limit;
    this.#what = what;
  }

  /** Takes one request of a caller. @throws ApiProblem `rateLimited` with Retry-After. */
  take(caller: string, now: number): void {
    const tokens = this.#spend(caller, now);
    if (tokens < 1) this.#refuse(tokens);
  }

  /** Takes one request of a caller, where there is one left. */
  tryTake(caller: string, now: number): boolean {
    return this.#spend(caller, now) >= 1;
  }

  /** How many the caller had before this one. */
  #spend(caller: string, now: number): number {
    const tokens = this.#tokens(caller, now);
    this.#buckets.delete(caller);
    this.#buckets.set(caller, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
    this.#forgetOldest();
    return tokens;
  }

  #tokens(caller: string, now: number): number {
    const { burst, perSecond } = this.#limit;
    const known = this.#buckets.get(caller);
    return known === undefined
      ? burst
      : Math.min(burst, known.tokens + (Math.max(0, now - known.at) / 1000) * perSecond);
  }

  #refuse(tokens: number): never {
    const { perSecond } = this.#limit;
    const rate = perSecond >= 1 ? `${perSecond} a second` : `${Math.round(perSecond * 60)} a minute`;
    throw new ApiProblem('rateLimited', `Too many ${this.#what}: more than ${rate}`, {
      headers: { 'retry-after': String(Math.max(1, Math.ceil((1 - tokens) / perSecond))) },
    });
  }

  #forgetOldest(): void {
    for (const caller of this.#buckets.keys()) {
      if (this.#buckets.size <= REMEMBERED) return;
      this.#buckets.delete(caller);
    }
  }
}

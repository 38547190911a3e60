/** How many requests a token may make: in an hour, and in a minute. Each counts for the whole of both after it was made. */
import { ApiError } from './api-error.ts';

export interface RateLimits {
  limit: number;
  windowMs: number;
  burst: number;
  burstWindowMs: number;
}

export const USUAL_LIMITS: RateLimits = { limit: 5000, windowMs: 3600_000, burst: 250, burstWindowMs: 60_000 };

export class RateLimit {
  /** May be changed at any time. */
  limits: RateLimits;
  private made: number[] = [];

  constructor(limits: RateLimits) {
    this.limits = limits;
  }

  /** Counts a request. @throws ApiError 429 when there is none left. */
  count(): void {
    const { burst, burstWindowMs } = this.limits;
    const now = Date.now();
    this.forget(now);
    const oldestOfBurst = this.made.at(-burst);
    const isOverBurst = oldestOfBurst !== undefined && oldestOfBurst > now - burstWindowMs;
    if (this.left() > 0 && !isOverBurst) return void this.made.push(now);
    const waitMs = isOverBurst ? oldestOfBurst + burstWindowMs - now : 0;
    const headers = isOverBurst ? { 'retry-after': `${Math.max(1, Math.ceil(waitMs / 1000))}` } : undefined;
    throw new ApiError(429, 'too_many_requests', 'API rate limit exceeded.', headers);
  }

  headers(): Record<string, string> {
    const { limit, windowMs } = this.limits;
    const now = Date.now();
    this.forget(now);
    const resetAtMs = (this.made[0] ?? now) + windowMs;
    return {
      'ratelimit-limit': `${limit}`,
      'ratelimit-remaining': `${this.left()}`,
      'ratelimit-reset': `${Math.ceil(resetAtMs / 1000)}`,
    };
  }

  private left(): number {
    return Math.max(0, this.limits.limit - this.made.length);
  }

  private forget(now: number): void {
    const { windowMs } = this.limits;
    const firstThatCounts = this.made.findIndex((at) => at > now - windowMs);
    this.made = firstThatCounts < 0 ? [] : this.made.slice(firstThatCounts);
  }
}

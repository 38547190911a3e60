import { setTimeout as sleep } from 'node:timers/promises';
import type { CallPurpose } from '../../domain/capacity/call-budget.ts';
import type { CancelSignal } from '../../domain/machine/provider.ts';
import { whenAborted, type CallBudget } from '../call-budget.ts';
import { backoffMs } from '../../lib/waiting/backoff.ts';
import type { CloudFailure } from './cloud-failure.ts';

export interface BackOff {
  firstMs: number;
  mostMs: number;
  /** Retries of one call stop after this; then its failure is thrown. So is one that asks for a longer pause than is left of it. */
  budgetMs: number;
}

/** How one call is made. */
export interface CallSettings {
  purpose: CallPurpose;
  signal: CancelSignal;
  /** Longest wait for one answer. */
  timeoutMs?: number;
  /** Its failure is thrown at once: what comes next is for the caller to find out. */
  once?: boolean;
}

/** What is particular to a cloud's client. */
export interface CloudClient<Options> {
  /** What a call takes besides its request; the client itself makes no retries, so that every call is counted. */
  optionsOf(timeoutMs: number): Options;
  /** What a rejected call means. */
  failureOf(error: unknown): CloudFailure;
}

const ANSWER_TIMEOUT_MS = 30_000;

/** Makes every call: within the call budget, retried with back-off while that can help, until the signal aborts. */
export class ApiCalls<Options> {
  private readonly budget: CallBudget;
  private readonly backOff: BackOff;
  private readonly client: CloudClient<Options>;

  constructor(budget: CallBudget, backOff: BackOff, client: CloudClient<Options>) {
    this.budget = budget;
    this.backOff = backOff;
    this.client = client;
  }

  /** Rejects with a {@link CloudFailure}, or with the reason of an aborted signal. */
  async make<Answer>(settings: CallSettings, call: (options: Options) => Promise<Answer>): Promise<Answer> {
    const startedAt = Date.now();
    for (let attempt = 1; ; attempt++) {
      await this.budget.take(settings.purpose, settings.signal);
      try {
        const options = this.client.optionsOf(settings.timeoutMs ?? ANSWER_TIMEOUT_MS);
        return await orAborted(call(options), settings.signal);
      } catch (error) {
        settings.signal.throwIfAborted();
        const failure = this.client.failureOf(error);
        // Earlier than the cloud asked for, a call only uses up more of what is scarce.
        const pauseMs = Math.max(this.pauseMs(attempt), failure.retryAfterMs ?? 0);
        if (!failure.passes || settings.once === true || Date.now() - startedAt + pauseMs > this.backOff.budgetMs)
          throw failure;
        await pause(pauseMs, settings.signal);
      }
    }
  }

  private pauseMs(attempt: number): number {
    const { firstMs, mostMs: longestMs } = this.backOff;
    return backoffMs({ firstMs, longestMs }, attempt - 1);
  }
}

/** The promise's outcome, unless the signal aborts first: then its reason, while the call ends by itself. */
export async function orAborted<Value>(promise: Promise<Value>, signal: CancelSignal): Promise<Value> {
  let forget = (): void => undefined;
  const aborted = new Promise<typeof ABORTED>((resolve) => {
    forget = whenAborted(signal, () => resolve(ABORTED));
  });
  try {
    const outcome = await Promise.race([promise, aborted]);
    if (outcome !== ABORTED) return outcome;
  } finally {
    forget();
  }
  throw signal.reason;
}

const ABORTED = Symbol('aborted');

/** Sleeps, or rejects with the reason of the signal itself. */
export async function pause(ms: number, signal: CancelSignal): Promise<void> {
  const options = signal instanceof AbortSignal ? { signal } : {};
  await sleep(ms, undefined, options).catch(() => undefined);
  signal.throwIfAborted();
}

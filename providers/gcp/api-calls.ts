import { setTimeout as sleep } from 'node:timers/promises';
import type { CallPurpose } from '../../domain/call-budget.ts';
import type { CancelSignal } from '../../domain/machine-provider.ts';
import { whenAborted, type CallBudget } from '../call-budget.ts';
import type { CallOptions } from './compute-api.ts';
import { failureOfCall, type ComputeFailure } from './client-errors.ts';

export interface BackOff {
  firstMs: number;
  mostMs: number;
  /** Retries of one call stop after this; then its failure is thrown. */
  budgetMs: number;
}

/** How one call is made. */
export interface CallSettings {
  purpose: CallPurpose;
  signal: CancelSignal;
  /** Longest wait for one answer. */
  timeoutMs?: number;
}

const ANSWER_TIMEOUT_MS = 30_000;

/** Makes every call: within the call budget, retried with back-off while that can help, until the signal aborts. */
export class ApiCalls {
  private readonly budget: CallBudget;
  private readonly backOff: BackOff;

  constructor(budget: CallBudget, backOff: BackOff) {
    this.budget = budget;
    this.backOff = backOff;
  }

  /** Rejects with a {@link ComputeFailure}, or with the reason of an aborted signal. */
  async make<Answer>(settings: CallSettings, call: (options: CallOptions) => Promise<Answer>): Promise<Answer> {
    const startedAt = Date.now();
    for (let attempt = 1; ; attempt++) {
      await this.budget.take(settings.purpose, settings.signal);
      try {
        const options: CallOptions = { timeout: settings.timeoutMs ?? ANSWER_TIMEOUT_MS, retry: null };
        return await orAborted(call(options), settings.signal);
      } catch (error) {
        settings.signal.throwIfAborted();
        const failure = failureOfCall(error);
        const pauseMs = this.pauseMs(attempt);
        if (!failure.passes || Date.now() - startedAt + pauseMs > this.backOff.budgetMs) throw failure;
        await pause(pauseMs, settings.signal);
      }
    }
  }

  /** The answer of a call that names one thing, or undefined when that does not exist. */
  async find<Answer>(
    settings: CallSettings,
    call: (options: CallOptions) => Promise<[Answer, ...unknown[]]>,
  ): Promise<Answer | undefined> {
    try {
      const [answer] = await this.make(settings, call);
      return answer;
    } catch (error) {
      if ((error as ComputeFailure).kind === 'notFound') return undefined;
      throw error;
    }
  }

  private pauseMs(attempt: number): number {
    const { firstMs, mostMs } = this.backOff;
    const ceiling = Math.min(mostMs, firstMs * 2 ** (attempt - 1));
    return ceiling / 2 + (Math.random() * ceiling) / 2;
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

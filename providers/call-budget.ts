import {
  CALL_PURPOSES,
  callWaitText,
  mayCall,
  msForCalls,
  refilled,
  type CallPurpose,
  type CallRate,
  type CallTokens,
} from '../domain/capacity/call-budget.ts';
import type { CancelSignal } from '../domain/machine/provider.ts';

export interface CallBudgetOptions {
  rate: CallRate;
  /**
   * True where the provider itself takes a call for each request that it sends: then the call that an operation was
   * admitted with pays for its first request.
   */
  providerTakesCalls?: boolean;
  /** More operations of one purpose do not wait here: their activities would take the place of others. */
  mostWaiting?: number;
}

/** One that wants to begin an operation of the provider. */
export interface CallRequest {
  purpose: CallPurpose;
  /** Epoch ms of the first asking, the same for every try: the earlier one goes first. */
  askedAt: number;
  /** How long this try waits. */
  patienceMs: number;
  /** Hears once why it waits, where it has to. */
  onWait?: (why: string) => void;
}

/** `refused`: not now; its place is where its `askedAt` puts it when it comes again. */
export type CallAnswer = { kind: 'admitted' } | { kind: 'refused'; message: string; retryAfterMs: number };

interface Waiting {
  askedAt: number;
  /** It comes again when it is refused; a request of the provider itself would not. */
  comesAgain: boolean;
  resolve: (granted: boolean) => void;
}

const MOST_WAITING = 200;
const ASK_AGAIN_MS = { least: 500, most: 10_000 } as const;
const ADMITTED: CallAnswer = { kind: 'admitted' };

/** The calls that one process makes to one provider. The rule is in domain/capacity/call-budget.ts; here are clock and queues. */
export class CallBudget {
  private readonly options: CallBudgetOptions;
  private readonly queues: Record<CallPurpose, Waiting[]> = { destroy: [], ongoing: [], starting: [] };
  /** Calls that are paid for and not made yet. */
  private readonly prepaid = { destroys: 0, others: 0 };
  private tokens: CallTokens;
  private timer: NodeJS.Timeout | undefined;

  constructor(options: CallBudgetOptions) {
    this.options = options;
    this.tokens = { left: options.rate.burst, at: performance.now() };
  }

  /** For one request of a provider that takes its calls itself. Rejects with the reason of an aborted signal. */
  async take(purpose: CallPurpose, signal: CancelSignal): Promise<void> {
    signal.throwIfAborted();
    const pot = potOf(purpose);
    if (this.prepaid[pot] > 0) this.prepaid[pot] -= 1;
    else await this.turn({ purpose, askedAt: Date.now(), patienceMs: Infinity }, signal);
  }

  /** Waits a while for the turn of an operation. Rejects with the reason of an aborted signal. */
  async admit(request: CallRequest, signal: CancelSignal): Promise<CallAnswer> {
    signal.throwIfAborted();
    const granted = await this.turn(request, signal);
    if (!granted) return this.refuse(request);
    const { providerTakesCalls = false, rate } = this.options;
    const pot = potOf(request.purpose);
    if (providerTakesCalls) this.prepaid[pot] = Math.min(rate.burst, this.prepaid[pot] + 1);
    return ADMITTED;
  }

  /** How many wait, by purpose. */
  waiting(): Record<CallPurpose, number> {
    const { destroy, ongoing, starting } = this.queues;
    return { destroy: destroy.length, ongoing: ongoing.length, starting: starting.length };
  }

  private async turn(request: CallRequest, signal: CancelSignal): Promise<boolean> {
    const { purpose, askedAt, patienceMs, onWait } = request;
    const queue = this.queues[purpose];
    let end = (): void => undefined;
    const granted = await new Promise<boolean>((resolve) => {
      const waiting: Waiting = { askedAt, resolve, comesAgain: patienceMs !== Infinity };
      queue.splice(this.ahead(request), 0, waiting);
      this.serve();
      if (!queue.includes(waiting)) return;
      const giveUp = (): void => this.dismiss(purpose, waiting);
      const timer = patienceMs === Infinity ? undefined : setTimeout(giveUp, patienceMs);
      const forget = whenAborted(signal, giveUp);
      end = () => {
        clearTimeout(timer);
        forget();
      };
      onWait?.(callWaitText(this.options.rate, queue.indexOf(waiting)));
      this.dismissTooMany(purpose);
    });
    end();
    if (signal.aborted && granted) this.giveBack();
    signal.throwIfAborted();
    return granted;
  }

  private refuse(request: CallRequest): CallAnswer {
    const { rate } = this.options;
    const ahead = this.ahead(request);
    // Somewhat before its turn, and not all at the same time.
    const turnMs = msForCalls(rate, ahead) * (0.6 + Math.random() * 0.3);
    const retryAfterMs = Math.round(Math.min(ASK_AGAIN_MS.most, Math.max(ASK_AGAIN_MS.least, turnMs)));
    return { kind: 'refused', message: callWaitText(rate, ahead), retryAfterMs };
  }

  private ahead({ purpose, askedAt }: CallRequest): number {
    const index = this.queues[purpose].findIndex((other) => other.askedAt > askedAt);
    return index === -1 ? this.queues[purpose].length : index;
  }

  private dismiss(purpose: CallPurpose, waiting: Waiting): void {
    const index = this.queues[purpose].indexOf(waiting);
    if (index === -1) return;
    this.queues[purpose].splice(index, 1);
    waiting.resolve(false);
  }

  /** The last to ask goes. */
  private dismissTooMany(purpose: CallPurpose): void {
    const thatComeAgain = this.queues[purpose].filter(({ comesAgain }) => comesAgain);
    const last = thatComeAgain[this.options.mostWaiting ?? MOST_WAITING];
    if (last !== undefined) this.dismiss(purpose, last);
  }

  private giveBack(): void {
    this.tokens.left += 1;
    this.serve();
  }

  private serve(): void {
    const { rate } = this.options;
    this.tokens = refilled(rate, this.tokens, performance.now());
    for (const purpose of CALL_PURPOSES) {
      while (this.queues[purpose].length > 0 && mayCall(rate, this.tokens, purpose)) {
        this.tokens.left -= 1;
        this.queues[purpose].shift()?.resolve(true);
      }
    }
    const isWaiting = CALL_PURPOSES.some((purpose) => this.queues[purpose].length > 0);
    if (!isWaiting || this.timer !== undefined) return;
    this.timer = setTimeout(
      () => {
        this.timer = undefined;
        this.serve();
      },
      Math.max(1, msForCalls(rate, 1)),
    );
  }
}

function potOf(purpose: CallPurpose): 'destroys' | 'others' {
  return purpose === 'destroy' ? 'destroys' : 'others';
}

/** Calls back when the signal aborts, where the signal can tell; the domain's own type has no events. */
export function whenAborted(signal: CancelSignal, callback: () => void): () => void {
  if (!(signal instanceof AbortSignal)) return () => undefined;
  signal.addEventListener('abort', callback, { once: true });
  return () => signal.removeEventListener('abort', callback);
}

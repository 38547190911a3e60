import type { CallBudget } from '../../call-budget.ts';
import { ApiCalls, pause, type BackOff, type CallSettings } from '../../cloud/api-calls.ts';
import type { CloudFailure } from '../../cloud/cloud-failure.ts';
import type { CallOptions, Pages, Poller, RawResponse } from './azure-api.ts';
import { failureOfCall } from './client-errors.ts';
import type { RemainingCalls } from './remaining-calls.ts';

/** The calls of Azure's clients. */
export class AzureCalls extends ApiCalls<CallOptions> {
  private readonly remaining: RemainingCalls;
  private readonly ready: () => Promise<unknown>;

  /** `ready`: resolves when the clients are there. */
  constructor(budget: CallBudget, backOff: BackOff, remaining: RemainingCalls, ready: () => Promise<unknown>) {
    const optionsOf = (timeout: number): CallOptions => ({ requestOptions: { timeout } });
    super(budget, backOff, { optionsOf, failureOf: failureOfCall });
    this.remaining = remaining;
    this.ready = ready;
  }

  override async make<Answer>(
    settings: CallSettings,
    call: (options: CallOptions) => Promise<Answer>,
  ): Promise<Answer> {
    settings.signal.throwIfAborted();
    await this.ready();
    const held = settings.purpose === 'destroy' ? 0 : this.remaining.pauseMs();
    if (held > 0) await pause(held, settings.signal);
    return super.make(settings, call);
  }

  /**
   * Begins an operation and resolves when it was accepted, with the body of that answer: what it makes is looked at like
   * anything else, so that another process can go on after this one.
   */
  async begin(settings: CallSettings, call: (options: CallOptions) => Poller): Promise<unknown> {
    return this.make(settings, async (options) => {
      let answer: RawResponse | undefined;
      await call({ ...options, onResponse: (response) => (answer = response) }).submitted();
      return answer === undefined ? undefined : bodyOf(answer);
    });
  }

  /** The answer of a call that names one thing, or undefined when that does not exist. */
  async find<Answer>(
    settings: CallSettings,
    call: (options: CallOptions) => Promise<Answer>,
  ): Promise<Answer | undefined> {
    try {
      return await this.make(settings, call);
    } catch (error) {
      if ((error as CloudFailure).kind === 'notFound') return undefined;
      throw error;
    }
  }

  /** Begins a delete. False when there is nothing to delete. */
  async remove(settings: CallSettings, call: (options: CallOptions) => Poller): Promise<boolean> {
    try {
      return await this.make(settings, async (options) => {
        let status = 0;
        await call({ ...options, onResponse: (response) => (status = response.status) }).submitted();
        return status !== 204;
      });
    } catch (error) {
      const { kind, reason } = error as CloudFailure;
      if (kind === 'notFound') return false;
      // In use, or being made or deleted by somebody else: it is still there.
      if (kind === 'notReady' || reason === 'OperationNotAllowed') return true;
      throw error;
    }
  }

  /** What is on all pages; each page is a call. */
  async all<Item>(settings: CallSettings, list: (options: CallOptions) => Pages<Item>): Promise<Item[]> {
    const found: Item[] = [];
    let continuationToken: string | undefined;
    do {
      const from = continuationToken === undefined ? {} : { continuationToken };
      const page = await this.make(settings, (options) => list(options).byPage(from).next());
      if (page.done === true) break;
      found.push(...page.value);
      continuationToken = page.value.continuationToken;
    } while (continuationToken !== undefined && continuationToken !== '');
    return found;
  }
}

function bodyOf({ parsedBody, bodyAsText }: RawResponse): unknown {
  if (parsedBody !== undefined) return parsedBody;
  return typeof bodyAsText === 'string' && bodyAsText !== '' ? JSON.parse(bodyAsText) : undefined;
}

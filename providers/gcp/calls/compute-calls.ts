import type { CallBudget } from '../../call-budget.ts';
import { ApiCalls, type BackOff, type CallSettings } from '../../cloud/api-calls.ts';
import type { CloudFailure } from '../../cloud/cloud-failure.ts';
import { failureOfCall } from './client-errors.ts';
import type { CallOptions } from './compute-api.ts';

/** The calls of Compute Engine's clients. */
export class ComputeCalls extends ApiCalls<CallOptions> {
  constructor(budget: CallBudget, backOff: BackOff) {
    super(budget, backOff, { optionsOf: (timeout) => ({ timeout, retry: null }), failureOf: failureOfCall });
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
      if ((error as CloudFailure).kind === 'notFound') return undefined;
      throw error;
    }
  }
}

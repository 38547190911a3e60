import type { CallBudget } from '../../call-budget.ts';
import { ApiCalls, type BackOff, type CallSettings } from '../../cloud/api-calls.ts';
import { CloudFailure } from '../../cloud/cloud-failure.ts';
import { failureOfCall, plainAnswers, type RateLimit } from './answers.ts';
import type { DigitalOceanApi, RequestConfig } from './digitalocean-api.ts';

/** The part of the hour's requests that is left to destroys. */
const KEPT_FOR_DESTROYS = 0.05;
/** A window of an hour gives requests back one by one: it is worth a look long before its end. */
const LOOK_AGAIN_MS = 10_000;
const PAGE_SIZE = 200;
const MOST_READS = 5;

/** Every call to DigitalOcean: within our budget and within what its answers say is left. */
export class DigitalOceanCalls {
  readonly #client: () => Promise<DigitalOceanApi>;
  readonly #calls: ApiCalls<RequestConfig>;
  #rate: RateLimit | undefined;

  constructor(client: () => Promise<DigitalOceanApi>, budget: CallBudget, backOff: BackOff) {
    this.#client = client;
    const config = plainAnswers((rate) => (this.#rate = rate));
    this.#calls = new ApiCalls(budget, backOff, { optionsOf: () => config, failureOf: failureOfCall });
  }

  /** Rejects with a CloudFailure, or with the reason of an aborted signal. */
  async make<Answer>(
    settings: CallSettings,
    call: (v2: DigitalOceanApi['v2'], config: RequestConfig) => Promise<unknown>,
  ): Promise<Answer> {
    const { v2 } = await this.#client();
    return this.#calls.make(settings, async (config) => {
      if (settings.purpose !== 'destroy') this.#leaveSomeForDestroys();
      return (await call(v2, config)) as Answer;
    });
  }

  /** The answer of a call that names one thing, or undefined when that does not exist. */
  async find<Answer>(
    settings: CallSettings,
    call: (v2: DigitalOceanApi['v2'], config: RequestConfig) => Promise<unknown>,
  ): Promise<Answer | undefined> {
    try {
      return await this.make<Answer>(settings, call);
    } catch (error) {
      if (error instanceof CloudFailure && error.kind === 'notFound') return undefined;
      throw error;
    }
  }

  /** All pages of a list, as of one moment: what goes while it is read moves something else to a page that was read. */
  async all<Item>(settings: CallSettings, field: string, call: PageCall): Promise<Item[]> {
    for (let attempt = 1; attempt <= MOST_READS; attempt++) {
      const items = await this.#allOnce<Item>(settings, field, call);
      if (items !== undefined) return items;
    }
    throw new CloudFailure('unavailable', 'listChanges', `the list of ${field} changed while it was read, each time`);
  }

  async #allOnce<Item>(settings: CallSettings, field: string, call: PageCall): Promise<Item[] | undefined> {
    const items: Item[] = [];
    let total: number | undefined;
    for (let page = 1; ; page++) {
      const answer = await this.make<ListAnswer>(settings, async (v2, config) =>
        listAnswer(await call(v2, config, { page, perPage: PAGE_SIZE }), field),
      );
      items.push(...((answer[field] ?? []) as Item[]));
      total ??= answer.meta?.total;
      if (answer.meta?.total !== total) return undefined;
      if (answer.links?.pages?.next === undefined) return items;
    }
  }

  #leaveSomeForDestroys(): void {
    const now = Date.now();
    if (this.#rate === undefined || this.#rate.resetAtMs <= now) return;
    const { limit, remaining, resetAtMs } = this.#rate;
    if (remaining > limit * KEPT_FOR_DESTROYS) return;
    const retryAfterMs = Math.min(resetAtMs - now, LOOK_AGAIN_MS);
    // Only an answer says that there are more again, so one call goes out after that.
    this.#rate = { ...this.#rate, resetAtMs: now + retryAfterMs };
    const text = `${remaining} of ${limit} requests of the hour are left, and destroys may need them`;
    throw new CloudFailure('rateLimited', 'ratelimit-remaining', text, { retryAfterMs });
  }
}

/** What came as a success without the list is no list that is empty. */
function listAnswer(answer: unknown, field: string): ListAnswer {
  const list = answer as ListAnswer | undefined;
  if (list !== undefined && (Array.isArray(list[field]) || list[field] === null)) return list;
  throw new CloudFailure('unavailable', 'noList', `an answer came without its list of ${field}`);
}

type PageCall = (
  v2: DigitalOceanApi['v2'],
  config: RequestConfig,
  page: { page: number; perPage: number },
) => Promise<unknown>;

interface ListAnswer {
  meta?: { total?: number };
  links?: { pages?: { next?: string } };
  [field: string]: unknown;
}

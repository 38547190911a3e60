/** How much one caller may ask of this replica. Memory of this process alone: N replicas give N times as much. */
import type { ApiKeyHolder } from '../../../security/keys/api-keys.ts';
import type { Settings } from '../../../config/settings.ts';
import { ApiProblem } from '../errors/problem.ts';
import { RateLimiter } from './rate-limiter.ts';

/** Whole seconds' worth of requests that may come at once. */
const READ_BURST_SECONDS = 2;
/** A session service starts hundreds of VMs at once, then a few. */
const MUTATION_BURST_SECONDS = 10;
/** Routes without a key: health checks and documents. */
const OPEN_LIMIT = { burst: 2000, perSecond: 1000 };
/** Files of the page /docs, apart from the rest: reading it costs no other request, and no flood of it costs the process. */
const DOCS_LIMIT = { burst: 100, perSecond: 5 };
/** Tokens and proofs of agents that are refused: a cloud's machines may share one address, and each may be late. */
const REFUSED_AGENT_LIMIT = { burst: 500, perSecond: 50 };
/** Documents of clouds that somebody on one address shows beside the binding of a machine: one can take a tenth of a second to judge. */
const PROOF_LIMIT = { burst: 20, perSecond: 1 };
/** Exchanges of a machine that proved itself: each is an update of its workflow, and lost answers are asked for again. */
const EXCHANGE_LIMIT = { burst: 20, perSecond: 1 };

/** Join tokens that let nobody in: people mistype them, and nobody guesses one. */
const REFUSED_JOIN_LIMIT = { burst: 20, perSecond: 1 / 3 };
/** Uses of one join token: its host asks again when an answer was lost. */
const JOIN_LIMIT = { burst: 10, perSecond: 1 };

type RequestLimitSettings = Omit<Settings['api']['limits'], 'watchersPerKey' | 'watchers'>;

export class RequestLimits {
  readonly #limits: RequestLimitSettings;
  readonly #reads: RateLimiter;
  readonly #mutations: RateLimiter;
  readonly #wrongKeys: RateLimiter;
  readonly #open = new RateLimiter(OPEN_LIMIT, 'requests from this address');
  readonly #docs = new RateLimiter(DOCS_LIMIT, 'files of /docs for this address');
  readonly #refusedAgents = new RateLimiter(REFUSED_AGENT_LIMIT, 'refused tokens from this address');
  readonly #proofs = new RateLimiter(PROOF_LIMIT, 'proofs of this machine from this address');
  readonly #exchanges = new RateLimiter(EXCHANGE_LIMIT, 'exchanges of this machine');
  readonly #refusedJoins = new RateLimiter(REFUSED_JOIN_LIMIT, 'refused join tokens from this address');
  readonly #joins = new RateLimiter(JOIN_LIMIT, 'uses of this join token');
  readonly #waits = new Map<string, number>();

  constructor(limits: RequestLimitSettings) {
    const { readsPerSecond, mutationsPerSecond, wrongKeysPerMinute } = limits;
    this.#limits = limits;
    this.#reads = new RateLimiter(
      { burst: readsPerSecond * READ_BURST_SECONDS, perSecond: readsPerSecond },
      'reads with this key',
    );
    this.#mutations = new RateLimiter(
      { burst: mutationsPerSecond * MUTATION_BURST_SECONDS, perSecond: mutationsPerSecond },
      'changes with this key',
    );
    this.#wrongKeys = new RateLimiter(
      { burst: wrongKeysPerMinute, perSecond: wrongKeysPerMinute / 60 },
      'requests without a valid key from this address',
    );
  }

  /** One request to a route without a key. @throws ApiProblem `rateLimited`. `now` in ms, here and below. */
  takeOpen(address: string, now: number): void {
    this.#open.take(address, now);
  }

  /** One file of the page /docs. @throws ApiProblem `rateLimited`. */
  takeDocs(address: string, now: number): void {
    this.#docs.take(address, now);
  }

  /** One request with this key. @throws ApiProblem `rateLimited`. */
  takeKeyed({ id }: ApiKeyHolder, mutates: boolean, now: number): void {
    (mutates ? this.#mutations : this.#reads).take(id, now);
  }

  /**
   * One request without a valid key. Valid ones never come here: an address is shared by many, and a client that floods it
   * must not shut them out. @throws ApiProblem `rateLimited`.
   */
  takeWrongKey(address: string, now: number): void {
    this.#wrongKeys.take(address, now);
  }

  /** One document that is to be judged, of whoever has the binding of this machine. @throws ApiProblem `rateLimited`. */
  takeProof(machineId: string, address: string, now: number): void {
    this.#proofs.take(`${machineId} ${address}`, now);
  }

  /** One exchange of a machine whose proof was checked. @throws ApiProblem `rateLimited`. */
  takeExchange(machineId: string, now: number): void {
    this.#exchanges.take(machineId, now);
  }

  /** One refused token or proof of an agent. @throws ApiProblem `rateLimited`. */
  takeRefusedAgent(address: string, now: number): void {
    this.#refusedAgents.take(address, now);
  }

  /** One join token that was refused. @throws ApiProblem `rateLimited`. */
  takeRefusedJoin(address: string, now: number): void {
    this.#refusedJoins.take(address, now);
  }

  /** One use of a join token of ours. @throws ApiProblem `rateLimited`. */
  takeJoin(tokenId: string, now: number): void {
    this.#joins.take(tokenId, now);
  }

  /** Takes one of the waits of a key until the returned function is called. @throws ApiProblem `tooManyWaits`. */
  beginWait({ id }: ApiKeyHolder): () => void {
    const { waitsPerKey } = this.#limits;
    const waiting = this.#waits.get(id) ?? 0;
    if (waiting >= waitsPerKey) {
      throw new ApiProblem('tooManyWaits', `${waitsPerKey} requests of this key wait already; nothing was done`, {
        headers: { 'retry-after': '1' },
      });
    }
    this.#waits.set(id, waiting + 1);
    return () => {
      const left = (this.#waits.get(id) ?? 1) - 1;
      if (left === 0) this.#waits.delete(id);
      else this.#waits.set(id, left);
    };
  }
}

import { LinkVerifier, type LinkClaims, type LinkFault } from '../../security/links/link-tokens.ts';
import type { ApiCalls } from '../vms/api-calls.ts';

/** The secret of a deployment may be changed: what does not fit is looked at with its present key, at most so often. */
const LOOK_AGAIN_MS = 30_000;

/** Verifies links with the key of the API, which is asked for once. */
export class LinkKeys {
  readonly #calls: Pick<ApiCalls, 'linkKey'>;
  readonly #now: () => number;
  readonly #known = new Map<string, { at: number; verifier: Promise<LinkVerifier> }>();

  constructor(calls: Pick<ApiCalls, 'linkKey'>, now: () => number = Date.now) {
    this.#calls = calls;
    this.#now = now;
  }

  /** @throws Refused where the API does not answer. */
  async verify(project: string, token: string): Promise<{ claims: LinkClaims } | { fault: LinkFault }> {
    const known = this.#known.get(project) ?? this.#ask(project);
    const verdict = (await known.verifier).verify(token, this.#now());
    if ('claims' in verdict || verdict.fault === 'expired') return verdict;
    if (this.#now() < known.at + LOOK_AGAIN_MS) return verdict;
    return (await this.#ask(project).verifier).verify(token, this.#now());
  }

  #ask(project: string): { at: number; verifier: Promise<LinkVerifier> } {
    const verifier = this.#calls.linkKey(project).then((key) => new LinkVerifier(key));
    const asked = { at: this.#now(), verifier };
    this.#known.set(project, asked);
    verifier.catch(() => this.#known.delete(project));
    return asked;
  }
}

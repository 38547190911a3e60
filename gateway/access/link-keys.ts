import { setTimeout as sleep } from 'node:timers/promises';
import { isRevoked, type RevokedLinks } from '../../security/links/link-revocations.ts';
import { LinkVerifier, type LinkClaims, type LinkFault } from '../../security/links/link-tokens.ts';
import type { ApiCalls } from '../vms/api-calls.ts';

/** What was asked holds for so long: links are taken back, and the secret of a deployment may be changed. */
const GOOD_FOR_MS = 10_000;
/** A visitor waits so long for a newer answer; what is known holds where none comes. */
const PATIENCE_MS = 2000;
/** An API that did not answer is asked again no sooner. */
const AGAIN_MS = 5000;

interface Known {
  verifier: LinkVerifier;
  revoked: RevokedLinks;
}

interface OfProject {
  known: Known | undefined;
  /** Epoch ms; of the last try and of the last answer. */
  triedAt: number;
  answeredAt: number;
  asking: Promise<Known> | undefined;
}

/** Verifies links with the key of the API, which says too which of them were taken back. */
export class LinkKeys {
  readonly #calls: Pick<ApiCalls, 'linkKey'>;
  readonly #now: () => number;
  readonly #projects = new Map<string, OfProject>();

  constructor(calls: Pick<ApiCalls, 'linkKey'>, now: () => number = Date.now) {
    this.#calls = calls;
    this.#now = now;
  }

  /** Projects of which something is known or asked. */
  get size(): number {
    return this.#projects.size;
  }

  /** @throws Refused where the API does not answer, and never did. */
  async verify(project: string, token: string): Promise<{ claims: LinkClaims } | { fault: LinkFault | 'revoked' }> {
    const { verifier, revoked } = await this.#ofProject(project);
    const verdict = verifier.verify(token, this.#now());
    return 'claims' in verdict && isRevoked(revoked, verdict.claims) ? { fault: 'revoked' } : verdict;
  }

  async #ofProject(project: string): Promise<Known> {
    const known: OfProject = this.#projects.get(project) ?? {
      ...{ known: undefined, triedAt: -Infinity, answeredAt: -Infinity, asking: undefined },
    };
    this.#projects.set(project, known);
    const now = this.#now();
    if (known.known !== undefined && now < known.answeredAt + GOOD_FOR_MS) return known.known;
    if (known.asking === undefined && (known.known === undefined || now >= known.triedAt + AGAIN_MS)) {
      known.asking = this.#ask(project, known);
    }
    const { known: before, asking } = known;
    if (before === undefined) return asking ?? this.#ask(project, known);
    const waited = new AbortController();
    try {
      const late = sleep(PATIENCE_MS, before, { signal: waited.signal, ref: false });
      late.catch(() => undefined);
      return await Promise.race([(asking ?? Promise.resolve(before)).catch(() => before), late]);
    } finally {
      waited.abort();
    }
  }

  #ask(project: string, known: OfProject): Promise<Known> {
    known.triedAt = this.#now();
    const asking = this.#calls.linkKey(project).then(({ revokedUntil, revokedOfVms, ...key }): Known => {
      const vms = Object.fromEntries(Object.entries(revokedOfVms).map(([name, at]) => [name, Date.parse(at)]));
      const all = revokedUntil === undefined ? {} : { all: Date.parse(revokedUntil) };
      known.known = { verifier: new LinkVerifier(key), revoked: { ...all, vms } };
      known.answeredAt = this.#now();
      return known.known;
    });
    const end = (): void => {
      known.asking = undefined;
      // Host names that visitors make up name any project.
      if (known.known === undefined) this.#projects.delete(project);
    };
    asking.then(end, end);
    return asking;
  }
}

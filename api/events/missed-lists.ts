/**
 * What readers of a project missed that stood at the same moment, put together once for all of them. Anybody with a key may say
 * that it stood anywhere, and each list takes time and memory: so few are made, and few are held by those who read slowly.
 */
import { RateLimiter } from '../http/limits/rate-limiter.ts';

/** A list serves those who come after it for so long: they read on where it ends. */
const SHARED_MS = 5000;
/** Of one project. After a restart readers stand at very few moments, for those move once a minute. */
const MOST_LISTS = 4;
const MAKING_LIMIT = { burst: MOST_LISTS, perSecond: 1 / 5 };

/** One of those who read a list; `release` when it has. */
export interface Taken<List> {
  list: List;
  release: () => void;
}

interface Kept<List> {
  sinceMs: number;
  list: List;
  madeAt: number;
  readers: number;
}

export class MissedLists<List> {
  readonly #ofProject = new Map<string, Kept<List>[]>();
  readonly #making = new RateLimiter(MAKING_LIMIT);

  /** The list of a project since a moment (epoch ms), made where there is none of late; undefined: too many are wanted. */
  take(project: string, sinceMs: number, make: () => List): Taken<List> | undefined {
    const now = performance.now();
    this.dropUnread();
    const kept = this.#ofProject.get(project) ?? [];
    let one = kept.find((known) => known.sinceMs === sinceMs && now - known.madeAt < SHARED_MS);
    if (one === undefined) {
      const oldestUnread = kept.findIndex(({ readers }) => readers === 0);
      if (kept.length >= MOST_LISTS && oldestUnread === -1) return undefined;
      if (!this.#making.tryTake(project, now)) return undefined;
      if (kept.length >= MOST_LISTS) kept.splice(oldestUnread, 1);
      one = { sinceMs, list: make(), madeAt: now, readers: 0 };
      kept.push(one);
      this.#ofProject.set(project, kept);
    }
    const taken = one;
    taken.readers += 1;
    return { list: taken.list, release: () => (taken.readers -= 1) };
  }

  /** Forgets what nobody reads any more, and nobody who comes now gets. */
  dropUnread(): void {
    const now = performance.now();
    for (const [project, kept] of this.#ofProject) {
      const left = kept.filter(({ readers, madeAt }) => readers > 0 || now - madeAt < SHARED_MS);
      if (left.length === 0) this.#ofProject.delete(project);
      else if (left.length < kept.length) this.#ofProject.set(project, left);
    }
  }
}

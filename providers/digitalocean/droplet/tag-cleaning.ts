import { AGENT_PROOF } from '../../../domain/machine/agent-proof.ts';
import type { CallSettings } from '../../cloud/api-calls.ts';
import { CloudFailure } from '../../cloud/cloud-failure.ts';
import type { DigitalOceanCalls } from '../calls/digitalocean-calls.ts';
import { isProofTag } from '../agent-proof.ts';
import { isLabelTag, isRecordTag } from './droplet-tags.ts';
import { isForgotten } from './ended-ids.ts';
import { deleteTag, listTags } from './tag-calls.ts';

const ROUND_MS = 10 * 60 * 1000;
/** Of one round, so that it does not use up what machines need. */
const MOST_OF_A_ROUND = 100;

/**
 * Takes tags away that nothing carries any more, behind everything else and without anybody waiting for it. What a droplet had is
 * named when that is seen gone; what a process did not live to clear is found by a look at all tags now and then.
 */
export class TagCleaning {
  readonly #calls: DigitalOceanCalls;
  readonly #now: () => number;
  readonly #left: string[] = [];
  #working: Promise<void> | undefined;
  #lookedAt = 0;
  /** Without a droplet when they were last seen: one that is being made gets its tags after that they are there. */
  #unused = new Set<string>();

  constructor(calls: DigitalOceanCalls, now: () => number = Date.now) {
    this.#calls = calls;
    this.#now = now;
  }

  /** Tags of one machine alone: no other resource carries them. */
  clear(tags: Iterable<string>): void {
    this.#left.push(...tags);
    this.#working ??= this.#clearAll().finally(() => (this.#working = undefined));
  }

  /** Looks at all tags, where the last look is long ago. */
  lookAtAll(): void {
    if (this.#now() - this.#lookedAt < ROUND_MS) return;
    this.#lookedAt = this.#now();
    void this.#look();
  }

  async #look(): Promise<void> {
    try {
      const tags = await listTags(this.#calls, BACKGROUND);
      const unused = tags
        .filter(({ name, resources }) => resources.count === 0 && isCleared(name))
        .map(({ name }) => name);
      const forgotten = tags.filter(({ name }) => isForgotten(name, this.#now())).map(({ name }) => name);
      const gone = unused.filter((name) => this.#unused.has(name));
      this.#unused = new Set(unused);
      this.clear([...forgotten, ...gone].slice(0, MOST_OF_A_ROUND));
    } catch {
      // The next round comes.
    }
  }

  async #clearAll(): Promise<void> {
    for (let name = this.#left.shift(); name !== undefined; name = this.#left.shift()) {
      try {
        await deleteTag(this.#calls, name, BACKGROUND);
      } catch (error) {
        if (!(error instanceof CloudFailure)) throw error;
        // A look at all tags finds it again.
      }
    }
  }
}

const BACKGROUND: CallSettings = { purpose: 'starting', signal: new AbortController().signal };

/** Tags that belong to a machine, or to the machines of a label. */
export function isCleared(tag: string): boolean {
  return isRecordTag(tag) || isProofTag(tag) || isLabelTag(tag) || tag.startsWith(`${AGENT_PROOF.key}:`);
}

/** Tags that no other machine can have. */
export function isOfOneMachine(tag: string): boolean {
  return isCleared(tag) && !isLabelTag(tag);
}

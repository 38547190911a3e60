import { orAborted, type CallSettings } from '../../cloud/api-calls.ts';
import type { EndedIds } from '../../cloud/cloud.ts';
import type { TagResource } from '../calls/digitalocean-api.ts';
import type { DigitalOceanCalls } from '../calls/digitalocean-calls.ts';
import { SharedRead } from './shared-read.ts';
import { createTag, listTags } from './tag-calls.ts';

const PREFIX = 'ephemera-ended:';
const WEEK_MS = 7 * 24 * 3600 * 1000;
/** For so long an id is never used again. */
const KEPT_MS = 24 * 3600 * 1000;
/** How far clocks of workers may be apart. */
const SKEW_MS = 3600 * 1000;

/**
 * Ids that are never used again, as tags that nothing carries. A tag has no time of its own, so its name has the week: one is
 * looked for in the week before as well where it may be younger than a day.
 */
export class EndedTags implements EndedIds {
  readonly #calls: DigitalOceanCalls;
  readonly #nameOf: (machineId: string) => string;
  readonly #now: () => number;
  readonly #list: SharedRead<Set<string>>;
  #pages = 1;
  #looking = 0;

  /** `nameOf`: a name that is one machine's of one deployment. */
  constructor(calls: DigitalOceanCalls, nameOf: (machineId: string) => string, now: () => number = Date.now) {
    this.#calls = calls;
    this.#nameOf = nameOf;
    this.#now = now;
    this.#list = new SharedRead(() => this.#all());
  }

  async note(machineId: string, settings: CallSettings): Promise<void> {
    await createTag(this.#calls, endedTag(this.#nameOf(machineId), weekOf(this.#now())), settings);
  }

  async has(machineId: string, settings: CallSettings): Promise<boolean> {
    const name = this.#nameOf(machineId);
    const tags = weeksToLookIn(this.#now()).map((week) => endedTag(name, week));
    this.#looking += 1;
    try {
      // One list for all who ask, where it is shorter than an answer for each.
      if (this.#looking * tags.length > this.#pages + 2) {
        const all = await orAborted(this.#list.get(), settings.signal);
        return tags.some((tag) => all.has(tag));
      }
      for (const tag of tags) if ((await this.#find(tag, settings)) !== undefined) return true;
      return false;
    } finally {
      this.#looking -= 1;
    }
  }

  #find(tag: string, settings: CallSettings): Promise<unknown> {
    return this.#calls.find<{ tag: TagResource }>(settings, (v2, config) => v2.tags.byTag_id(tag).get(config));
  }

  async #all(): Promise<Set<string>> {
    const tags = await listTags(this.#calls, { purpose: 'ongoing', signal: new AbortController().signal });
    this.#pages = Math.ceil(tags.length / 200);
    return new Set(tags.map(({ name }) => name));
  }
}

/** Whether the tag is one of an id that may be forgotten. */
export function isForgotten(tag: string, nowMs: number): boolean {
  const week = tag.startsWith(PREFIX) ? Number(tag.slice(PREFIX.length).split(':')[0]) : NaN;
  return Number.isInteger(week) && week < Math.min(...weeksToLookIn(nowMs));
}

function endedTag(name: string, week: number): string {
  return `${PREFIX}${week}:${name}`;
}

function weekOf(nowMs: number): number {
  return Math.floor(nowMs / WEEK_MS);
}

function weeksToLookIn(nowMs: number): number[] {
  return [...new Set([weekOf(nowMs), weekOf(nowMs + SKEW_MS), weekOf(nowMs - KEPT_MS - SKEW_MS)])];
}

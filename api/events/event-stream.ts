/** One watcher's stream of server-sent events: what it missed first, then what comes. It never holds more than a limit. */
import type { Writable } from 'node:stream';
import { isWanted, type EventFilter } from '../../domain/outbox/event.ts';
import { positionText, type StreamPosition } from '../../domain/outbox/position.ts';
import type { Missed, MissedItem, Outbox, Told } from './outbox.ts';

/** Why the server ends a stream. */
export type StreamEndCode = 'slowReader' | 'unauthenticated' | 'closing' | 'timeIsOver';

export interface StreamEnd {
  code: StreamEndCode;
  detail: string;
}

/** What one watcher asked for. */
export interface Watch {
  project: string;
  /** Id of the key that watches. */
  keyId: string;
  filter: EventFilter;
  /** Where it stood; absent: it wants what comes from now on. */
  position?: StreamPosition;
  /** Absent: until it hangs up. */
  timeoutSeconds?: number;
}

/** What waits for a reader in this process, beyond what the system holds for it. */
export const MAX_WAITING_BYTES = 256 * 1024;
/** A reader that takes nothing of what it missed for this long is too slow. */
const STALLED_MS = 30_000;
/** One that is told why it is cut off gets this long to hear it. */
const LAST_WORD_MS = 5000;
const MISSED_AT_ONCE = 200;
/** After which browsers and others connect again. */
const RETRY_MS = 2000;
const SLOW: StreamEnd = {
  code: 'slowReader',
  detail: 'Events came faster than they were read; connect again with Last-Event-ID',
};

export class EventStream {
  readonly watch: Watch;
  /** Resolves once nothing more is written. */
  readonly ended: Promise<void>;
  readonly #response: Writable;
  readonly #outbox: Outbox;
  readonly #over = new AbortController();

  constructor(response: Writable, outbox: Outbox, watch: Watch) {
    this.watch = watch;
    this.#response = response;
    this.#outbox = outbox;
    this.ended = new Promise((resolve) => {
      this.#over.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    response.once('close', () => this.#over.abort());
    // A connection that breaks is closed next.
    response.on('error', () => undefined);
  }

  get isOver(): boolean {
    return this.#over.signal.aborted;
  }

  /** Tells what was missed. When it resolves, and the stream is not over, it has had all that went out. */
  async catchUp(): Promise<void> {
    const { project, position } = this.watch;
    let next = this.#outbox.toldUntil;
    const missed = position === undefined ? undefined : this.#outbox.missed(project, position);
    this.write(this.#opening(missed));
    if (missed?.kind === 'from') next = missed.sequence;
    if (missed?.kind === 'all') {
      next = missed.next;
      await this.#tellAll(missed.items).finally(missed.release);
    }
    while (!this.isOver && next < this.#outbox.toldUntil) {
      const items = this.#outbox.told(next, MISSED_AT_ONCE);
      if (items === undefined) {
        this.end(SLOW);
        return;
      }
      next += items.length;
      const wanted = items.filter((item) => isForWatch(this.watch, item.project, item));
      await this.#writeInItsTime(wanted.map(({ block }) => block).join(''));
    }
  }

  /** Writes what everybody with the same wishes gets. A reader that is behind is cut off, and told so. */
  write(text: string | Uint8Array): void {
    if (this.isOver) return;
    this.#response.write(text);
    if (this.#response.writableLength > MAX_WAITING_BYTES) this.end(SLOW);
  }

  end(why: StreamEnd): void {
    if (this.isOver) return;
    this.#response.end(`event: end\ndata: ${JSON.stringify(why)}\n\n`);
    const cut = setTimeout(() => this.#response.destroy(), LAST_WORD_MS).unref();
    this.#response.once('close', () => clearTimeout(cut));
    this.#over.abort();
  }

  /** A reader that is cut off while it is told what it missed begins again where it stood before. */
  #opening(missed: Missed | undefined): string {
    const { position } = this.watch;
    const isResumed = missed !== undefined && missed.kind !== 'tooOld';
    const id = isResumed && position !== undefined ? positionText(position) : this.#outbox.position;
    const opening = `retry: ${RETRY_MS}\nid: ${id}\nevent: open\ndata: ${JSON.stringify({ resumed: isResumed })}\n\n`;
    if (missed?.kind !== 'tooOld') return opening;
    return `${opening}event: reset\ndata: ${JSON.stringify({ detail: missed.detail })}\n\n`;
  }

  async #tellAll(items: readonly MissedItem[]): Promise<void> {
    for (let start = 0; start < items.length && !this.isOver; start += MISSED_AT_ONCE) {
      const wanted = items.slice(start, start + MISSED_AT_ONCE).filter(({ told }) => isWantedBy(this.watch, told));
      await this.#writeInItsTime(wanted.map(({ block }) => block).join(''));
    }
  }

  /** Waits until it is read: what was missed may be more than is ever kept for a reader. */
  async #writeInItsTime(text: string): Promise<void> {
    if (this.isOver || text === '' || this.#response.write(text)) return;
    await new Promise<void>((resolve) => {
      const goOn = (): void => {
        clearTimeout(stalled);
        this.#response.off('drain', goOn);
        this.#over.signal.removeEventListener('abort', goOn);
        resolve();
      };
      const stalled = setTimeout(() => this.end(SLOW), STALLED_MS).unref();
      this.#response.once('drain', goOn);
      this.#over.signal.addEventListener('abort', goOn);
    });
  }
}

function isWantedBy({ filter }: Watch, told: Told): boolean {
  return isWanted(filter, 'event' in told ? told.event : told.gap);
}

/** Whether a watcher gets it: nothing of another project, whatever it wishes. */
export function isForWatch(watch: Watch, project: string, told: Told): boolean {
  return watch.project === project && isWantedBy(watch, told);
}

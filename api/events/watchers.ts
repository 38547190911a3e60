/**
 * Everybody who watches events at this replica. What goes out is picked and put together once for all who wish the same, so
 * that a watcher costs a write, whatever happens.
 */
import type { Writable } from 'node:stream';
import type { ApiKeyHolder, ApiKeyStore } from '../../security/keys/api-keys.ts';
import { ApiProblem } from '../http/errors/problem.ts';
import { EventStream, isForWatch, type StreamEnd, type Watch } from './event-stream.ts';
import type { Outbox } from './outbox.ts';

export interface WatcherLimits {
  /** Of one key, at this replica. */
  perKey: number;
  /** At this replica. */
  all: number;
}

export interface WatcherParts {
  outbox: Outbox;
  keys: Pick<ApiKeyStore, 'holder'>;
  limits: WatcherLimits;
  /** Between two heartbeats; 15 s when absent. */
  heartbeatMs?: number;
}

const HEARTBEAT_MS = 15_000;
/** A key that is revoked, or expires, ends its streams within about this long. */
const KEY_CHECK_MS = 1000;
const KEY_ENDED: StreamEnd = { code: 'unauthenticated', detail: 'The API key is revoked or has expired' };
const CLOSING: StreamEnd = {
  code: 'closing',
  detail: 'This replica of the API stops; connect again with Last-Event-ID',
};
const TIME_IS_OVER: StreamEnd = { code: 'timeIsOver', detail: 'It was asked for until now' };

/** Those that wish the same. */
interface Audience {
  watch: Watch;
  streams: Set<EventStream>;
}

export class Watchers {
  readonly #parts: WatcherParts;
  readonly #open = new Set<EventStream>();
  readonly #audiences = new Map<string, Audience>();
  readonly #ofKey = new Map<string, number>();
  readonly #stopListening: () => void;
  readonly #timers: NodeJS.Timeout[];

  constructor(parts: WatcherParts) {
    this.#parts = parts;
    this.#stopListening = parts.outbox.onTold((from) => this.#tell(from));
    this.#timers = [
      setInterval(() => this.#beat(), parts.heartbeatMs ?? HEARTBEAT_MS).unref(),
      setInterval(() => this.#endWithKeys(), KEY_CHECK_MS).unref(),
    ];
  }

  get count(): number {
    return this.#open.size;
  }

  /** Takes one of the places of a key until the returned function is called. @throws ApiProblem `tooManyWatchers`. */
  takePlace({ id }: ApiKeyHolder): () => void {
    const { perKey, all } = this.#parts.limits;
    const ofKey = this.#ofKey.get(id) ?? 0;
    const taken = [...this.#ofKey.values()].reduce((sum, count) => sum + count, 0);
    if (ofKey >= perKey) throw tooMany(`${perKey} streams of this key are open at this replica of the API`);
    if (taken >= all) throw tooMany(`${all} streams are open at this replica of the API`);
    this.#ofKey.set(id, ofKey + 1);
    return () => {
      const left = (this.#ofKey.get(id) ?? 1) - 1;
      if (left === 0) this.#ofKey.delete(id);
      else this.#ofKey.set(id, left);
    };
  }

  /** Writes to one watcher until it hangs up, is cut off, or nobody may watch any more. */
  async serve(response: Writable, watch: Watch, gone: AbortSignal): Promise<void> {
    const stream = new EventStream(response, this.#parts.outbox, watch);
    const close = (): void => stream.end(CLOSING);
    const { timeoutSeconds } = watch;
    const timer = timeoutSeconds && setTimeout(() => stream.end(TIME_IS_OVER), timeoutSeconds * 1000).unref();
    gone.addEventListener('abort', close, { once: true });
    this.#open.add(stream);
    try {
      if (gone.aborted) close();
      // Nothing goes out between the end of this and what follows: that takes a timer.
      await stream.catchUp();
      if (!stream.isOver) this.#join(stream);
      await stream.ended;
    } finally {
      clearTimeout(timer);
      gone.removeEventListener('abort', close);
      this.#leave(stream);
    }
  }

  close(): void {
    this.#stopListening();
    this.#timers.forEach(clearInterval);
    for (const stream of this.#open) stream.end(CLOSING);
  }

  #tell(from: number): void {
    const items = this.#parts.outbox.told(from) ?? [];
    for (const { watch, streams } of this.#audiences.values()) {
      const wanted = items.filter((item) => isForWatch(watch, item.project, item));
      if (wanted.length === 0) continue;
      const bytes = Buffer.from(wanted.map(({ block }) => block).join(''));
      for (const stream of streams) stream.write(bytes);
    }
  }

  /** Says that the stream is there, and where it stands, also where a watcher wishes little and hears nothing. */
  #beat(): void {
    const text = Buffer.from(`: heartbeat\nid: ${this.#parts.outbox.position}\n\n`);
    for (const { streams } of this.#audiences.values()) for (const stream of streams) stream.write(text);
  }

  #endWithKeys(): void {
    const ended = new Map<string, boolean>();
    for (const stream of this.#open) {
      const { keyId } = stream.watch;
      const isEnded = ended.get(keyId) ?? this.#parts.keys.holder(keyId) === undefined;
      ended.set(keyId, isEnded);
      if (isEnded) stream.end(KEY_ENDED);
    }
  }

  #join(stream: EventStream): void {
    const key = audienceOf(stream.watch);
    const audience = this.#audiences.get(key) ?? { watch: stream.watch, streams: new Set() };
    this.#audiences.set(key, audience);
    audience.streams.add(stream);
  }

  #leave(stream: EventStream): void {
    this.#open.delete(stream);
    const key = audienceOf(stream.watch);
    const audience = this.#audiences.get(key);
    audience?.streams.delete(stream);
    if (audience?.streams.size === 0) this.#audiences.delete(key);
  }
}

function audienceOf({ project, filter: { vm = '', template = '', kinds = [] } }: Watch): string {
  return JSON.stringify([project, vm, template, [...new Set(kinds)].sort()]);
}

function tooMany(detail: string): ApiProblem {
  return new ApiProblem('tooManyWatchers', detail, { headers: { 'retry-after': '5' } });
}

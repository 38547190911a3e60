/**
 * The streams of one link, at either end of it. Frames that steer go out at once; data waits for the credit of the other
 * end and for a link that has little in front of it, one frame of each stream in turn, so that a report or a confirm never
 * has more than that in front of itself.
 */
import type { StreamEnd, StreamFrame } from './frames.ts';
import { FRAME_BYTES, STREAMS_PER_LINK, windowFor } from './limits.ts';
import type { StreamRequest } from './requests.ts';
import { creditDue, nextStream, OPENING, type StreamEvent, type StreamState } from './stream-state.ts';

/** What the user of a stream hears. */
export interface StreamListener {
  opened?: () => void;
  data: (bytes: Uint8Array, channel: number) => void;
  /** The other end sends nothing more. */
  end: () => void;
  /** Both directions are over; null: each by its end. Heard once, and nothing after it. */
  closed: (end: StreamEnd | null) => void;
}

/** What the user of a stream does. */
export interface Stream {
  /** Calls `taken` once all of it went out: who has more waits for that. */
  write: (bytes: Uint8Array, channel: number, taken: () => void) => void;
  /** After what was written. */
  end: () => void;
  reset: (end: StreamEnd) => void;
  /** So many of the bytes heard are done with: the other end may send as many more. */
  consumed: (bytes: number) => void;
}

export interface MuxLink {
  send: (frame: StreamFrame) => void;
  /** False while the link has enough to carry; {@link StreamMux.pump} says that it takes more. */
  takesData: () => boolean;
}

/** An agent agrees by {@link Accept.agree}, or resets the stream. */
export interface Accept {
  request: StreamRequest;
  stream: Stream;
  agree: () => void;
}

interface Chunk {
  bytes: Uint8Array;
  channel: number;
  taken: () => void;
}

interface Entry {
  id: number;
  state: StreamState;
  listener: StreamListener;
  queue: Chunk[];
  endsAfterQueue: boolean;
}

const NOT_LISTENING: StreamListener = { data: () => undefined, end: () => undefined, closed: () => undefined };

export class StreamMux {
  private readonly link: MuxLink;
  private readonly onOpen: ((accept: Accept) => StreamListener) | null;
  private readonly entries = new Map<number, Entry>();
  private lastId = 0;
  /** Where the next round of data begins. */
  private turn = 0;

  /** `onOpen`: of an agent, whom its host asks; null: of a host. */
  constructor(link: MuxLink, onOpen: ((accept: Accept) => StreamListener) | null) {
    this.link = link;
    this.onOpen = onOpen;
  }

  /** Streams that are open, or about to be. */
  get size(): number {
    let open = 0;
    for (const { state } of this.entries.values()) if (state.phase !== 'resetting') open += 1;
    return open;
  }

  /** Undefined when there are too many. */
  open(request: StreamRequest, listener: StreamListener): Stream | undefined {
    if (this.size >= STREAMS_PER_LINK) return undefined;
    const entry = this.add(this.lastId + 1, listener);
    this.link.send({ id: entry.id, kind: 'open', request, window: entry.state.allowance });
    return this.handle(entry);
  }

  /**
   * `expected`: data that was asked for. `other`: nothing to do with a stream of now, or not worth its bytes. `hostile`: no
   * honest other end sends it: the link is to be cut.
   */
  take(frame: StreamFrame): 'expected' | 'other' | 'hostile' {
    if (frame.kind === 'open') return this.takeOpen(frame);
    const entry = this.entries.get(frame.id);
    if (entry === undefined) return frame.id <= this.lastId ? 'other' : 'hostile';
    const before = entry.state.phase;
    if (!this.step(entry, eventOf(frame))) return 'hostile';
    if (before !== 'resetting') this.hear(entry, frame);
    return frame.kind === 'data' ? 'expected' : 'other';
  }

  /** Sends what may be sent now. */
  pump(): void {
    let isMoving = true;
    while (isMoving) {
      isMoving = false;
      // Each gets its turn, also when the link takes no more in the middle of a round.
      const ids = [...this.entries.keys()];
      const first = Math.max(
        0,
        ids.findIndex((id) => id > this.turn),
      );
      for (const id of [...ids.slice(first), ...ids.slice(0, first)]) {
        const entry = this.entries.get(id);
        if (entry === undefined || entry.queue.length === 0 || entry.state.phase !== 'open') continue;
        if (!this.link.takesData()) return;
        if (!this.sendOne(entry)) continue;
        this.turn = id;
        isMoving = true;
      }
    }
  }

  /** The link is gone: so is every stream. */
  close(end: StreamEnd): void {
    const entries = [...this.entries.values()];
    this.entries.clear();
    for (const entry of entries) {
      const wasHeard = entry.state.phase === 'resetting';
      entry.state = { ...entry.state, phase: 'closed' };
      entry.queue = [];
      if (!wasHeard) entry.listener.closed(end);
    }
  }

  private takeOpen({ id, request, window }: StreamFrame & { kind: 'open' }): 'other' | 'hostile' {
    if (this.onOpen === null || id <= this.lastId) return 'hostile';
    if (this.size >= STREAMS_PER_LINK) {
      this.lastId = id;
      this.link.send({ id, kind: 'reset', end: TOO_MANY });
      return 'other';
    }
    const entry = this.add(id, NOT_LISTENING);
    const agree = (): void => {
      if (!this.step(entry, { type: 'opened', window })) return;
      this.link.send({ id, kind: 'opened', window: entry.state.allowance });
      this.endWhenSent(entry);
      this.pump();
    };
    entry.listener = this.onOpen({ request, stream: this.handle(entry), agree });
    return 'other';
  }

  private add(id: number, listener: StreamListener): Entry {
    this.lastId = id;
    const state: StreamState = { phase: 'opening', ...OPENING, allowance: windowFor(this.size + 1) };
    const entry = { id, state, listener, queue: [], endsAfterQueue: false };
    this.entries.set(id, entry);
    this.forgetOldest();
    return entry;
  }

  /** Of those that the other end never agrees to have ended. */
  private forgetOldest(): void {
    if (this.entries.size <= 2 * STREAMS_PER_LINK) return;
    for (const { id, state } of this.entries.values()) {
      if (state.phase !== 'resetting') continue;
      this.entries.delete(id);
      return;
    }
  }

  private handle(entry: Entry): Stream {
    return {
      write: (bytes, channel, taken) => {
        if (entry.state.phase === 'resetting' || entry.state.phase === 'closed' || entry.endsAfterQueue) return;
        entry.queue.push({ bytes, channel, taken });
        this.pump();
      },
      end: () => {
        if (entry.endsAfterQueue) return;
        entry.endsAfterQueue = true;
        this.endWhenSent(entry);
      },
      reset: (end) => this.resetBy(entry, end),
      consumed: (bytes) => {
        if (!this.step(entry, { type: 'consumed', bytes })) return;
        const due = creditDue(entry.state, windowFor(this.size));
        if (due === 0) return;
        entry.state = { ...entry.state, allowance: entry.state.allowance + due };
        this.link.send({ id: entry.id, kind: 'credit', bytes: due });
      },
    };
  }

  private resetBy(entry: Entry, end: StreamEnd): void {
    if (!this.step(entry, { type: 'sentReset' })) return;
    entry.queue = [];
    this.link.send({ id: entry.id, kind: 'reset', end });
    entry.listener.closed(end);
  }

  /** False: there is nothing to send, or no credit for it. */
  private sendOne(entry: Entry): boolean {
    const chunk = entry.queue[0];
    const size = Math.min(chunk?.bytes.length ?? 0, FRAME_BYTES, entry.state.credit);
    if (chunk === undefined || (size === 0 && chunk.bytes.length > 0)) return false;
    if (size > 0) {
      const { channel } = chunk;
      this.step(entry, { type: 'sent', bytes: size });
      this.link.send({ id: entry.id, kind: 'data', channel, bytes: chunk.bytes.subarray(0, size) });
      chunk.bytes = chunk.bytes.subarray(size);
    }
    if (chunk.bytes.length > 0) return true;
    entry.queue.shift();
    chunk.taken();
    this.endWhenSent(entry);
    return true;
  }

  private endWhenSent(entry: Entry): void {
    if (!entry.endsAfterQueue || entry.queue.length > 0) return;
    if (!this.step(entry, { type: 'sentEnd' })) return;
    this.link.send({ id: entry.id, kind: 'end' });
    if (entry.state.phase === 'closed') entry.listener.closed(null);
  }

  private hear(entry: Entry, frame: StreamFrame): void {
    const { listener } = entry;
    switch (frame.kind) {
      case 'opened':
        listener.opened?.();
        this.endWhenSent(entry);
        break;
      case 'data':
        listener.data(frame.bytes, frame.channel);
        return;
      case 'end':
        listener.end();
        if (entry.state.phase === 'closed') listener.closed(null);
        break;
      case 'reset':
        entry.queue = [];
        this.link.send({ id: entry.id, kind: 'reset', end: frame.end });
        listener.closed(frame.end);
        break;
      case 'credit':
      case 'open':
        break;
    }
    this.pump();
  }

  private step(entry: Entry, event: StreamEvent): boolean {
    const next = nextStream(entry.state, event);
    if (next === undefined) return false;
    entry.state = next;
    if (next.phase === 'closed') this.entries.delete(entry.id);
    return true;
  }
}

export const TOO_MANY: StreamEnd = {
  code: 'tooManyStreams',
  detail: `The VM has ${STREAMS_PER_LINK} open streams already: end one of them first`,
};

function eventOf(frame: Exclude<StreamFrame, { kind: 'open' }>): StreamEvent {
  switch (frame.kind) {
    case 'opened':
      return { type: 'opened', window: frame.window };
    case 'data':
      return { type: 'got', bytes: frame.bytes.length };
    case 'credit':
      return { type: 'gotCredit', bytes: frame.bytes };
    case 'end':
      return { type: 'gotEnd' };
    case 'reset':
      return { type: 'gotReset' };
  }
}

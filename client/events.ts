/** Live events, as an iterator that goes on after cuts where it was. */
import type { components } from './api-types.ts';
import { ApiError, ApiUnreachable, problemIn } from './errors.ts';
import { sleep, type HttpClient } from './http.ts';
import { readEventStream, type Block } from './event-stream.ts';

type Schemas = components['schemas'];
/** One numbered event of a VM. */
export type VmEvent = Schemas['Event'];

/** What the stream tells: what happened to VMs, and when that was not all. */
export type StreamedEvent =
  | { type: 'vm'; id: string; event: VmEvent }
  /** The stream stands, and events that come after a list that is read now are all that change it. */
  | { type: 'open'; id: string; resumed: boolean }
  /** Events of one VM were missed: read it again. */
  | { type: 'gap'; id: string; vm: string; uid: string }
  /** More was missed than is kept: list everything again. */
  | { type: 'reset'; id: string; detail: string };

export interface EventOptions {
  vm?: string | undefined;
  template?: string | undefined;
  kind?: readonly string[] | undefined;
  /** Where to go on: `id` of the last one that was seen. Default: from now on. */
  lastEventId?: string | undefined;
  signal?: AbortSignal | undefined;
  /** Told when the stream is cut; it is opened again. */
  onCut?: ((error: Error) => void) | undefined;
}

/** Heartbeats come each 15 s. */
const SILENCE_MS = 45_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

/**
 * Ends when the signal is aborted. An event that was seen before, by its number, does not come again.
 * @throws ApiError for what connecting again does not change.
 */
export async function* streamEvents(http: HttpClient, options: EventOptions): AsyncGenerator<StreamedEvent, void> {
  const { signal, onCut } = options;
  let lastEventId = options.lastEventId;
  const seen = new Numbers();
  for (let pauseMs = FIRST_PAUSE_MS; !signal?.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      for await (const block of blocksOf(http, { ...options, lastEventId })) {
        lastEventId = block.id || lastEventId;
        pauseMs = FIRST_PAUSE_MS;
        const streamed = block.data === '' ? undefined : streamedOf(block, seen);
        if (streamed !== undefined) yield streamed;
      }
      throw new ApiUnreachable(http.url, 'the stream of events ended');
    } catch (error) {
      if (signal?.aborted) return;
      const isFinal = error instanceof ApiError && error.status !== 429 && error.status < 500;
      if (isFinal || !(error instanceof ApiError || error instanceof ApiUnreachable)) throw error;
      onCut?.(error);
    }
    await sleep(pauseMs * (0.5 + Math.random() / 2), signal).catch(() => undefined);
  }
}

async function* blocksOf(http: HttpClient, options: EventOptions): AsyncGenerator<Block, void> {
  const query = new URLSearchParams();
  if (options.vm !== undefined) query.set('vm', options.vm);
  if (options.template !== undefined) query.set('template', options.template);
  for (const kind of options.kind ?? []) query.append('kind', kind);
  const stop = new AbortController();
  const signals = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const silence = new Alarm(SILENCE_MS, () => stop.abort(new Error('no heartbeat came')));
  try {
    const response = await http.open(
      `/v1/events?${query.toString()}`,
      {
        ...(options.lastEventId === undefined ? {} : { 'last-event-id': options.lastEventId }),
        accept: 'text/event-stream',
      },
      signals,
    );
    if (!response.ok) throw new ApiError('GET /v1/events', response, await problemIn(response));
    if (response.body === null) return;
    yield* readEventStream(response.body, () => silence.restart());
  } catch (error) {
    throw error instanceof ApiError
      ? error
      : new ApiUnreachable(http.url, stop.signal.aborted ? stop.signal.reason : error);
  } finally {
    silence.stop();
    stop.abort();
  }
}

function streamedOf({ id, type, data }: Block, seen: Numbers): StreamedEvent | undefined {
  const body = JSON.parse(data) as Record<string, unknown>;
  switch (type) {
    case 'vm':
      return seen.isNew(body as { uid: string; number: number })
        ? { type, id, event: body as unknown as VmEvent }
        : undefined;
    case 'open':
      return { type, id, resumed: body['resumed'] === true };
    case 'gap':
      return { type, id, ...(body as { vm: string; uid: string }) };
    case 'reset':
      return { type, id, ...(body as { detail: string }) };
    case 'end': {
      if (body['code'] !== 'unauthenticated') return undefined;
      const problem = { status: 401, title: 'The key is no longer valid', ...body } as unknown as Schemas['Problem'];
      throw new ApiError('GET /v1/events', new Response(null, { status: 401 }), problem);
    }
    // A later version may tell more.
    default:
      return undefined;
  }
}

/** The last number that was seen of each of the latest lives. */
class Numbers {
  private readonly last = new Map<string, number>();

  isNew({ uid, number }: { uid: string; number: number }): boolean {
    if (number <= (this.last.get(uid) ?? 0)) return false;
    this.last.delete(uid);
    this.last.set(uid, number);
    const [oldest] = this.last.size > 10_000 ? this.last.keys() : [];
    if (oldest !== undefined) this.last.delete(oldest);
    return true;
  }
}

class Alarm {
  private timer: ReturnType<typeof setTimeout>;
  private readonly afterMs: number;
  private readonly ring: () => void;

  constructor(afterMs: number, ring: () => void) {
    this.afterMs = afterMs;
    this.ring = ring;
    this.timer = setTimeout(ring, afterMs);
  }

  restart(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(this.ring, this.afterMs);
  }

  stop(): void {
    clearTimeout(this.timer);
  }
}

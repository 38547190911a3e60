import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { EventStream, MAX_WAITING_BYTES } from '../../../../api/events/event-stream.ts';
import { Outbox } from '../../../../api/events/outbox.ts';
import { Watchers } from '../../../../api/events/watchers.ts';

/** A client that reads, or does not. */
class Client extends Writable {
  text = '';
  #waiting: (() => void) | undefined;
  #reads: boolean;

  constructor(reads: boolean) {
    super({ highWaterMark: 1024 });
    this.#reads = reads;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    if (this.#reads) done();
    else this.#waiting = done;
  }

  read(): void {
    this.#reads = true;
    this.#waiting?.();
  }
}

const WATCH = { project: 'default', keyId: 'k1', filter: {} };
const holder = { id: 'k1', project: 'default', role: 'viewer' } as const;

function following(): Outbox {
  const outbox = new Outbox();
  outbox.follow(0);
  return outbox;
}

function code(work: () => unknown): string {
  try {
    work();
    return 'fine';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('a stream of events', () => {
  it('cuts off a reader that is behind, holds no more than its limit for it, and tells it why', async () => {
    const client = new Client(false);
    const stream = new EventStream(client, following(), WATCH);
    await stream.catchUp();
    const block = Buffer.alloc(16 * 1024, 'x');
    let written = 0;
    for (; !stream.isOver; written += block.length) stream.write(block);
    expect(written).toBeLessThanOrEqual(MAX_WAITING_BYTES + block.length);
    stream.write(block);
    expect(client.writableLength).toBeLessThan(MAX_WAITING_BYTES + 2 * block.length);
    client.read();
    await expect.poll(() => client.text).toContain('event: end\ndata: {"code":"slowReader"');
  });

  it('ends within a second or two when its key is revoked, and others go on', async () => {
    const keys = new Set(['k1', 'k2']);
    const outbox = following();
    const watchers = new Watchers({
      outbox,
      keys: { holder: (id) => (keys.has(id) ? { ...holder, id } : undefined) },
      limits: { perKey: 5, all: 5 },
      heartbeatMs: 50,
    });
    const [first, second] = [new Client(true), new Client(true)];
    const gone = new AbortController();
    const served = watchers.serve(first, WATCH, gone.signal);
    void watchers.serve(second, { ...WATCH, keyId: 'k2' }, gone.signal);
    await expect.poll(() => first.text).toContain(': heartbeat\nid: ');
    keys.delete('k1');
    await served;
    expect(first.text).toContain('event: end\ndata: {"code":"unauthenticated"');
    expect(second.text).not.toContain('event: end');
    expect(watchers.count).toBe(1);
    watchers.close();
    await expect.poll(() => second.text).toContain('event: end\ndata: {"code":"closing"');
  });

  it('is refused where a key, or the replica, has as many as it may', () => {
    const keys = { holder: () => holder };
    const watchers = new Watchers({ outbox: following(), keys, limits: { perKey: 2, all: 3 } });
    const leave = watchers.takePlace(holder);
    watchers.takePlace(holder);
    expect(code(() => watchers.takePlace(holder))).toBe('tooManyWatchers');
    watchers.takePlace({ ...holder, id: 'k2' });
    expect(code(() => watchers.takePlace({ ...holder, id: 'k3' }))).toBe('tooManyWatchers');
    leave();
    expect(code(() => watchers.takePlace(holder))).toBe('fine');
    watchers.close();
  });
});

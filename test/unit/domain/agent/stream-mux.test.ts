import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  frameLine,
  isFrameLine,
  parseFrame,
  type StreamEnd,
  type StreamFrame,
} from '../../../../domain/agent/streams/frames.ts';
import { FRAME_BYTES, STREAMS_PER_LINK, windowFor } from '../../../../domain/agent/streams/limits.ts';
import { StreamMux, type Accept, type Stream, type StreamListener } from '../../../../domain/agent/streams/mux.ts';
import type { StreamRequest } from '../../../../domain/agent/streams/requests.ts';

const REQUEST: StreamRequest = { kind: 'port', port: 80, countsAsConnection: false };
const WHY: StreamEnd = { code: 'cancelled', detail: 'enough' };

/** A listener that keeps what it heard, and consumes when it is told to. */
class Heard implements StreamListener {
  bytes = 0;
  unread = 0;
  text = '';
  ends = 0;
  isOpen = false;
  closings: (StreamEnd | null)[] = [];
  opened = (): void => void (this.isOpen = true);
  data = (bytes: Uint8Array): void => {
    this.bytes += bytes.length;
    this.unread += bytes.length;
    this.text += Buffer.from(bytes).toString('latin1');
  };
  end = (): void => void (this.ends += 1);
  closed = (end: StreamEnd | null): void => void this.closings.push(end);
}

/** Two ends with lines between them that are carried when the test says so. */
function ends(onOpen: (accept: Accept) => StreamListener = agreeing()) {
  const toAgent: StreamFrame[] = [];
  const toHost: StreamFrame[] = [];
  const room = { host: true, agent: true };
  const host = new StreamMux({ send: (frame) => toAgent.push(overTheWire(frame)), takesData: () => room.host }, null);
  const agent = new StreamMux(
    { send: (frame) => toHost.push(overTheWire(frame)), takesData: () => room.agent },
    onOpen,
  );
  const carryOne = (to: 'agent' | 'host'): boolean => {
    const frame = (to === 'agent' ? toAgent : toHost).shift();
    if (frame === undefined) return false;
    expect((to === 'agent' ? agent : host).take(frame)).not.toBe('hostile');
    return true;
  };
  const carry = (): void => {
    while (carryOne('agent') || carryOne('host'));
  };
  return { host, agent, toAgent, toHost, carry, carryOne, room };
}

const text64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
function overTheWire(frame: StreamFrame): StreamFrame {
  const line = frameLine(frame, text64);
  expect(isFrameLine(line)).toBe(true);
  return parseFrame(line, (base64) => Buffer.from(base64, 'base64'))!;
}

const accepted: { stream: Stream; heard: Heard }[] = [];
function agreeing(): (accept: Accept) => StreamListener {
  accepted.length = 0;
  return ({ stream, agree }) => {
    const heard = new Heard();
    accepted.push({ stream, heard });
    queueMicrotask(agree);
    return heard;
  };
}
const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function opened(pair: ReturnType<typeof ends>) {
  const heard = new Heard();
  const stream = pair.host.open(REQUEST, heard)!;
  pair.carry();
  await soon();
  pair.carry();
  expect(heard.isOpen).toBe(true);
  return { heard, stream, other: accepted.at(-1)! };
}

describe('streams of a link', () => {
  it('carry words both ways, and each direction ends by itself', async () => {
    const pair = ends();
    const { heard, stream, other } = await opened(pair);
    stream.write(Buffer.from('ask'), 0, () => undefined);
    stream.end();
    pair.carry();
    expect(other.heard).toMatchObject({ text: 'ask', ends: 1, closings: [] });
    other.stream.write(Buffer.from('answer'), 0, () => undefined);
    other.stream.end();
    pair.carry();
    expect(heard).toMatchObject({ text: 'answer', ends: 1, closings: [null] });
    expect(other.heard.closings).toEqual([null]);
    expect([pair.host.size, pair.agent.size]).toEqual([0, 0]);
  });

  it('what is written before the other end has agreed comes after it, its end too', async () => {
    const pair = ends();
    const stream = pair.host.open(REQUEST, new Heard())!;
    stream.write(Buffer.from('early'), 0, () => undefined);
    stream.end();
    pair.carry();
    await soon();
    pair.carry();
    expect(accepted[0]!.heard).toMatchObject({ text: 'early', ends: 1 });
  });

  it('a reader that reads nothing stops the writer at its window, and others go on', async () => {
    const pair = ends();
    const slow = await opened(pair);
    const fast = await opened(pair);
    let isTaken = false;
    slow.other.stream.write(Buffer.alloc(4 * windowFor(1)), 0, () => (isTaken = true));
    pair.carry();
    expect(isTaken).toBe(false);
    expect(slow.heard.bytes).toBeLessThanOrEqual(windowFor(1));
    fast.other.stream.write(Buffer.from('quick'), 0, () => undefined);
    pair.carry();
    expect(fast.heard.text).toBe('quick');
    while (slow.heard.unread > 0) {
      slow.stream.consumed(slow.heard.unread);
      slow.heard.unread = 0;
      pair.carry();
    }
    expect(isTaken).toBe(true);
    expect(slow.heard.bytes).toBe(4 * windowFor(1));
  });

  it('a link with enough to carry gets no data, steering all the same, and streams in turn afterwards', async () => {
    const pair = ends();
    const [first, second] = [await opened(pair), await opened(pair)];
    pair.room.host = false;
    first.stream.write(Buffer.alloc(3 * FRAME_BYTES), 0, () => undefined);
    second.stream.write(Buffer.alloc(3 * FRAME_BYTES), 0, () => undefined);
    expect(pair.toAgent).toEqual([]);
    const third = pair.host.open(REQUEST, new Heard());
    expect(third).toBeDefined();
    expect(pair.toAgent.map(({ kind }) => kind)).toEqual(['open']);
    pair.toAgent.length = 0;
    pair.room.host = true;
    pair.host.pump();
    const ids = pair.toAgent.map(({ id }) => id);
    expect(new Set(ids.slice(0, 2)).size).toBe(2);
    expect(ids).toHaveLength(6);
  });

  it('a reset is heard once at either end, and what was under way does no harm', async () => {
    const pair = ends();
    const { heard, stream, other } = await opened(pair);
    other.stream.write(Buffer.alloc(3 * FRAME_BYTES), 0, () => undefined);
    stream.reset(WHY);
    stream.write(Buffer.from('late'), 0, () => undefined);
    other.stream.reset({ code: 'portRefused', detail: 'crossed' });
    pair.carry();
    expect(heard).toMatchObject({ closings: [WHY], bytes: 0 });
    expect(other.heard.closings).toHaveLength(1);
    expect([pair.host.size, pair.agent.size]).toEqual([0, 0]);
  });

  it('no more than the limit are open, and the other end of one too many is told why', async () => {
    const pair = ends();
    for (let at = 0; at < STREAMS_PER_LINK; at += 1) await opened(pair);
    expect(pair.host.open(REQUEST, new Heard())).toBeUndefined();
    const id = STREAMS_PER_LINK + 1;
    expect(pair.agent.take({ id, kind: 'open', request: REQUEST, window: 1 })).toBe('other');
    expect(pair.toHost.at(-1)).toMatchObject({ id, kind: 'reset', end: { code: 'tooManyStreams' } });
  });

  it('the end of the link ends each stream once, with the reason', async () => {
    const pair = ends();
    const { heard, stream } = await opened(pair);
    pair.host.close(WHY);
    stream.write(Buffer.from('late'), 0, () => undefined);
    stream.reset(WHY);
    expect(heard.closings).toEqual([WHY]);
    expect(pair.toAgent).toEqual([]);
  });

  it.each<[string, (id: number) => StreamFrame]>([
    ['more than its window', (id) => ({ id, kind: 'data', channel: 0, bytes: Buffer.alloc(1024 * 1024) })],
    ['a second agreement', (id) => ({ id, kind: 'opened', window: 1 })],
    ['a stream that nobody opened', (id) => ({ id: id + 1, kind: 'end' })],
    ['a stream of its own', (id) => ({ id: id + 1, kind: 'open', request: REQUEST, window: 1 })],
    ['credit without end', (id) => ({ id, kind: 'credit', bytes: 16 * 1024 * 1024 })],
  ])('an agent that sends %s is found out', async (_what, frame) => {
    const pair = ends();
    await opened(pair);
    expect(pair.host.take(frame(1))).toBe('hostile');
  });

  it('agents whose frames are noise never make the host keep more than its windows', () => {
    const frames = fc.array(
      fc.oneof(
        fc.record({ id: fc.integer({ min: 1, max: 4 }), kind: fc.constant('opened' as const), window: fc.nat(1e6) }),
        fc.record({ id: fc.integer({ min: 1, max: 4 }), kind: fc.constant('credit' as const), bytes: fc.nat(1e6) }),
        fc.record({ id: fc.integer({ min: 1, max: 4 }), kind: fc.constant('end' as const) }),
        fc.record({ id: fc.integer({ min: 1, max: 4 }), kind: fc.constant('reset' as const), end: fc.constant(WHY) }),
        fc.record({
          ...{ id: fc.integer({ min: 1, max: 4 }), kind: fc.constant('data' as const) },
          ...{ channel: fc.nat(3), bytes: fc.uint8Array({ minLength: 1, maxLength: FRAME_BYTES }) },
        }),
      ),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(frames, (sent) => {
        const heard = [new Heard(), new Heard(), new Heard()];
        const host = new StreamMux({ send: () => undefined, takesData: () => true }, null);
        for (const one of heard) host.open(REQUEST, one);
        for (const frame of sent) if (host.take(frame) === 'hostile') break;
        for (const one of heard) {
          expect(one.bytes).toBeLessThanOrEqual(windowFor(1));
          expect(one.closings.length).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('whatever the order in which frames are carried, every byte arrives once and in order', async () => {
    const orders = fc.array(fc.constantFrom<'agent' | 'host'>('agent', 'host'), { minLength: 50, maxLength: 400 });
    await fc.assert(
      fc.asyncProperty(orders, fc.integer({ min: 1, max: 300_000 }), async (order, size) => {
        const pair = ends();
        const { heard, stream, other } = await opened(pair);
        const sent = Buffer.alloc(size, 'abcdefg');
        other.stream.write(sent, 0, () => other.stream.end());
        for (const to of order) {
          pair.carryOne(to);
          if (heard.unread < 50_000) continue;
          stream.consumed(heard.unread);
          heard.unread = 0;
        }
        for (;;) {
          pair.carry();
          if (heard.unread === 0) break;
          stream.consumed(heard.unread);
          heard.unread = 0;
        }
        expect(heard.text).toBe(sent.toString('latin1'));
        expect(heard.ends).toBe(1);
      }),
      { numRuns: 50 },
    );
  });
});

describe('a line of a frame', () => {
  it.each([
    ['no JSON', '{"type":"stream",'],
    ['no id', '{"type":"stream","kind":"end"}'],
    ['an id of text', '{"type":"stream","id":"1","kind":"end"}'],
    ['a kind of nobody', '{"type":"stream","id":1,"kind":"dance"}'],
    ['no data', '{"type":"stream","id":1,"kind":"data","channel":0,"data":""}'],
    ['a channel of text', '{"type":"stream","id":1,"kind":"data","channel":"0","data":"AAAA"}'],
    ['too much data', `{"type":"stream","id":1,"kind":"data","channel":0,"data":"${'A'.repeat(24_000)}"}`],
    ['credit below nothing', '{"type":"stream","id":1,"kind":"credit","bytes":-1}'],
    ['a request for nothing', '{"type":"stream","id":1,"kind":"open","window":1,"request":{"kind":"port","port":0}}'],
    [
      'a command with a NUL',
      '{"type":"stream","id":1,"kind":"open","window":1,"request":{"kind":"exec","command":["a\\u0000b"]}}',
    ],
  ])('with %s is none', (_what, line) => {
    expect(parseFrame(line, (base64) => Buffer.from(base64, 'base64'))).toBeUndefined();
  });
});

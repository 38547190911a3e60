/** Reads GET /v1/events as a program of a user would, block by block. */
import { request, type Agent, type IncomingMessage } from 'node:http';
import type { OutboxEvent } from '../../domain/outbox/event.ts';
import { eventually } from '../eventually.ts';

export interface Block {
  /** The last id that was sent, with this block or before. */
  id: string;
  type: string;
  /** What its data says, as JSON. */
  data: unknown;
  /** When it was read, epoch ms. */
  readAt: number;
}

export interface EventReader {
  status: number;
  headers: IncomingMessage['headers'];
  blocks: Block[];
  /** The last id, also of a heartbeat. */
  lastId: () => string;
  /** Events of blocks of type `vm`, as they came. */
  events: () => OutboxEvent[];
  /** Resolves once `check` passes. */
  until: (check: (reader: EventReader) => void, timeoutMs?: number) => Promise<void>;
  /** Resolves when the server ended it, or the connection broke. */
  ended: Promise<void>;
  /** Reads nothing more, and stays connected. */
  pause: () => void;
  resume: () => void;
  close: () => void;
}

export interface ReadOptions {
  /** With its `?`. */
  query?: string;
  lastEventId?: string;
  method?: string;
  agent?: Agent;
  /** Called with each block; then none is kept. */
  onBlock?: (block: Block) => void;
}

/** Resolves when the server has answered; a refusal has its body as the one block. */
export async function readEvents(
  { url, key }: { url: string; key: string },
  { query = '', lastEventId, method = 'GET', agent, onBlock }: ReadOptions = {},
): Promise<EventReader> {
  const sent = request(`${url}/v1/events${query}`, {
    method,
    ...(agent === undefined ? {} : { agent }),
    headers: {
      authorization: `Bearer ${key}`,
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    },
  });
  sent.end();
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    sent.once('response', resolve).once('error', reject);
  });
  sent.on('error', () => undefined);
  response.on('error', () => undefined);
  const blocks: Block[] = [];
  let lastId = '';
  let rest = '';
  response.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n\n');
    rest = parts.pop() ?? '';
    for (const part of parts) {
      const block = blockIn(part, lastId);
      lastId = block.id;
      if (block.type === '') continue;
      if (onBlock === undefined) blocks.push(block);
      else onBlock(block);
    }
  });
  const ended = new Promise<void>((resolve) => response.once('close', () => resolve()));
  const reader: EventReader = {
    ...{ status: response.statusCode ?? 0, headers: response.headers, blocks, ended },
    lastId: () => lastId,
    events: () => blocks.filter(({ type }) => type === 'vm').map(({ data }) => data as OutboxEvent),
    until: (check, timeoutMs) => eventually(() => check(reader), timeoutMs),
    pause: () => response.pause(),
    resume: () => response.resume(),
    close: () => sent.destroy(),
  };
  return reader;
}

function blockIn(text: string, lastId: string): Block {
  let [id, type, data] = [lastId, '', ''];
  for (const line of text.split('\n')) {
    const [field, value = ''] = line.split(/: (.*)/s);
    if (field === 'id') id = value;
    if (field === 'event') type = value;
    if (field === 'data') data += value;
  }
  return { id, type, data: data === '' ? undefined : JSON.parse(data), readAt: Date.now() };
}

/**
 * What goes between an API and the host of a machine on the WebSocket of one stream. Binary messages: a byte that names the
 * channel, then its bytes. Text messages are JSON of these.
 */
import { parseStreamEnd, type StreamEnd } from '../agent/streams/frames.ts';
import { parseStreamRequest, type StreamRequest } from '../agent/streams/requests.ts';

/** API -> host: `open` once and first. Host -> API: `opened` once and first, else `reset`. Both: `end`, `reset`. */
export type StreamMessage = { open: StreamRequest } | { opened: true } | { end: true } | { reset: StreamEnd };

/** Longest message either way: a request to run a command. */
export const MAX_STREAM_MESSAGE_BYTES = 128 * 1024;

/** The message in a text, or undefined when it is none. */
export function parseStreamMessage(text: string): StreamMessage | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { open, opened, end, reset } = value as Record<string, unknown>;
  if (open !== undefined) {
    const request = parseStreamRequest(open);
    return request && { open: request };
  }
  if (opened === true) return { opened };
  if (end === true) return { end };
  return reset === undefined ? undefined : { reset: parseStreamEnd(reset) };
}

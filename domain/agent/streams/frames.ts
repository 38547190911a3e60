/** Frames of streams on an agent link: JSON lines beside reports and commands, told apart by how they begin. */
import { FRAME_BYTES } from './limits.ts';
import { parseStreamRequest, type StreamRequest } from './requests.ts';

/** Why a stream was not opened, or ended before its end; said to the API. */
export const STREAM_ENDS = [
  /** The agent, or this program, is older than streams. */
  'streamsUnsupported',
  'tooManyStreams',
  /** Nothing listens on the port. */
  'portRefused',
  /** The program, its directory or what it needs is not there. */
  'execFailed',
  'ttyUnavailable',
  'fileNotFound',
  /** Outside of what the machine lets out, or it cannot be read or written. */
  'fileRefused',
  /** The link to the machine was lost, or its agent. */
  'streamLost',
  'streamIdle',
  /** Whoever asked went away. */
  'cancelled',
] as const;
export type StreamEndCode = (typeof STREAM_ENDS)[number];

export interface StreamEnd {
  code: StreamEndCode;
  detail: string;
}

type FrameBody =
  /** Host -> agent; `window`: what the agent may send before it gets credit. */
  | { kind: 'open'; request: StreamRequest; window: number }
  | { kind: 'opened'; window: number }
  | { kind: 'data'; channel: number; bytes: Uint8Array }
  | { kind: 'credit'; bytes: number }
  /** Nothing more comes from this side. */
  | { kind: 'end' }
  /** Both directions are over; answered by the same. */
  | { kind: 'reset'; end: StreamEnd };

export type StreamFrame = { id: number } & FrameBody;

/** How a line of a frame begins; a line of anything else does not. */
const FRAME_START = '{"type":"stream",';

export const STREAM_VERSION = 1;

const MOST_DETAIL = 500;
const MAX_CREDIT = 16 * 1024 * 1024;

export function isFrameLine(line: string): boolean {
  return line.startsWith(FRAME_START);
}

/** `base64`: of the bytes of a frame, by whoever has a fast one. */
export function frameLine(frame: StreamFrame, base64: (bytes: Uint8Array) => string): string {
  const { kind, id } = frame;
  const head = `${FRAME_START}"id":${id},"kind":"${kind}"`;
  switch (frame.kind) {
    case 'open':
      return `${head},"window":${frame.window},"request":${JSON.stringify(frame.request)}}`;
    case 'opened':
      return `${head},"window":${frame.window}}`;
    case 'data':
      return `${head},"channel":${frame.channel},"data":"${base64(frame.bytes)}"}`;
    case 'credit':
      return `${head},"bytes":${frame.bytes}}`;
    case 'end':
      return `${head}}`;
    case 'reset':
      return `${head},"end":${JSON.stringify(frame.end)}}`;
  }
}

/** The frame in a line, or undefined when it is none: the other end is not trusted. */
export function parseFrame(line: string, bytesOf: (base64: string) => Uint8Array): StreamFrame | undefined {
  const value = parsed(line);
  if (value === undefined) return undefined;
  const { id, kind } = value;
  if (!isCount(id, 1, Number.MAX_SAFE_INTEGER)) return undefined;
  switch (kind) {
    case 'open': {
      const request = parseStreamRequest(value['request']);
      const { window } = value;
      return request !== undefined && isCount(window, 0, MAX_CREDIT) ? { id, kind, request, window } : undefined;
    }
    case 'opened': {
      const { window } = value;
      return isCount(window, 0, MAX_CREDIT) ? { id, kind, window } : undefined;
    }
    case 'data': {
      const { channel, data } = value;
      if (!isCount(channel, 0, 255) || typeof data !== 'string') return undefined;
      const bytes = bytesOf(data);
      return bytes.length > 0 && bytes.length <= FRAME_BYTES ? { id, kind, channel, bytes } : undefined;
    }
    case 'credit': {
      const { bytes } = value;
      return isCount(bytes, 1, MAX_CREDIT) ? { id, kind, bytes } : undefined;
    }
    case 'end':
      return { id, kind };
    case 'reset':
      return { id, kind, end: parseStreamEnd(value['end']) };
    default:
      return undefined;
  }
}

/** What is no end that we know is the loss of the stream. */
export function parseStreamEnd(value: unknown): StreamEnd {
  const { code, detail } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  return {
    code: STREAM_ENDS.find((known) => known === code) ?? 'streamLost',
    detail: typeof detail === 'string' ? detail.slice(0, MOST_DETAIL) : 'The stream was ended without a reason',
  };
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function isCount(value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;
}

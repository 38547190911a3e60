/**
 * One end of one stream: what it may still send, what the other end may, and which directions are over. Pure; bytes are
 * counted here and kept elsewhere (mux.ts).
 */
export interface StreamState {
  /** `opening`: the other end has not agreed. `resetting`: over here, and the other end has not said so. */
  phase: 'opening' | 'open' | 'resetting' | 'closed';
  /** Bytes that the other end takes now. */
  credit: number;
  /** Bytes that the other end may still send. */
  allowance: number;
  /** Of what came, not consumed here yet. */
  unread: number;
  /** Nothing more is sent; nothing more comes. */
  sentEnd: boolean;
  gotEnd: boolean;
}

export type StreamEvent =
  | { type: 'opened'; window: number }
  | { type: 'sent'; bytes: number }
  | { type: 'got'; bytes: number }
  | { type: 'consumed'; bytes: number }
  | { type: 'gotCredit'; bytes: number }
  | { type: 'sentEnd' }
  | { type: 'gotEnd' }
  | { type: 'sentReset' }
  | { type: 'gotReset' };

export const OPENING = { credit: 0, unread: 0, sentEnd: false, gotEnd: false } as const;

/** Nobody may have more than this to send without being read. */
const MAX_CREDIT = 16 * 1024 * 1024;

/** What an event makes of a stream; undefined: no honest other end does this now, or this end may not. */
export function nextStream(state: StreamState, event: StreamEvent): StreamState | undefined {
  const { phase } = state;
  if (phase === 'closed') return undefined;
  if (event.type === 'gotReset') return { ...state, phase: 'closed' };
  if (event.type === 'sentReset') return phase === 'resetting' ? undefined : { ...state, phase: 'resetting' };
  // What was under way comes in before the other end has heard of the reset.
  if (phase === 'resetting') return afterReset(state, event);
  switch (event.type) {
    case 'opened':
      return phase === 'opening' ? { ...state, phase: 'open', credit: event.window } : undefined;
    case 'sent':
      return phase === 'open' && !state.sentEnd && event.bytes <= state.credit
        ? { ...state, credit: state.credit - event.bytes }
        : undefined;
    case 'got':
      return phase === 'open' && !state.gotEnd && event.bytes <= state.allowance
        ? { ...state, allowance: state.allowance - event.bytes, unread: state.unread + event.bytes }
        : undefined;
    case 'consumed':
      return event.bytes <= state.unread ? { ...state, unread: state.unread - event.bytes } : undefined;
    case 'gotCredit': {
      const credit = state.credit + event.bytes;
      return phase === 'open' && credit <= MAX_CREDIT ? { ...state, credit } : undefined;
    }
    case 'sentEnd':
      return phase === 'open' && !state.sentEnd ? closedWhenOver({ ...state, sentEnd: true }) : undefined;
    case 'gotEnd':
      return phase === 'open' && !state.gotEnd ? closedWhenOver({ ...state, gotEnd: true }) : undefined;
  }
}

function afterReset(state: StreamState, event: StreamEvent): StreamState | undefined {
  if (event.type === 'got') {
    return event.bytes <= state.allowance ? { ...state, allowance: state.allowance - event.bytes } : undefined;
  }
  // Who had sent its end before the reset hears of no other one: the other end is through with the stream.
  if (event.type === 'gotEnd') return closedWhenOver({ ...state, gotEnd: true });
  const isLate = event.type === 'opened' || event.type === 'gotCredit';
  return isLate || event.type === 'consumed' ? state : undefined;
}

function closedWhenOver(state: StreamState): StreamState {
  return state.sentEnd && state.gotEnd ? { ...state, phase: 'closed' } : state;
}

/**
 * Credit to give now, so that the other end has `window` bytes under way at most: only a good part of it, so that one byte
 * does not cost a frame each.
 */
export function creditDue({ phase, allowance, unread, gotEnd }: StreamState, window: number): number {
  if (phase !== 'open' || gotEnd) return 0;
  const due = window - allowance - unread;
  return due >= window / 4 ? due : 0;
}

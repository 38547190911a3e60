/** Follows `GET /v1/events` for as long as somebody looks: after a cut it goes on where it was. */
import { PROOF_HEADER } from '../../api/api.ts';
import { currentSession } from '../../session/session.ts';
import { EventBlocks } from './event-blocks.ts';

const RETRY_MS = { first: 500, last: 5000 } as const;
/** The server says something each 15 s. */
const SILENCE_MS = 40_000;

export interface EventListener {
  /** Something became of a VM of this name, or may have. */
  changed: (name: string) => void;
  /** Events may be missing: everything has to be read again. */
  lost: () => void;
  /** Whether events come now. While they do not, who needs to know has to ask. */
  flows: (isFlowing: boolean) => void;
}

/** Resolves once `signal` aborts. */
export async function followEvents(listener: EventListener, signal: AbortSignal): Promise<void> {
  let position = '';
  let failures = 0;
  while (!signal.aborted) {
    const before = position;
    try {
      position = await readStream(position, listener, signal);
    } catch {
      // Said by `flows`; the next try tells whether it is over.
    }
    listener.flows(false);
    failures = position === before ? failures + 1 : 0;
    await pause(Math.min(RETRY_MS.last, RETRY_MS.first * 2 ** failures), signal);
  }
}

/** Reads until the stream ends. Resolves with the last position. */
async function readStream(from: string, listener: EventListener, signal: AbortSignal): Promise<string> {
  const cut = new AbortController();
  let silence = setTimeout(() => cut.abort(), SILENCE_MS);
  let position = from;
  try {
    const response = await fetch('/v1/events', {
      credentials: 'same-origin',
      headers: {
        [PROOF_HEADER]: currentSession()?.proof ?? '',
        ...(from === '' ? {} : { 'last-event-id': from }),
      },
      signal: AbortSignal.any([signal, cut.signal]),
    });
    if (!response.ok || response.body === null) throw new Error(`no events: ${response.status}`);
    const blocks = new EventBlocks();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return position;
      clearTimeout(silence);
      silence = setTimeout(() => cut.abort(), SILENCE_MS);
      for (const { id, type, data } of blocks.take(value)) {
        if (id !== '') position = id;
        tell(listener, type, data);
      }
    }
  } finally {
    clearTimeout(silence);
  }
}

function tell(listener: EventListener, type: string, data: string): void {
  const said = JSON.parse(data) as { vm?: string; resumed?: boolean };
  if (type === 'open') {
    listener.flows(true);
    if (said.resumed !== true) listener.lost();
  }
  if (type === 'reset') listener.lost();
  if ((type === 'vm' || type === 'gap') && said.vm !== undefined) listener.changed(said.vm);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

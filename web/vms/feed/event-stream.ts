/** Follows `GET /v1/events` for as long as somebody looks; the client goes on after cuts where it was. */
import { Ephemera } from '../../../client/ephemera.ts';
import { PROOF_HEADER } from '../../api/api.ts';
import { currentSession } from '../../session/session.ts';

/** After an end that connecting again does not change by itself: a session that ended, too many watchers. */
const AGAIN_MS = 5000;

export interface EventListener {
  /** Something became of a VM of this name, or may have. */
  changed: (name: string) => void;
  /** Events may be missing: everything has to be read again. */
  lost: () => void;
  /** Whether events come now. While they do not, who needs to know has to ask. */
  flows: (isFlowing: boolean) => void;
}

/**
 * Follows while the page is in sight, until `signal` aborts: a browser opens six connections to a server at most, for all its
 * tabs, and those that nobody looks at must not hold them. Whoever comes back lists again.
 */
export function followWhileSeen(listener: EventListener, signal: AbortSignal): void {
  let seen: AbortController | undefined;
  const look = () => {
    if (document.visibilityState !== 'visible') {
      seen?.abort();
      seen = undefined;
    } else if (seen === undefined) {
      seen = new AbortController();
      void followEvents(listener, AbortSignal.any([signal, seen.signal]));
    }
  };
  document.addEventListener('visibilitychange', look, { signal });
  look();
}

/** Resolves once `signal` aborts. */
async function followEvents(listener: EventListener, signal: AbortSignal): Promise<void> {
  const client = new Ephemera({ url: location.origin, credentials: 'same-origin', fetch: fetchWithProof });
  while (!signal.aborted) {
    try {
      for await (const streamed of client.events({ signal, onCut: () => listener.flows(false) })) {
        if (streamed.type === 'open') listener.flows(true);
        if (streamed.type === 'reset' || (streamed.type === 'open' && !streamed.resumed)) listener.lost();
        if (streamed.type === 'vm') listener.changed(streamed.event.vm);
        if (streamed.type === 'gap') listener.changed(streamed.vm);
      }
    } catch {
      // A session that ended is told by the next list; anything else passes.
    }
    listener.flows(false);
    await pause(AGAIN_MS, signal);
  }
}

function fetchWithProof(url: string, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set(PROOF_HEADER, currentSession()?.proof ?? '');
  return fetch(url, { ...init, headers });
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

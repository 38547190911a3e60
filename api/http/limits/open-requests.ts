import type { Response } from 'express';

/** A request, or what it opened, lasts no longer than the key that let it in, and this. */
const CHECK_MS = 1000;

/** Why nobody may wait any more: the reason of the signal. */
export class KeyEnded extends Error {
  override readonly name = 'KeyEnded';

  constructor() {
    super('The API key was revoked, changed or expired while the request was under way');
  }
}

interface Open {
  gone: AbortController;
  isLetIn: () => boolean;
}

/** The requests under way, so that none waits on when its client hung up, its key has ended or the API closes. */
export class OpenRequests {
  readonly #open = new Set<Open>();
  #closing = false;

  /**
   * A signal that aborts when nobody waits for this answer any more, or may: with {@link KeyEnded} once `isLetIn` says so. Of a
   * WebSocket too: its response ends with it.
   */
  signalFor(response: Response, isLetIn: () => boolean = () => true): AbortSignal {
    const open = { gone: new AbortController(), isLetIn };
    this.#open.add(open);
    response.on('close', () => {
      this.#open.delete(open);
      open.gone.abort();
    });
    if (this.#closing) open.gone.abort();
    return open.gone.signal;
  }

  /** Ends what is under way for keys that have ended, until the returned function is called. */
  follow(): () => void {
    const timer = setInterval(() => this.check(), CHECK_MS).unref();
    return () => clearInterval(timer);
  }

  check(): void {
    for (const { gone, isLetIn } of this.#open) if (!isLetIn()) gone.abort(new KeyEnded());
  }

  /** Ends every wait, also those of requests that are still being read. */
  close(): void {
    this.#closing = true;
    for (const { gone } of this.#open) gone.abort();
  }
}

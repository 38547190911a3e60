import type { Response } from 'express';

/** The requests under way, so that none waits on when its client hung up or the API closes. */
export class OpenRequests {
  readonly #open = new Set<AbortController>();
  #closing = false;

  /** A signal that aborts when nobody waits for this answer any more. */
  signalFor(response: Response): AbortSignal {
    const gone = new AbortController();
    this.#open.add(gone);
    response.on('close', () => {
      this.#open.delete(gone);
      gone.abort();
    });
    if (this.#closing) gone.abort();
    return gone.signal;
  }

  /** Ends every wait, also those of requests that are still being read. */
  close(): void {
    this.#closing = true;
    for (const gone of this.#open) gone.abort();
  }
}

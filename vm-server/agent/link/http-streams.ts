/** The connection by which the API reaches into a machine whose agent reports over HTTP: opened when an answer asks for it. */
import { WebSocket } from 'ws';
import { LINK_CLOSE, tokenLine } from '../../../domain/agent/link-messages.ts';
import { MAX_ASSIGNMENT_BYTES } from '../../../domain/agent/assignment.ts';
import type { Log } from '../../log.ts';
import { randomBytes, randomFraction } from '../../randomness.ts';
import type { AppUsage } from '../counting/app-usage.ts';
import { LinkStreams } from '../streams/link-streams.ts';
import type { StreamPlace } from '../streams/stream-place.ts';
import { backoffMs } from './report-due.ts';

const HANDSHAKE_MS = 10_000;
/** Data of streams waits while so much is in front of the socket. */
const MAX_UNSENT_BYTES = 32 * 1024;
/** The API pings more often; one that says nothing for so long is gone. */
const SILENT_MS = 35_000;

export interface HttpStreamsOptions {
  apiUrl: string;
  apiCa?: string | undefined;
  place: StreamPlace;
  usage: AppUsage;
  log: Log;
}

export class HttpStreams {
  readonly #options: HttpStreamsOptions;
  #isWanted = false;
  #token = '';
  #socket: WebSocket | undefined;
  #again: NodeJS.Timeout | undefined;
  #failures = 0;

  constructor(options: HttpStreamsOptions) {
    this.#options = options;
  }

  /** What the API said last: whether it wants the connection, and the token of now. */
  told({ isWanted, token }: { isWanted: boolean; token: string }): void {
    const isNewToken = token !== this.#token;
    this.#isWanted = isWanted;
    this.#token = token;
    if (isNewToken && this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(tokenLine(token));
    if (isWanted) this.#connect();
  }

  #connect(): void {
    if (this.#socket !== undefined || this.#again !== undefined) return;
    const { apiUrl, apiCa, place, usage } = this.#options;
    const url = new URL('v1/agent/link', apiUrl.replace(/\/*$/, '/').replace(/^http/, 'ws'));
    const socket = new WebSocket(url, {
      headers: { authorization: `Bearer ${this.#token}` },
      ...{ perMessageDeflate: false, maxPayload: MAX_ASSIGNMENT_BYTES, handshakeTimeout: HANDSHAKE_MS },
      // The app's environment, which may switch verification off for itself, does not decide about this.
      ...{ rejectUnauthorized: true, followRedirects: false, generateMask: maskIn },
      ...(apiCa === undefined ? {} : { ca: apiCa }),
    });
    this.#socket = socket;
    const streams = new LinkStreams(
      {
        isOpen: () => socket.readyState === WebSocket.OPEN,
        takesData: () => socket.readyState === WebSocket.OPEN && socket.bufferedAmount < MAX_UNSENT_BYTES,
        write: (line) => socket.send(line, () => streams.pump()),
      },
      { place, usage },
    );
    const silent = setTimeout(() => socket.terminate(), SILENT_MS).unref();
    socket.on('open', () => (this.#failures = 0));
    socket.on('ping', () => silent.refresh());
    socket.on('message', (data, isBinary) => {
      silent.refresh();
      if (isBinary || !takes(streams, (data as Buffer).toString())) socket.close(LINK_CLOSE.refused);
    });
    // A close with its reason follows.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(silent);
      streams.close();
      this.#socket = undefined;
      this.#connectAgain();
    });
  }

  /** Soon, and at different times for the agents of a replica that went away; where it is refused, the next answer says more. */
  #connectAgain(): void {
    this.#again = setTimeout(
      () => {
        this.#again = undefined;
        if (this.#isWanted) this.#connect();
      },
      backoffMs(this.#failures, randomFraction()),
    );
    this.#failures += 1;
  }
}

/** False for what no honest API sends. */
function takes(streams: LinkStreams, line: string): boolean {
  try {
    return streams.take(line);
  } catch {
    return false;
  }
}

/** The one randomness of this program; a mask hides nothing here, and one for all messages is as good as many. */
const MASK = randomBytes(4);

function maskIn(mask: Buffer): void {
  MASK.copy(mask);
}

/** A connection to the internal endpoint of a host, which the registry knows by its key. */
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { connect, type TLSSocket } from 'node:tls';
import { keyFingerprint } from './pinned-key.ts';

/** Who answers has another key than the registry says. */
export class OtherKey extends Error {
  override readonly name = 'OtherKey';
}

export interface PinnedEndpoint {
  /** `host:port` */
  address: string;
  fingerprint: string;
}

export interface PinnedRequest extends PinnedEndpoint {
  method?: 'GET' | 'HEAD' | 'DELETE';
  path: string;
  headers: Record<string, string>;
  /** Ends the connection, also while the answer is read. */
  signal: AbortSignal;
}

/** An answer that is being read, until `close` ends its connection. */
export interface OpenAnswer {
  answer: IncomingMessage;
  close: () => void;
}

/** Does `work` with the answer, whose connection ends with it. @throws as {@link openPinned}. */
export async function withPinnedAnswer<Result>(
  request: PinnedRequest,
  work: (answer: IncomingMessage) => Promise<Result>,
): Promise<Result> {
  const { answer, close } = await openPinned(request);
  try {
    return await work(answer);
  } finally {
    close();
  }
}

/**
 * Asks, and resolves when the answer begins. Nothing is sent before the key was seen to be the right one.
 * @throws OtherKey, or the system's error.
 */
export async function openPinned(asked: PinnedRequest): Promise<OpenAnswer> {
  const { address, method = 'GET', path, headers, signal } = asked;
  const { socket, close } = await connectPinned(asked);
  try {
    const sent = request({ createConnection: () => socket, method, host: hostOf(address), path, headers });
    // Also what comes once nobody waits for the answer any more.
    sent.on('error', () => undefined).end();
    // The end of the connection alone is no event of a request whose answer began with another protocol.
    const [answer] = (await once(sent, 'response', { signal })) as [IncomingMessage];
    return { answer, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** A connection to who has the right key. */
export interface PinnedConnection {
  socket: TLSSocket;
  /** The signal ends it no more. */
  release: () => void;
  close: () => void;
}

/** @throws OtherKey, or the system's error. */
export async function connectPinned({
  address,
  fingerprint,
  signal,
}: PinnedEndpoint & { signal: AbortSignal }): Promise<PinnedConnection> {
  const port = Number(new URL(`https://${address}`).port);
  // No authority vouches for a host, and names and addresses change: the key alone counts.
  const socket = connect({ host: hostOf(address), port, rejectUnauthorized: false, minVersion: 'TLSv1.3' });
  const abort = (): void => void socket.destroy(new Error('no answer in time'));
  const release = (): void => signal.removeEventListener('abort', abort);
  const close = (): void => {
    release();
    socket.destroy();
  };
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    await once(socket, 'secureConnect');
    refuseOtherKey(socket, fingerprint, address);
    return { socket, release, close };
  } catch (error) {
    close();
    throw error;
  }
}

function hostOf(address: string): string {
  return new URL(`https://${address}`).hostname.replace(/^\[|\]$/g, '');
}

function refuseOtherKey(socket: TLSSocket, fingerprint: string, address: string): void {
  const certificate = socket.getPeerX509Certificate();
  const found = certificate === undefined ? 'none' : keyFingerprint(certificate);
  if (found !== fingerprint) throw new OtherKey(`${address} has the key ${found}, not ${fingerprint}`);
}

/** A request to the internal endpoint of a host, which the registry knows by its key. */
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { connect, type TLSSocket } from 'node:tls';
import { boundedBody } from '../../lib/network/bounded-body.ts';
import { keyFingerprint } from '../../security/hosts/pinned-key.ts';

/** A host shows the last 64 KiB of a console; one that sends more may be anybody's now, and gets no memory of ours. */
const MAX_ANSWER_BYTES = 256 * 1024;

/** Who answers has another key than the registry says. */
export class OtherKey extends Error {
  override readonly name = 'OtherKey';
}

export interface PinnedRequest {
  /** `host:port` */
  address: string;
  fingerprint: string;
  path: string;
  headers: Record<string, string>;
  signal: AbortSignal;
}

/** Nothing is sent before the key was seen to be the right one. @throws OtherKey, or the system's error. */
export async function pinnedGet({ address, fingerprint, path, headers, signal }: PinnedRequest): Promise<PinnedAnswer> {
  const { hostname, port } = new URL(`https://${address}`);
  const host = hostname.replace(/^\[|\]$/g, '');
  // No authority vouches for a host, and names and addresses change: the key alone counts.
  const socket = connect({ host, port: Number(port), rejectUnauthorized: false, minVersion: 'TLSv1.3' });
  const abort = (): void => void socket.destroy(new Error('no answer in time'));
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    await once(socket, 'secureConnect');
    refuseOtherKey(socket, fingerprint, address);
    const sent = request({ createConnection: () => socket, host, path, headers });
    // Also what comes once nobody waits for the answer any more.
    sent.on('error', () => undefined).end();
    // The end of the connection alone is no event of a request whose answer began with another protocol.
    const [answer] = (await once(sent, 'response', { signal })) as [IncomingMessage];
    const tooLong = `the answer is longer than ${MAX_ANSWER_BYTES} bytes`;
    const body = await boundedBody(answer, MAX_ANSWER_BYTES, tooLong);
    return { status: answer.statusCode ?? 0, body };
  } finally {
    signal.removeEventListener('abort', abort);
    socket.destroy();
  }
}

export interface PinnedAnswer {
  status: number;
  body: Buffer;
}

function refuseOtherKey(socket: TLSSocket, fingerprint: string, address: string): void {
  const certificate = socket.getPeerX509Certificate();
  const found = certificate === undefined ? 'none' : keyFingerprint(certificate);
  if (found !== fingerprint) throw new OtherKey(`${address} has the key ${found}, not ${fingerprint}`);
}

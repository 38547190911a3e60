import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** What answers one datagram; rejects where nothing does within `timeoutMs`. */
export async function askByDatagram(
  { ip, port }: { ip: string; port: number },
  text: string,
  timeoutMs = 5000,
): Promise<string> {
  const socket = createSocket('udp4');
  try {
    const answer = once(socket, 'message', { signal: AbortSignal.timeout(timeoutMs) });
    socket.send(text, port, ip);
    return String((await answer)[0]);
  } finally {
    socket.close();
  }
}

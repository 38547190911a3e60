/** Asks a machine's own port whether the app answers. Each probe is one try and never throws for "not yet". */
import { connect } from 'node:net';
import { withLinkedSignal } from '../../../lib/waiting/linked-signal.ts';

/** One try may take this long; a slower app is not ready for users. */
const TRY_TIMEOUT_MS = 2000;

/**
 * True when `GET http://ip:port/path` answers with a status from 200 to 399 within 2 seconds: the rule of
 * Kubernetes' readiness probes. A redirect counts and is not followed.
 */
export async function httpAnswers(ip: string, port: number, path: string, signal: AbortSignal): Promise<boolean> {
  const url = `http://${ip}:${port}${path.startsWith('/') ? path : `/${path}`}`;
  try {
    return await withLinkedSignal(signal, TRY_TIMEOUT_MS, async (limited) => {
      const response = await fetch(url, { redirect: 'manual', signal: limited, headers: { connection: 'close' } });
      await response.body?.cancel();
      return response.status >= 200 && response.status < 400;
    });
  } catch {
    return false;
  }
}

/** True when the port takes a TCP connection within 2 seconds. */
export async function tcpAnswers(ip: string, port: number): Promise<boolean> {
  const socket = connect({ host: ip, port, timeout: TRY_TIMEOUT_MS });
  try {
    return await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('timeout', () => resolve(false));
      socket.once('error', () => resolve(false));
    });
  } finally {
    socket.destroy();
  }
}

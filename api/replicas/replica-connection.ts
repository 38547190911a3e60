/** TLS between replicas of the API, by a key that both have from the deployment's secret: no certificate, no bearer. */
import { once } from 'node:events';
import { connect, type TLSSocket, type TlsOptions } from 'node:tls';

const IDENTITY = 'replica';
/** Keys that are shared are for TLS 1.2 in Node; what is sent stays secret also where the key becomes known later. */
const PROTOCOL = {
  ...({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const),
  ciphers: 'ECDHE-PSK-CHACHA20-POLY1305',
};

/** Of a server that only who has the key talks to. */
export function sharedKeyServer(key: Buffer): TlsOptions {
  return { ...PROTOCOL, pskCallback: (_socket, identity) => (identity === IDENTITY ? key : null) };
}

/** Rejects where nobody with the key answers at the address (`host:port`) before the signal aborts. */
export async function connectReplica(address: string, key: Buffer, signal: AbortSignal): Promise<TLSSocket> {
  const { hostname, port } = new URL(`https://${address}`);
  const socket = connect({
    ...PROTOCOL,
    ...{ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) },
    pskCallback: () => ({ psk: key, identity: IDENTITY }),
    // Who has the key is the right one, whatever its address is.
    checkServerIdentity: () => undefined,
  });
  const abort = (): void => void socket.destroy(new Error('no answer in time'));
  signal.addEventListener('abort', abort, { once: true });
  try {
    await once(socket, 'secureConnect', { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

import { connect, type Socket } from 'node:net';
import type { PortAddress } from './vm-state.ts';

const CONNECT_MS = 5000;

/** A connection to the program in a VM. Rejects with the system's error where nothing takes it. */
export function dial({ ip, port }: PortAddress): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: ip, port, allowHalfOpen: true, noDelay: true, keepAlive: true });
    const giveUp = setTimeout(() => socket.destroy(new Error(`no answer within ${CONNECT_MS} ms`)), CONNECT_MS);
    socket.once('connect', () => {
      clearTimeout(giveUp);
      socket.removeListener('error', reject);
      resolve(socket);
    });
    socket.once('error', (error) => {
      clearTimeout(giveUp);
      reject(error);
    });
  });
}

import { createSocket, type Socket } from 'node:dgram';

/** A chat has no use for datagrams: it sends each back, which shows that the port works. Rejects with the system's error. */
export function echoDatagrams(host: string, port: number): Promise<Socket> {
  const socket = createSocket('udp4', (message, { address, port: from }) => socket.send(message, from, address));
  return new Promise((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ address: host, port, exclusive: true }, () => {
      socket.removeAllListeners('error');
      // A reply that cannot be delivered is the sender's loss.
      socket.on('error', () => undefined);
      resolve(socket);
    });
  });
}

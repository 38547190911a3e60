import { connect, type Socket } from 'node:net';
import type { Accept, StreamListener } from '../../../domain/agent/streams/mux.ts';
import { CHANNEL, type PortRequest } from '../../../domain/agent/streams/requests.ts';
import { pumpIn, pumpOut } from './pump.ts';
import type { StreamPlace } from './stream-place.ts';

const CONNECT_TIMEOUT_MS = 10_000;

/** Joins a stream with a connection to a port of this machine; each direction ends by itself. */
export function openPort({ port }: PortRequest, { stream, agree }: Accept, place: StreamPlace): StreamListener {
  let socket: Socket | undefined;
  let isOver = false;
  void firstThatTakes(place.addresses, port).then((found) => {
    if (isOver) found?.destroy();
    else if (found === undefined) {
      const detail = `Nothing in the VM takes TCP connections on port ${port}: start the program, or name its port`;
      stream.reset({ code: 'portRefused', detail });
    } else {
      socket = found;
      join(found);
    }
  });
  const join = (found: Socket): void => {
    const { localPort } = found;
    if (localPort !== undefined) place.forwards.add(localPort);
    found.on('close', () => {
      if (localPort !== undefined) place.forwards.delete(localPort);
    });
    found.on('error', (error) =>
      stream.reset({ code: 'streamLost', detail: `The connection in the VM broke: ${error.message}` }),
    );
    found.on('end', () => stream.end());
    pumpOut(found, stream, CHANNEL.data);
    agree();
  };
  return {
    data: (bytes) => pumpIn(bytes, socket ?? null, stream),
    end: () => socket?.end(),
    closed: (end) => {
      isOver = true;
      if (end === null) socket?.destroySoon();
      else socket?.destroy();
    },
  };
}

async function firstThatTakes(addresses: readonly string[], port: number): Promise<Socket | undefined> {
  for (const host of addresses) {
    const socket = await connected(host, port);
    if (socket !== undefined) return socket;
  }
  return undefined;
}

function connected(host: string, port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, allowHalfOpen: true });
    const timer = setTimeout(() => fail(), CONNECT_TIMEOUT_MS);
    const fail = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(undefined);
    };
    socket.once('error', fail);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', fail);
      resolve(socket);
    });
  });
}

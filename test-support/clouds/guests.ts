/** What a played cloud tells of the servers that it runs, and programs that answer on their addresses as an app does. */
import { createServer, type Server } from 'node:http';

/** A server that a played cloud has started; its functions answer as of now. */
export interface PlayedServer {
  /** The cloud's own id of it. */
  id: string;
  name: string;
  /** Account, subscription or project that it is in. */
  account: string;
  /** Zone or region. */
  place: string;
  /** Loopback addresses: its inner one, and that on the internet where it has one. */
  ips: readonly string[];
  /** As it was made with, decoded; the cloud hands it to cloud-init. */
  userData: string;
  /** What its metadata service shows of its tags. */
  tags: () => Record<string, string>;
  /** What else its metadata service shows and can change: Azure's `userData`. */
  changeable: () => string | undefined;
  /** The files of its disk, kept over stops and in images. */
  disk: Map<string, Buffer>;
}

export interface CloudGuests {
  started: (server: PlayedServer) => void;
  /** By the server's id, also when it is not known. */
  stopped: (id: string) => void;
  close: () => void;
}

const PORT = 8080;

/** Guests that answer any request on port 8080 with the name of their server. */
export function answeringGuests(): CloudGuests {
  const running = new Map<string, Server[]>();
  const stopped = (id: string): void => {
    for (const server of running.get(id) ?? []) {
      server.close();
      server.closeAllConnections();
    }
    running.delete(id);
  };
  return {
    started: ({ id, name, ips }) => {
      const servers = ips.map((ip) => {
        const server = createServer((_, response) => response.end(name));
        server.on('error', () => undefined);
        return server.listen(PORT, ip);
      });
      running.set(id, servers);
    },
    stopped,
    close: () => [...running.keys()].forEach(stopped),
  };
}

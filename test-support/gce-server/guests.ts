/** Small programs that answer on each running instance's own addresses, as the app of a machine does. */
import { createServer, type Server } from 'node:http';
import type { Instance } from './resources.ts';
import type { Guests } from './model.ts';

const PORT = 8080;

export interface AnsweringGuests extends Guests {
  close: () => void;
}

/** Guests that answer any request on port 8080 with the name of their instance. */
export function answeringGuests(): AnsweringGuests {
  const running = new Map<Instance, Server[]>();
  const stopped = (instance: Instance): void => {
    for (const server of running.get(instance) ?? []) {
      server.close();
      server.closeAllConnections();
    }
    running.delete(instance);
  };
  return {
    started: (instance) => {
      const servers = addressesOf(instance).map((ip) => {
        const server = createServer((_, response) => response.end(instance.name));
        server.on('error', () => undefined);
        return server.listen(PORT, ip);
      });
      running.set(instance, servers);
    },
    stopped,
    close: () => [...running.keys()].forEach(stopped),
  };
}

function addressesOf({ networkInterfaces }: Instance): string[] {
  const [first] = networkInterfaces ?? [];
  return [first?.networkIP, first?.accessConfigs?.[0]?.natIP].filter((ip) => ip !== undefined);
}

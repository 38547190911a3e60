/** The metadata server of one instance, which shows its attributes as they are now. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Instance } from './resources.ts';

export interface GuestMetadata {
  url: string;
  close: () => void;
}

export async function serveMetadata(instance: Instance): Promise<GuestMetadata> {
  const server = createServer((request, response) => {
    const [, key] = /^\/computeMetadata\/v1\/instance\/attributes\/([\w-]+)$/.exec(request.url ?? '') ?? [];
    const value = instance.metadata?.items?.find((item) => item.key === key)?.value;
    if (value === undefined || request.headers['metadata-flavor'] !== 'Google') response.writeHead(404);
    response.end(value);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

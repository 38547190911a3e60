import { hostPort } from '../lib/network/host-port.ts';

/** Where an API that listens on this host and port is reached from the same computer. */
export function localApiUrl(host: string, port: number, scheme: 'http' | 'https' = 'http'): string {
  // A listener on every address has none of its own.
  if (host === '0.0.0.0' || host === '::') return `${scheme}://127.0.0.1:${port}`;
  return `${scheme}://${hostPort(host, port)}`;
}

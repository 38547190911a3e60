/** Where an API that listens on this host and port is reached from the same computer. */
export function localApiUrl(host: string, port: number): string {
  // A listener on every address has none of its own.
  if (host === '0.0.0.0' || host === '::') return `http://127.0.0.1:${port}`;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

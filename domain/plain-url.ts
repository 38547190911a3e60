const HOST = /^http:\/\/(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:]*)/i;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i;

/** True when what is sent to this address can be read on the way: http:// to any host but this computer itself. */
export function goesInClear(url: string): boolean {
  const host = HOST.exec(url)?.[1];
  return host !== undefined && !LOOPBACK.test(host);
}

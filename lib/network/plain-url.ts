import { isOwnHost } from './loopback.ts';

const HOST = /^http:\/\/(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:]*)/i;

/** True when what is sent to this address can be read on the way: http:// to any host but this computer itself. */
export function goesInClear(url: string): boolean {
  const host = HOST.exec(url)?.[1];
  return host !== undefined && !isOwnHost(host);
}

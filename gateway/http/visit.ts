/** What a request asks for, before anybody looks for the VM. */
import type { IncomingMessage } from 'node:http';
import { labelOfHost, parseVmLabel, type VmPort } from '../../domain/gateway/vm-host-name.ts';
import { splitCookies, splitLink } from '../access/link-cookie.ts';
import { Refused, refusal } from '../refusal.ts';

export interface AskedFor extends VmPort {
  /** As the visitor wrote it. */
  host: string;
  /** Of the URL, without the link. */
  path: string;
  /** The link in the URL. */
  token?: string;
  /** Links in cookies. */
  tokens: string[];
  /** The other cookies. */
  cookies?: string;
}

/** @throws Refused for what is none of this gateway's. */
export function askedFor(request: IncomingMessage, { domain, isSecure }: Site): AskedFor {
  const hosts = request.rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host');
  const { host = '', cookie } = request.headers;
  const { url = '' } = request;
  // What names a host in its first line asks a proxy, and this is none.
  if (hosts.length !== 1 || !url.startsWith('/')) throw new Refused(refusal('badRequest'));
  const vm = parseVmLabel(labelOfHost(host, domain) ?? '');
  if (vm === undefined) throw new Refused(refusal('wrongHost'));
  const { tokens, rest } = splitCookies(cookie, isSecure);
  return { ...vm, ...splitLink(url), host, tokens, ...(rest === undefined ? {} : { cookies: rest }) };
}

export interface Site {
  /** Below which the names of VMs are. */
  domain: string;
  /** Visitors come by https. */
  isSecure: boolean;
}

/**
 * Whether a page of another origin sends this with the visitor's cookie. All VMs are below one domain, so to a browser their pages
 * are of one site, and it keeps none of them from using the cookie for another.
 */
export function isOfForeignPage(
  { method, headers }: IncomingMessage,
  { host }: Pick<AskedFor, 'host'>,
  { isSecure }: Pick<Site, 'isSecure'>,
): boolean {
  const { origin } = headers;
  if (origin === undefined || (isSafe(method) && headers.upgrade === undefined)) return false;
  const own = `${isSecure ? 'https' : 'http'}://${host}`;
  // Also one of the same name without TLS: whoever is between a visitor and the gateway can write such a page.
  return !URL.canParse(origin) || !URL.canParse(own) || new URL(origin).origin !== new URL(own).origin;
}

function isSafe(method: string | undefined): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
}

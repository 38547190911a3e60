/** The link in the browser that was let in by it: a cookie of the one host name, which no program in a VM ever gets. */
import { LINK_PARAMETER } from '../../domain/gateway/link-parameter.ts';

/** With this prefix a browser takes it from the very host alone, so no page of another VM can plant it. */
const SECURE_PREFIX = '__Host-';

export function linkCookieName(isSecure: boolean): string {
  return `${isSecure ? SECURE_PREFIX : ''}${LINK_PARAMETER}`;
}

/** The header that keeps the link in a browser until it expires. */
export function linkCookie(token: string, { isSecure, seconds }: { isSecure: boolean; seconds: number }): string {
  const secure = isSecure ? '; Secure' : '';
  return `${linkCookieName(isSecure)}=${token}; Path=/; HttpOnly${secure}; SameSite=Lax; Max-Age=${Math.max(0, Math.ceil(seconds))}`;
}

/** What a Cookie header says of links, and the rest of it; an empty rest is undefined. */
export function splitCookies(header: string | undefined, isSecure: boolean): { tokens: string[]; rest?: string } {
  const name = linkCookieName(isSecure);
  const pairs = (header ?? '').split(';').map((pair) => pair.trim());
  const isLink = (pair: string): boolean => pair.split('=')[0]?.endsWith(LINK_PARAMETER) === true;
  const tokens = pairs.filter((pair) => pair.startsWith(`${name}=`)).map((pair) => pair.slice(name.length + 1));
  const rest = pairs.filter((pair) => pair !== '' && !isLink(pair)).join('; ');
  return { tokens, ...(rest === '' ? {} : { rest }) };
}

/** A `Set-Cookie` of a program in a VM that would stand for a link. */
export function plantsLink(setCookie: string): boolean {
  return setCookie.split('=')[0]?.trim().endsWith(LINK_PARAMETER) === true;
}

/** The same `Set-Cookie` without a domain, however often and in whatever spelling that stands there. */
export function ofOneHost(setCookie: string): string {
  const [pair = '', ...attributes] = setCookie.split(';');
  const kept = attributes.filter((attribute) => attribute.split('=')[0]?.trim().toLowerCase() !== 'domain');
  return [pair, ...kept].join(';');
}

/** The link in the query of a path, and the path without it; the rest of the query stays as it was written. */
export function splitLink(path: string): { token?: string; path: string } {
  const [before = '', ...query] = path.split('?');
  const parts = query.join('?').split('&');
  const own = `${LINK_PARAMETER}=`;
  const token = parts.find((part) => part.startsWith(own))?.slice(own.length);
  if (token === undefined) return { path };
  const rest = parts.filter((part) => !part.startsWith(own)).join('&');
  return { token, path: rest === '' ? before : `${before}?${rest}` };
}

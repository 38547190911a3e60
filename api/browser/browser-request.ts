/** What a browser says of a request, beside what the page says: its cookie, and from where it is sent. */
import type { Request } from 'express';

/** The page's half of its session, on each request. */
export const PROOF_HEADER = 'x-ephemera-session';

/** A cookie of this prefix was set over https, for this host alone, and by nobody beneath or above it. */
const SECURE_PREFIX = '__Host-';
/** Each costs two HMACs. Ours is for the shortest path, and so the last of its name. */
const MOST_OF_A_NAME = 16;

/** As it came; nothing in it is believed yet. */
export interface BrowserRequest {
  /**
   * Each of the session's name. A program on another port of this host can set more of them, for a longer path, which browsers
   * send first: none of them shuts out the right one.
   */
  cookies: readonly string[];
  /** The header {@link PROOF_HEADER}; undefined: none came. */
  proof: string | undefined;
  /** Whether it came over https, by this process or by a proxy before it. */
  isSecure: boolean;
  /** Whether the browser says that a page of this very API sent it. */
  isOfOwnPage: boolean;
}

/** @param cookieName that of the deployment. */
export function browserRequestOf(request: Request, cookieName: string): BrowserRequest {
  const origin = request.get('origin');
  const cookies = request.get('cookie');
  return {
    cookies: [...cookiesNamed(SECURE_PREFIX + cookieName, cookies), ...cookiesNamed(cookieName, cookies)],
    proof: request.get(PROOF_HEADER),
    isSecure: request.secure || origin?.startsWith('https://') === true,
    isOfOwnPage: isOfOwnPage({ origin, host: request.host, site: request.get('sec-fetch-site') }),
  };
}

/**
 * Whether nothing says that another page sent it. `same-site` is another page: a guest on another port of this host, or on a
 * name beside it. Programs say neither; what they send is decided by what they know.
 */
export function isOfOwnPage({
  origin,
  host,
  site,
}: {
  origin: string | undefined;
  host: string | undefined;
  site: string | undefined;
}): boolean {
  if (site !== undefined && site !== 'same-origin') return false;
  return origin === undefined || /^https?:\/\/(.+)$/.exec(origin)?.[1] === host;
}

/** The header that keeps a session in the browser, or with an empty value ends it there. */
export function sessionCookie(
  cookieName: string,
  { value, seconds, isSecure }: { value: string; seconds: number; isSecure: boolean },
): string {
  const name = isSecure ? SECURE_PREFIX + cookieName : cookieName;
  const age = `Max-Age=${Math.max(0, Math.floor(seconds))}`;
  return [`${name}=${value}`, 'Path=/', age, 'HttpOnly', 'SameSite=Strict', ...(isSecure ? ['Secure'] : [])].join('; ');
}

/** Values of a name, the last ones of those that came. */
function cookiesNamed(name: string, header = ''): string[] {
  const all = header.split(';').map((part) => part.trim());
  const own = all.filter((part) => part.startsWith(`${name}=`)).map((part) => part.slice(name.length + 1));
  return own.slice(-MOST_OF_A_NAME);
}

/** Of what no browser sends. */
export const NO_BROWSER: BrowserRequest = { cookies: [], proof: undefined, isSecure: false, isOfOwnPage: false };

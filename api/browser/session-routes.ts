/** Signing in to the dashboard and out of it; docs/decisions/0088 says why so. */
import type { ApiContext } from '../api-context.ts';
import { identify } from '../http/authenticate.ts';
import { keyedRoute, openRoute } from '../http/route.ts';
import { browserSessionSchema, signedInSchema, signInSchema } from '../schemas/browser-session.ts';
import { sessionCookie, type BrowserRequest } from './browser-request.ts';
import { refused } from './session-holder.ts';

const COMMON = { path: '/v1/browser-session', tag: 'Dashboard' } as const;
const SET_COOKIE = { 'Set-Cookie': 'The half of the session that no script can read.' };

export const signInRoute = openRoute({
  ...COMMON,
  method: 'post',
  operationId: 'signIn',
  summary: 'Sign in to the dashboard with an API key',
  description:
    'Sets a cookie that is good together with `proof` alone, from pages of this API alone. Programs need none of it: they send their key.',
  access: 'public',
  // Guesses at keys are counted as every wrong key is.
  limitsItself: true,
  body: signInSchema,
  replies: { 200: { description: 'Signed in.', schema: signedInSchema, headers: SET_COOKIE } },
  errors: ['unauthenticated', 'sessionRefused'],
  handle: ({ body: { key }, browser, remoteAddress, auditTarget }, api) => {
    if (!browser.isOfOwnPage) throw refused('The sign-in comes from another page than that of this API');
    const now = api.now();
    if (api.keys.verify(key) === undefined) api.requestLimits.takeWrongKey(remoteAddress, now);
    const caller = identify(api.keys, key);
    api.requestLimits.takeKeyed(caller, true, now);
    const { id } = caller;
    const standing = api.keys.standing(id);
    if (standing === undefined) throw refused('The key ended in this moment');
    auditTarget({ keyId: id });
    const { cookie, proof, expiresAt } = api.browserSessions.issue(standing, now);
    const { project, role } = standing.holder;
    return Promise.resolve({
      status: 200,
      body: { project, role, keyId: id, expiresAt: new Date(expiresAt).toISOString(), proof },
      headers: cookieHeader(api, browser, cookie, (expiresAt - now) / 1000),
    });
  },
});

export const getSessionRoute = keyedRoute({
  ...COMMON,
  method: 'get',
  operationId: 'getBrowserSession',
  summary: 'Who is signed in',
  access: 'viewer',
  replies: { 200: { description: 'Project and role of the key.', schema: browserSessionSchema } },
  errors: [],
  handle: ({ caller: { id: keyId, project, role }, sessionExpiresAt }) =>
    Promise.resolve({
      status: 200,
      body: {
        ...{ project, role, keyId },
        ...(sessionExpiresAt === undefined ? {} : { expiresAt: new Date(sessionExpiresAt).toISOString() }),
      },
    }),
});

export const signOutRoute = keyedRoute({
  ...COMMON,
  method: 'delete',
  operationId: 'signOut',
  summary: 'Sign out of the dashboard',
  description: 'Takes the cookie from the browser. Revoke the key to end every session that rests on it.',
  access: 'viewer',
  replies: { 204: { description: 'Signed out.', headers: SET_COOKIE } },
  errors: [],
  handle: ({ browser }, api) => Promise.resolve({ status: 204, headers: cookieHeader(api, browser, '', 0) }),
});

function cookieHeader(
  { browserSessions: { cookieName } }: Pick<ApiContext, 'browserSessions'>,
  { isSecure }: BrowserRequest,
  value: string,
  seconds: number,
): Record<string, string> {
  return { 'set-cookie': sessionCookie(cookieName, { value, seconds, isSecure }) };
}

import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Vm } from '../../../client/api-client.ts';
import { admitByLink } from '../../../gateway/access/admission.ts';
import { linkCookie, plantsLink, splitCookies, splitLink } from '../../../gateway/access/link-cookie.ts';
import { Refused } from '../../../gateway/refusal.ts';
import { LinkSigner, LinkVerifier } from '../../../security/links/link-tokens.ts';

const NOW = Date.now();
const signer = new LinkSigner(randomBytes(32), 'blue');
const verifier = new LinkVerifier({ publicKey: signer.publicKey, deployment: 'blue' });
const keys = { verify: (_project: string, token: string) => Promise.resolve(verifier.verify(token, NOW)) };
const visited = { project: 'default', name: 'lobby', port: 8080 };
const link = (more: object = {}, seconds = 60): string =>
  signer.issue({ ...visited, uid: 'first-life', session: 'm-1', ...more }, { nowMs: NOW, seconds }).token;
const vm = (uid: string, machineId: string, session?: string): Vm =>
  ({ uid, machineId, spec: session === undefined ? {} : { startFrom: { imageId: 'i', host: null, session } } }) as Vm;

/** The code with which a visitor is refused, or `in`. */
async function outcome(tokens: string[], seen?: Vm): Promise<string> {
  try {
    const { admits } = await admitByLink(keys, visited, tokens);
    if (seen !== undefined) admits(seen);
    return 'in';
  } catch (error) {
    if (error instanceof Refused) return error.refusal.code;
    throw error;
  }
}

describe('a visitor', () => {
  it('is let in by a link for this port of this VM, and by nothing else', async () => {
    expect(await outcome([])).toBe('linkNeeded');
    expect(await outcome([link()])).toBe('in');
    expect(await outcome(['garbage'])).toBe('linkRefused');
    expect(await outcome([link({ port: 8081 })])).toBe('linkRefused');
    expect(await outcome([link({ name: 'other' })])).toBe('linkRefused');
    expect(await outcome([link({ project: 'games' })])).toBe('linkRefused');
    expect(await outcome([link({}, 0)])).toBe('linkExpired');
    expect(await outcome(['garbage', link({ port: 1 }), link()])).toBe('in');
  });

  it('comes back to the same VM, stopped or closed and reopened, and to no other life of its name', async () => {
    expect(await outcome([link()], vm('first-life', 'm-1'))).toBe('in');
    // A lost machine was replaced: the same life.
    expect(await outcome([link()], vm('first-life', 'm-2'))).toBe('in');
    expect(await outcome([link()], vm('second-life', 'm-3', 'm-1'))).toBe('in');
    // Somebody else's: a new VM, and one that goes on with what that one left.
    expect(await outcome([link()], vm('second-life', 'm-4'))).toBe('linkRefused');
    expect(await outcome([link()], vm('third-life', 'm-5', 'm-4'))).toBe('linkRefused');
    const early = signer.issue({ ...visited, uid: 'first-life' }, { nowMs: NOW, seconds: 60 }).token;
    expect(await outcome([early], vm('first-life', 'm-1'))).toBe('in');
    expect(await outcome([early], vm('second-life', 'm-3', 'm-1'))).toBe('linkRefused');
  });
});

describe('the link in a browser', () => {
  it('is a cookie of the one host, and over https one that no other host can plant', () => {
    expect(linkCookie('t', { isSecure: true, seconds: 1.5 })).toBe(
      '__Host-ephemera_link=t; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=2',
    );
    expect(splitCookies('a=1; __Host-ephemera_link=t; ephemera_link=planted; b=2', true)).toEqual({
      tokens: ['t'],
      rest: 'a=1; b=2',
    });
    expect(splitCookies('ephemera_link=t', false)).toEqual({ tokens: ['t'] });
    expect(splitCookies(undefined, false)).toEqual({ tokens: [] });
    expect(['ephemera_link=x', ' __Host-ephemera_link=x; Path=/', 'mine=ephemera_link'].map(plantsLink)).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('goes out of the URL, whose rest stays as it was written', () => {
    expect(splitLink('/a?x=%20&ephemera_link=t.u&y=%2F?z')).toEqual({ token: 't.u', path: '/a?x=%20&y=%2F?z' });
    expect(splitLink('/?ephemera_link=t')).toEqual({ token: 't', path: '/' });
    expect(splitLink('/a?b=1')).toEqual({ path: '/a?b=1' });
  });
});

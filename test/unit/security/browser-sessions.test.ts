import { describe, expect, it } from 'vitest';
import { isOfOwnPage } from '../../../api/browser/browser-request.ts';
import { BrowserSessions } from '../../../security/keys/browser-sessions.ts';

const SECRET = new Uint8Array(32).fill(7);
const OPTIONS = { deployment: 'test', seconds: 3600 };
const NOW = Date.parse('2026-01-01T00:00:00Z');
const STANDING = { holder: { id: 'k1', project: 'default', role: 'viewer' }, fingerprint: 'f' } as const;
const sessions = new BrowserSessions(SECRET, OPTIONS);

describe('a session of a browser', () => {
  it('says on every replica which key it rests on, until its end', () => {
    const made = sessions.issue(STANDING, NOW);
    const other = new BrowserSessions(SECRET, OPTIONS);
    expect(other.cookieName).toBe(sessions.cookieName);
    expect(other.verify(made, NOW)).toEqual({ keyId: 'k1', fingerprint: 'f', expiresAt: NOW + 3_600_000 });
    expect(other.verify(made, NOW + 3_600_000)).toBeUndefined();
  });

  it('ends with its key at the latest', () => {
    expect(sessions.issue({ ...STANDING, expiresAt: NOW + 5000 }, NOW).expiresAt).toBe(NOW + 5000);
  });

  it('is worth nothing without the half that the page keeps, nor with that of another session', () => {
    const [one, other] = [sessions.issue(STANDING, NOW), sessions.issue(STANDING, NOW)];
    for (const proof of ['', 'x', one.cookie, other.proof]) {
      expect(sessions.verify({ cookie: one.cookie, proof }, NOW)).toBeUndefined();
    }
  });

  it('is of no other deployment, nor of what somebody wrote', () => {
    const made = sessions.issue(STANDING, NOW);
    const foreign = new BrowserSessions(SECRET, { ...OPTIONS, deployment: 'other' });
    expect(foreign.cookieName).not.toBe(sessions.cookieName);
    expect(foreign.verify(made, NOW)).toBeUndefined();
    const [payload = '', signature = ''] = made.cookie.split('.');
    const admin = Buffer.from(payload, 'base64url').toString().replace('k1', 'k2');
    for (const cookie of ['', '.', payload, `${Buffer.from(admin).toString('base64url')}.${signature}`]) {
      expect(sessions.verify({ cookie, proof: made.proof }, NOW)).toBeUndefined();
    }
  });

  it('holds neither the key nor what it could be guessed from', () => {
    const { cookie } = sessions.issue(STANDING, NOW);
    const said = Buffer.from(cookie.split('.')[0] ?? '', 'base64url').toString();
    expect(Object.keys(JSON.parse(said) as object)).toEqual(['keyId', 'fingerprint', 'nonce', 'issuedAt', 'expiresAt']);
  });
});

describe('a request by cookie is of an own page', () => {
  const host = '127.0.0.1:7400';
  it.each([
    [{ origin: undefined, site: 'same-origin' }, true],
    [{ origin: 'http://127.0.0.1:7400', site: 'same-origin' }, true],
    [{ origin: 'https://127.0.0.1:7400', site: undefined }, true],
    [{ origin: undefined, site: undefined }, true],
    [{ origin: 'http://127.0.0.1:8080', site: undefined }, false],
    [{ origin: 'http://127.0.0.1:74000', site: undefined }, false],
    [{ origin: 'null', site: undefined }, false],
    [{ origin: undefined, site: 'same-site' }, false],
    [{ origin: undefined, site: 'cross-site' }, false],
    [{ origin: undefined, site: 'none' }, false],
    [{ origin: 'http://evil.example', site: 'same-origin' }, false],
  ])('%o: %s', (said, expected) => {
    expect(isOfOwnPage({ ...said, host })).toBe(expected);
  });
});

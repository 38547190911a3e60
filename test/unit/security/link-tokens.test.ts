import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { LinkSigner, LinkVerifier } from '../../../security/links/link-tokens.ts';
import { seededRandom } from '../../../test-support/seeded-random.ts';

const NOW = Date.UTC(2026, 10, 29);
const secret = randomBytes(32);
const signer = new LinkSigner(secret, 'blue');
const verifier = new LinkVerifier({ publicKey: signer.publicKey, deployment: 'blue' });
const subject = { project: 'default', name: 'lobby', uid: 'uid-1', session: 'm-1', port: 8080, user: 'ann' };
const hour = { nowMs: NOW, seconds: 3600 };

describe('a link', () => {
  it('says what it opens, until it expires', () => {
    const { token, claims } = signer.issue(subject, hour);
    expect(claims).toMatchObject({ ...subject, deployment: 'blue', expiresAt: NOW + 3_600_000 });
    expect(verifier.verify(token, NOW)).toEqual({ claims });
    expect(verifier.verify(token, NOW + 3_599_999)).toEqual({ claims });
    expect(verifier.verify(token, NOW + 3_600_000)).toEqual({ fault: 'expired' });
    expect(verifier.verify(token, NOW - 60_001)).toEqual({ fault: 'notOurs' });
  });

  it('of another deployment, or of another secret, opens nothing', () => {
    const wrongName = new LinkSigner(secret, 'green').issue(subject, hour).token;
    const wrongSecret = new LinkSigner(randomBytes(32), 'blue').issue(subject, hour).token;
    for (const token of [wrongName, wrongSecret]) expect(verifier.verify(token, NOW)).toEqual({ fault: 'notOurs' });
  });

  it('that was changed in any character opens nothing', () => {
    const random = seededRandom(80);
    const { token } = signer.issue(subject, hour);
    for (let index = 0; index < token.length; index += 1) {
      const other = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.'[random(65)] ?? 'A';
      const changed = token.slice(0, index) + other + token.slice(index + 1);
      if (changed !== token) expect(verifier.verify(changed, NOW)).toEqual({ fault: 'notOurs' });
    }
    for (const odd of ['', '.', 'a', `${token}.`, `${token}x`, `.${token}`, 'x'.repeat(5000)]) {
      expect(verifier.verify(odd, NOW)).toEqual({ fault: 'notOurs' });
    }
  });

  it('is made with the deployment’s key alone: its public half is the same on every replica', () => {
    expect(new LinkSigner(secret, 'blue').publicKey).toBe(signer.publicKey);
    expect(new LinkSigner(randomBytes(32), 'blue').publicKey).not.toBe(signer.publicKey);
  });
});

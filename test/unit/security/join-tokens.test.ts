import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { deriveKey } from '../../../security/sealing/deployment-secret.ts';
import { JOIN_TOKEN_SECONDS, joinCommand, JoinTokens } from '../../../security/hosts/join-tokens.ts';
import { seededRandom } from '../../../test-support/seeded-random.ts';

const NOW = Date.UTC(2026, 10, 28);
const MINUTE = 60_000;
const secret = randomBytes(32);
const tokens = new JoinTokens(secret, 'blue');
const random = seededRandom(28);

describe('a join token', () => {
  it('is good for 15 minutes in its deployment, and says how it is used', () => {
    const { token, claims } = tokens.issue(NOW);
    expect(tokens.verify(token, NOW)).toEqual({ claims });
    expect(claims).toMatchObject({ deployment: 'blue', expiresAt: NOW + 15 * MINUTE });
    expect(tokens.verify(token, NOW + JOIN_TOKEN_SECONDS * 1000 - 1)).toEqual({ claims });
    expect(tokens.verify(token, NOW + JOIN_TOKEN_SECONDS * 1000)).toEqual({ fault: 'expired' });
    expect(joinCommand('https://api.example.com', token)).toBe(
      `EPHEMERA_JOIN_TOKEN=${token} npm run host -- --join https://api.example.com`,
    );
  });

  it('is taken by a replica whose clock is a minute behind, and lasts no longer by that', () => {
    const { token } = tokens.issue(NOW);
    expect(tokens.verify(token, NOW - MINUTE)).toHaveProperty('claims');
    expect(tokens.verify(token, NOW - MINUTE - 1)).toEqual({ fault: 'notOurs' });
    expect(tokens.verify(token, NOW + 15 * MINUTE + 1)).toEqual({ fault: 'expired' });
  });

  it('of another deployment, another secret, or for something else is refused', () => {
    const elsewhere = new JoinTokens(secret, 'green').issue(NOW).token;
    expect(tokens.verify(elsewhere, NOW)).toEqual({ fault: 'otherDeployment', deployment: 'green' });
    expect(tokens.verify(new JoinTokens(randomBytes(32), 'blue').issue(NOW).token, NOW)).toEqual({ fault: 'notOurs' });
    expect(tokens.verify(new JoinTokens(deriveKey(secret, 'internal'), 'blue').issue(NOW).token, NOW)).toEqual({
      fault: 'notOurs',
    });
  });

  it('that was changed anywhere, or is none at all, is refused, 2,000 of them', () => {
    const { token } = tokens.issue(NOW);
    for (let tried = 0; tried < 2000; tried += 1) {
      const at = random(token.length);
      const other = 'abcDEF019-_.'[random(12)] ?? 'x';
      const changed = token.slice(0, at) + other + token.slice(at + random(3));
      if (changed !== token) expect(tokens.verify(changed, NOW)).toHaveProperty('fault');
    }
    for (const odd of [undefined, null, 7, {}, '', '.', '..', 'a.b', token.repeat(20), `${token}.x`, ` ${token}`]) {
      expect(tokens.verify(odd, NOW)).toEqual({ fault: 'notOurs' });
    }
  });
});

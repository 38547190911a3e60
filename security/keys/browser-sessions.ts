/**
 * Sessions of people who signed in with an API key in a browser (docs/decisions/0088). Nothing is kept of them: the cookie
 * says which key it rests on, and is signed, so every replica of the deployment reads it alike.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { deriveKey } from '../sealing/deployment-secret.ts';
import type { KeyStanding } from './api-keys.ts';

/** Of a replica that is ahead of this one. */
const CLOCK_SKEW_MS = 60_000;
const MAX_COOKIE_CHARACTERS = 1024;
const NAME_CHARACTERS = 12;

const claimsSchema = z.strictObject({
  keyId: z.string(),
  /** Of the key's text: another key that gets the id of this one has not signed in. */
  fingerprint: z.string(),
  nonce: z.string(),
  issuedAt: z.int(),
  expiresAt: z.int(),
});
type SessionClaims = z.output<typeof claimsSchema>;

/** What signing in gives. */
export interface MadeSession {
  /** For the cookie, which no script of the page can read. */
  cookie: string;
  /**
   * For the page itself. Cookies go to every port of a host and so to programs in VMs that share it: what they hold is worth
   * nothing without this.
   */
  proof: string;
  /** Epoch ms. */
  expiresAt: number;
}

export interface BrowserSessionsOptions {
  deployment: string;
  /** How long a session lasts. */
  seconds: number;
}

/** Makes and reads sessions: base64url(claims) "." base64url(HMAC). */
export class BrowserSessions {
  /** Of the cookie. Deployments on one host name do not sign each other's people out. */
  readonly cookieName: string;
  readonly #cookieKey: Uint8Array;
  readonly #proofKey: Uint8Array;
  readonly #seconds: number;

  constructor(secret: Uint8Array, { deployment, seconds }: BrowserSessionsOptions) {
    this.#cookieKey = deriveKey(secret, `browser-session ${deployment}`);
    this.#proofKey = deriveKey(secret, `browser-session-proof ${deployment}`);
    const name = deriveKey(secret, `browser-session-name ${deployment}`);
    this.cookieName = `ephemera-${Buffer.from(name).toString('hex').slice(0, NAME_CHARACTERS)}`;
    this.#seconds = seconds;
  }

  /** A session that rests on this key and ends with it. `now` in epoch ms, here and below. */
  issue({ holder, fingerprint, expiresAt: end = Infinity }: KeyStanding, now: number): MadeSession {
    const expiresAt = Math.min(now + this.#seconds * 1000, end);
    const nonce = randomBytes(16).toString('base64url');
    const claims: SessionClaims = { keyId: holder.id, fingerprint, nonce, issuedAt: now, expiresAt };
    const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
    const cookie = `${payload}.${sign(this.#cookieKey, payload)}`;
    return { cookie, proof: sign(this.#proofKey, cookie), expiresAt };
  }

  /**
   * What a cookie says, where the proof is its own and it has not ended. Whether its key is still good is for the caller to
   * ask. Never throws.
   */
  verify(
    { cookie, proof }: { cookie: string; proof: string },
    now: number,
  ): Pick<SessionClaims, 'keyId' | 'fingerprint' | 'expiresAt'> | undefined {
    if (cookie.length > MAX_COOKIE_CHARACTERS) return undefined;
    const [payload = '', signature = '', ...rest] = cookie.split('.');
    if (rest.length > 0 || !isSame(signature, sign(this.#cookieKey, payload))) return undefined;
    if (!isSame(proof, sign(this.#proofKey, cookie))) return undefined;
    const claims = parseClaims(payload);
    if (claims === undefined || claims.issuedAt > now + CLOCK_SKEW_MS || claims.expiresAt <= now) return undefined;
    const { keyId, fingerprint, expiresAt } = claims;
    return { keyId, fingerprint, expiresAt };
  }
}

function sign(key: Uint8Array, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url');
}

function isSame(presented: string, right: string): boolean {
  const [one, other] = [Buffer.from(presented), Buffer.from(right)];
  return one.length === other.length && timingSafeEqual(one, other);
}

function parseClaims(payload: string): SessionClaims | undefined {
  try {
    return claimsSchema.safeParse(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

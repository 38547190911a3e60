/** The tokens by which a computer joins a deployment as a host. */
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { deriveKey } from '../sealing/deployment-secret.ts';

/** Time enough to walk over to the other computer, and no more. */
export const JOIN_TOKEN_SECONDS = 900;
/** A replica whose clock is behind that of the issuer by so much still takes the token; none takes it any longer than it lasts. */
const CLOCK_SKEW_MS = 60_000;
const MAX_TOKEN_CHARACTERS = 1024;

const claimsSchema = z.strictObject({
  deployment: z.string(),
  /** Spent by its first use. */
  id: z.uuid(),
  issuedAt: z.int(),
  expiresAt: z.int(),
});

/** What a token says; times in epoch ms. */
export type JoinClaims = z.output<typeof claimsSchema>;

/** Why a token lets nobody in. Whether it was used is known to Temporal alone. */
export type JoinTokenFault = 'notOurs' | 'otherDeployment' | 'expired';

export interface MadeJoinToken {
  token: string;
  claims: JoinClaims;
}

/** Issues and verifies join tokens: base64url(claims) "." base64url(HMAC-SHA256), under a key that no host has. */
export class JoinTokens {
  readonly #key: Uint8Array;
  readonly #deployment: string;

  constructor(secret: Uint8Array, deployment: string) {
    this.#key = deriveKey(secret, 'join-token');
    this.#deployment = deployment;
  }

  /** `nowMs` in epoch ms. */
  issue(nowMs: number): MadeJoinToken {
    const expiresAt = nowMs + JOIN_TOKEN_SECONDS * 1000;
    const claims = { deployment: this.#deployment, id: randomUUID(), issuedAt: nowMs, expiresAt };
    const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
    return { token: `${payload}.${this.#mac(payload).toString('base64url')}`, claims };
  }

  /** What the token says, or why it is worth nothing here. Never throws. */
  verify(token: unknown, nowMs: number): { claims: JoinClaims } | { fault: JoinTokenFault; deployment?: string } {
    if (typeof token !== 'string' || token.length > MAX_TOKEN_CHARACTERS) return { fault: 'notOurs' };
    const [payload = '', mac = '', ...rest] = token.split('.');
    const claims = parseClaims(payload);
    if (claims === undefined || rest.length > 0) return { fault: 'notOurs' };
    // Its name is no secret and proves nothing; it tells a token of elsewhere from a mistyped one.
    const { deployment, issuedAt, expiresAt } = claims;
    if (deployment !== this.#deployment) return { fault: 'otherDeployment', deployment };
    const expected = this.#mac(payload);
    const presented = Buffer.from(mac, 'base64url');
    // Two spellings of one MAC must not both pass.
    if (presented.length !== expected.length || presented.toString('base64url') !== mac) return { fault: 'notOurs' };
    if (!timingSafeEqual(presented, expected)) return { fault: 'notOurs' };
    if (issuedAt > nowMs + CLOCK_SKEW_MS) return { fault: 'notOurs' };
    return expiresAt > nowMs ? { claims } : { fault: 'expired' };
  }

  #mac(payload: string): Buffer {
    return createHmac('sha256', this.#key).update(payload).digest();
  }
}

/** What to type with a token: in the environment, for every user of the computer can read the command lines of all. */
export function joinCommand(apiUrl: string, token: string): string {
  return `EPHEMERA_JOIN_TOKEN=${token} npm run host -- --join ${apiUrl}`;
}

function parseClaims(payload: string): JoinClaims | undefined {
  try {
    return claimsSchema.safeParse(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

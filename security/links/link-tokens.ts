/**
 * Signed links to a port of a VM. The API signs with a key of the deployment; gateways verify with its public half, so that what
 * stands on the internet can make no link.
 */
import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { deriveKey } from '../sealing/deployment-secret.ts';

/** Of a replica that is ahead of the gateway. */
const CLOCK_SKEW_MS = 60_000;
const MAX_TOKEN_CHARACTERS = 2048;
/** What stands before the 32 bytes of an Ed25519 key in PKCS #8. */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

const claimsSchema = z.strictObject({
  deployment: z.string(),
  project: z.string(),
  name: z.string(),
  /** The life of the name for which it was made. */
  uid: z.string(),
  /** What that life goes on with, so that a VM which was closed and reopened is the same; absent while nobody knew it. */
  session: z.string().optional(),
  port: z.int(),
  /** For whom, as the caller of the API said. */
  user: z.string().optional(),
  issuedAt: z.int(),
  expiresAt: z.int(),
});

/** What a link says; times in epoch ms. */
export type LinkClaims = z.output<typeof claimsSchema>;

/** Why a link opens nothing. */
export type LinkFault = 'notOurs' | 'expired';

/** Makes links: base64url(claims) "." base64url(Ed25519). */
export class LinkSigner {
  readonly #key: KeyObject;
  readonly #deployment: string;

  constructor(secret: Uint8Array, deployment: string) {
    const der = Buffer.concat([PKCS8_HEAD, deriveKey(secret, 'vm-link')]);
    this.#key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    this.#deployment = deployment;
  }

  /** With which links are verified: SPKI in base64. */
  get publicKey(): string {
    return createPublicKey(this.#key).export({ format: 'der', type: 'spki' }).toString('base64');
  }

  /** `nowMs` in epoch ms. */
  issue(
    subject: Omit<LinkClaims, 'deployment' | 'issuedAt' | 'expiresAt'>,
    { nowMs, seconds }: { nowMs: number; seconds: number },
  ): { token: string; claims: LinkClaims } {
    const claims = { ...subject, deployment: this.#deployment, issuedAt: nowMs, expiresAt: nowMs + seconds * 1000 };
    const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
    const signature = sign(null, Buffer.from(payload), this.#key).toString('base64url');
    return { token: `${payload}.${signature}`, claims };
  }
}

/** Verifies what {@link LinkSigner} of the same deployment made. */
export class LinkVerifier {
  readonly #key: KeyObject;
  readonly #deployment: string;

  /** @throws an Error for what is no public key. */
  constructor({ publicKey, deployment }: { publicKey: string; deployment: string }) {
    this.#key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' });
    this.#deployment = deployment;
  }

  /** What the link says, or why it opens nothing. Never throws. */
  verify(token: string, nowMs: number): { claims: LinkClaims } | { fault: LinkFault } {
    if (token.length > MAX_TOKEN_CHARACTERS) return { fault: 'notOurs' };
    const [payload = '', signature = '', ...rest] = token.split('.');
    const presented = Buffer.from(signature, 'base64url');
    // Two spellings of one signature must not both pass.
    if (rest.length > 0 || presented.toString('base64url') !== signature) return { fault: 'notOurs' };
    if (!verify(null, Buffer.from(payload), this.#key, presented)) return { fault: 'notOurs' };
    const claims = parseClaims(payload);
    if (claims?.deployment !== this.#deployment) return { fault: 'notOurs' };
    if (claims.issuedAt > nowMs + CLOCK_SKEW_MS) return { fault: 'notOurs' };
    return claims.expiresAt > nowMs ? { claims } : { fault: 'expired' };
  }
}

function parseClaims(payload: string): LinkClaims | undefined {
  try {
    return claimsSchema.safeParse(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

/**
 * Instance identity tokens of Compute Engine: JSON web tokens that Google's metadata server signs for an instance.
 * What is checked: signature (RS256, by keys fetched and kept), issuer, audience, times, project, and that the
 * instance is the expected one.
 */
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify, type JWTPayload } from 'jose';
import { z } from 'zod';
import type { InstanceVerifier } from '../descriptor.ts';

/** Where Google publishes the keys that sign identity tokens. */
const GOOGLE_KEYS_URL = 'https://www.googleapis.com/oauth2/v3/certs';

const ALGORITHM = 'RS256';
const ISSUERS = ['https://accounts.google.com', 'accounts.google.com'];
/** The clocks of Google and of this host may differ by this much. */
const CLOCK_SKEW_SECONDS = 60;
/** Keys are kept for as long as their answer allows, within these bounds. */
const KEYS_KEPT_SECONDS = { least: 60, most: 24 * 3600, unsaid: 3600 };
/** An unknown key id makes us ask again, but not more often than this: anybody can make up key ids. */
const REFETCH_AFTER_MS = 30_000;
const FETCH_TIMEOUT_MS = 5000;
const MAX_TOKEN_CHARACTERS = 4096;

export interface GceIdentityOptions {
  project: string;
  /** What the token must have been made for: the API's URL. */
  audience: string;
  keysUrl?: string;
}

/** The instance that a token vouches for. */
export interface GceIdentity {
  instanceId: string;
  instanceName: string;
  zone: string;
}

/** What is known of the instance beforehand; what is absent is not compared. */
export interface ExpectedInstance {
  instanceName: string;
  instanceId?: string;
  zones?: readonly string[];
}

const headerSchema = z.object({ alg: z.literal(ALGORITHM), kid: z.string() });
const claimsSchema = z.object({
  aud: z.string(),
  iat: z.number(),
  google: z.object({
    compute_engine: z.object({
      project_id: z.string(),
      zone: z.string(),
      instance_id: z.string(),
      instance_name: z.string(),
    }),
  }),
});
const keysSchema = z.object({
  keys: z.array(z.object({ kid: z.string(), kty: z.literal('RSA'), n: z.string(), e: z.string() })),
});

type KeySet = ReturnType<typeof createLocalJWKSet>;

export class GceIdentityVerifier implements InstanceVerifier {
  readonly #options: GceIdentityOptions;
  #keys: { ids: ReadonlySet<string>; set: KeySet } | undefined;
  #fetchedAt = -Infinity;
  #staleAt = -Infinity;
  #fetching: Promise<void> | undefined;

  constructor(options: GceIdentityOptions) {
    this.#options = options;
  }

  /**
   * The instance that the token vouches for, or undefined when it is not a token of the expected instance, for us, now.
   * Rejects only when the keys cannot be fetched. `nowMs` in epoch ms.
   */
  async verify(token: unknown, expected: ExpectedInstance, nowMs: number): Promise<GceIdentity | undefined> {
    if (typeof token !== 'string' || token.length > MAX_TOKEN_CHARACTERS || !isSpelledOnce(token)) return undefined;
    const kid = keyIdOf(token);
    const keys = kid === undefined ? undefined : await this.#keysWith(kid, nowMs);
    if (keys === undefined) return undefined;
    const payload = await this.#verified(token, keys, nowMs);
    const claims = claimsSchema.safeParse(payload);
    return claims.success ? this.#identity(claims.data, expected, nowMs) : undefined;
  }

  /** The payload of a token that these keys signed, of the right issuer, for us, now. Never rejects. */
  async #verified(token: string, keys: KeySet, nowMs: number): Promise<JWTPayload | undefined> {
    try {
      const { payload } = await jwtVerify(token, keys, {
        algorithms: [ALGORITHM],
        issuer: ISSUERS,
        audience: this.#options.audience,
        requiredClaims: ['iat', 'exp'],
        clockTolerance: CLOCK_SKEW_SECONDS,
        currentDate: new Date(nowMs),
      });
      return payload;
    } catch {
      return undefined;
    }
  }

  #identity(claims: z.output<typeof claimsSchema>, expected: ExpectedInstance, nowMs: number): GceIdentity | undefined {
    if (claims.iat > nowMs / 1000 + CLOCK_SKEW_SECONDS) return undefined;
    const { project_id, zone, instance_id, instance_name } = claims.google.compute_engine;
    if (project_id !== this.#options.project || instance_name !== expected.instanceName) return undefined;
    if (expected.instanceId !== undefined && instance_id !== expected.instanceId) return undefined;
    if (expected.zones !== undefined && !expected.zones.includes(zone)) return undefined;
    return { instanceId: instance_id, instanceName: instance_name, zone };
  }

  /** The keys that are published now, when this one is among them. */
  async #keysWith(kid: string, nowMs: number): Promise<KeySet | undefined> {
    if (this.#keys?.ids.has(kid) !== true || nowMs >= this.#staleAt) {
      // Google rotates its keys: an id we do not know may be of a new one.
      if (nowMs >= this.#staleAt || nowMs - this.#fetchedAt >= REFETCH_AFTER_MS) {
        this.#fetching ??= this.#fetchKeys(nowMs).finally(() => (this.#fetching = undefined));
        await this.#fetching;
      }
    }
    return this.#keys?.ids.has(kid) === true ? this.#keys.set : undefined;
  }

  async #fetchKeys(nowMs: number): Promise<void> {
    const url = this.#options.keysUrl ?? GOOGLE_KEYS_URL;
    const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
    if (!response.ok) throw new Error(`the keys at ${url} cannot be had: status ${response.status}`);
    const { keys } = keysSchema.parse(await response.json());
    this.#keys = { ids: new Set(keys.map(({ kid }) => kid)), set: createLocalJWKSet({ keys }) };
    const said = /max-age=(\d+)/.exec(response.headers.get('cache-control') ?? '')?.[1];
    const { least, most, unsaid } = KEYS_KEPT_SECONDS;
    const keptSeconds = said === undefined ? unsaid : Math.min(most, Math.max(least, Number(said)));
    this.#fetchedAt = nowMs;
    this.#staleAt = nowMs + keptSeconds * 1000;
  }
}

/** Decoders ignore what is no base64url: of all spellings of a signature only the right one counts. */
function isSpelledOnce(token: string): boolean {
  const [header, payload, signature, ...rest] = token.split('.');
  if (!header || !payload || !signature || rest.length > 0) return false;
  return Buffer.from(signature, 'base64url').toString('base64url') === signature;
}

function keyIdOf(token: string): string | undefined {
  try {
    return headerSchema.parse(decodeProtectedHeader(token)).kid;
  } catch {
    return undefined;
  }
}

import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { TIMEOUTS } from '../../domain/timeouts.ts';
import { isOwner } from '../../domain/machine/owner.ts';
import { keyFor, type KeySource } from '../hosts/host-keys.ts';

/**
 * `bootstrap`: exchanged once for a report token. `report`: lets a machine report for itself, nothing else.
 * `datasource`: lets cloud-init of a machine ask who it is, in its first boot.
 */
export type AgentTokenKind = 'bootstrap' | 'report' | 'datasource';

export interface AgentTokenSubject {
  /** Of the machine's owner. */
  workflowId: string;
  machineId: string;
  /** Of the start that the machine was made for; only where it has sealed input, which the API gives to no other. */
  startSignature?: string | undefined;
}

/** What a valid token says; times in epoch ms. */
export interface AgentTokenClaims extends AgentTokenSubject {
  issuedAt: number;
  expiresAt: number;
}

const LIFE_SECONDS: Record<AgentTokenKind, number> = {
  bootstrap: TIMEOUTS.bootstrapSecretSeconds,
  report: TIMEOUTS.agentTokenSeconds,
  datasource: TIMEOUTS.bootstrapSecretSeconds,
};

/** Clocks of two replicas may differ by this much. */
const CLOCK_SKEW_MS = 60_000;
const MAX_TOKEN_CHARACTERS = 2048;

const claimsSchema = z.strictObject({
  /** Audience: a token of another deployment is worth nothing here. */
  deployment: z.string(),
  /** A token speaks for the owner of a machine, never for another kind of workflow. */
  workflowId: z.string().refine(isOwner),
  machineId: z.string(),
  startSignature: z.string().optional(),
  issuedAt: z.int(),
  expiresAt: z.int(),
});

/** Issues and verifies the tokens of agents; each kind has a key of its own, derived from the deployment's secret. */
export class AgentTokens {
  readonly #keys: KeySource;
  readonly #keyOf = new Map<AgentTokenKind, Uint8Array>();
  readonly #deployment: string;
  readonly #lifeSeconds: Record<AgentTokenKind, number>;

  /**
   * With the keys of a host it issues what a host may issue. `lifeSeconds`: other lives than those of every deployment;
   * for tests, which cannot wait for those.
   */
  constructor(keys: KeySource, deployment: string, lifeSeconds: Partial<Record<AgentTokenKind, number>> = {}) {
    this.#lifeSeconds = { ...LIFE_SECONDS, ...lifeSeconds };
    this.#keys = keys;
    this.#deployment = deployment;
  }

  /** A token for one machine: base64url(claims) "." base64url(HMAC-SHA256). `nowMs` in epoch ms. */
  issue(kind: AgentTokenKind, subject: AgentTokenSubject, nowMs: number): string {
    const claims = {
      deployment: this.#deployment,
      workflowId: subject.workflowId,
      machineId: subject.machineId,
      startSignature: subject.startSignature,
      issuedAt: nowMs,
      expiresAt: nowMs + this.#lifeSeconds[kind] * 1000,
    };
    const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
    return `${payload}.${this.#mac(kind, payload).toString('base64url')}`;
  }

  /** What the token says, or undefined when it is none of ours, of another kind or deployment, or expired. Never throws. */
  verify(kind: AgentTokenKind, token: unknown, nowMs: number): AgentTokenClaims | undefined {
    const claims = this.#authentic(kind, token, nowMs);
    return claims !== undefined && claims.expiresAt > nowMs ? claims : undefined;
  }

  /**
   * As {@link verify} for a report token, but an expired one counts too. Its expiry only says that this replica's memory
   * is no proof any more: a verifier of it asks Temporal whether its machine is the current one of a live VM.
   */
  verifyRenewable(token: unknown, nowMs: number): AgentTokenClaims | undefined {
    return this.#authentic('report', token, nowMs);
  }

  #authentic(kind: AgentTokenKind, token: unknown, nowMs: number): AgentTokenClaims | undefined {
    if (typeof token !== 'string' || token.length > MAX_TOKEN_CHARACTERS) return undefined;
    const [payload, mac, ...rest] = token.split('.');
    if (!payload || !mac || rest.length > 0) return undefined;
    const expected = this.#mac(kind, payload);
    const presented = Buffer.from(mac, 'base64url');
    // Two spellings of one MAC must not both pass, so the text is compared as well as the bytes.
    if (presented.length !== expected.length || presented.toString('base64url') !== mac) return undefined;
    if (!timingSafeEqual(presented, expected)) return undefined;
    const claims = parseClaims(payload);
    if (claims?.deployment !== this.#deployment) return undefined;
    const { workflowId, machineId, startSignature, issuedAt, expiresAt } = claims;
    if (issuedAt > nowMs + CLOCK_SKEW_MS) return undefined;
    return { workflowId, machineId, issuedAt, expiresAt, ...(startSignature === undefined ? {} : { startSignature }) };
  }

  #mac(kind: AgentTokenKind, payload: string): Buffer {
    let key = this.#keyOf.get(kind);
    if (key === undefined) this.#keyOf.set(kind, (key = keyFor(this.#keys, `agent-token/${kind}`)));
    return createHmac('sha256', key).update(payload).digest();
  }
}

function parseClaims(payload: string) {
  try {
    const parsed = claimsSchema.safeParse(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Where cloud-init of a machine that reaches the API asks who it is: the `seedfrom` of its NoCloud datasource. The
 * token in it is good for the first boot alone. `nowMs` in epoch ms.
 */
export function datasourceUrl(tokens: AgentTokens, apiUrl: string, subject: AgentTokenSubject, nowMs: number): string {
  const token = tokens.issue('datasource', subject, nowMs);
  return `${apiUrl.replace(/\/+$/, '')}/v1/datasource/${subject.machineId}/${token}/`;
}

import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { TIMEOUTS } from '../domain/timeouts.ts';
import { parseVmWorkflowId } from '../domain/wire-names.ts';
import { deriveKey } from './deployment-secret.ts';

/**
 * `bootstrap`: exchanged once for a report token. `report`: lets a machine report for itself, nothing else.
 * `datasource`: lets cloud-init of a machine ask who it is, in its first boot.
 */
export type AgentTokenKind = 'bootstrap' | 'report' | 'datasource';

export interface AgentTokenSubject {
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
  /** A token speaks for a VM, never for another kind of workflow. */
  workflowId: z.string().refine((id) => parseVmWorkflowId(id) !== undefined),
  machineId: z.string(),
  startSignature: z.string().optional(),
  issuedAt: z.int(),
  expiresAt: z.int(),
});

/** Issues and verifies the tokens of agents; each kind has a key of its own, derived from the deployment's secret. */
export class AgentTokens {
  readonly #keys: Record<AgentTokenKind, Uint8Array>;
  readonly #deployment: string;
  readonly #lifeSeconds: Record<AgentTokenKind, number>;

  /** `lifeSeconds`: other lives than those of every deployment; for tests, which cannot wait for those. */
  constructor(secret: Uint8Array, deployment: string, lifeSeconds: Partial<Record<AgentTokenKind, number>> = {}) {
    this.#lifeSeconds = { ...LIFE_SECONDS, ...lifeSeconds };
    this.#keys = {
      bootstrap: deriveKey(secret, 'agent-token/bootstrap'),
      report: deriveKey(secret, 'agent-token/report'),
      datasource: deriveKey(secret, 'agent-token/datasource'),
    };
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
   * is no proof any more: whoever takes it asks Temporal whether its machine is the current one of a live VM.
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
    return createHmac('sha256', this.#keys[kind]).update(payload).digest();
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

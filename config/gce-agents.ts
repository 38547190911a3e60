/**
 * How the agent of a Compute Engine machine proves what it is, with no secret in the instance's metadata: a binding
 * (signed by us, readable by whoever is on the machine, worth nothing alone) says which VM an instance belongs to; the
 * instance's identity token proves that the caller is on that instance.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { TIMEOUT_LIMITS } from '../domain/timeouts.ts';
import type { AgentTokenSubject } from './agent-tokens.ts';
import { deriveKey } from './deployment-secret.ts';
import type { GceIdentityVerifier } from './gce-identity.ts';

/** An agent's proof on the wire: this word, the binding and the identity token, one space between each. */
const PROOF_WORD = 'gce';

export interface GceBinding extends AgentTokenSubject {
  /** The instance's name in Compute Engine. */
  instanceName: string;
}

const bindingSchema = z.strictObject({
  deployment: z.string(),
  workflowId: z.string(),
  machineId: z.string(),
  startSignature: z.string().optional(),
  instanceName: z.string(),
  expiresAt: z.int(),
});

/** A day more than the longest life: an instance that starts again proves itself anew. */
const BINDING_SECONDS = TIMEOUT_LIMITS.maxSeconds + 24 * 3600;

/** Issues bindings; each lasts as long as a machine can. */
export class GceBindings {
  readonly #key: Uint8Array;
  readonly #deployment: string;

  constructor(secret: Uint8Array, deployment: string) {
    this.#key = deriveKey(secret, 'agent-token/gce-binding');
    this.#deployment = deployment;
  }

  issue({ workflowId, machineId, startSignature, instanceName }: GceBinding, nowMs: number): string {
    const expiresAt = nowMs + BINDING_SECONDS * 1000;
    const claims = { deployment: this.#deployment, workflowId, machineId, startSignature, instanceName, expiresAt };
    const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
    return `${payload}.${this.#mac(payload).toString('base64url')}`;
  }

  /** What a binding says, or undefined when it is none of ours or too old. Never throws. */
  verify(binding: string, nowMs: number): GceBinding | undefined {
    const [payload = '', mac = '', ...rest] = binding.split('.');
    const expected = this.#mac(payload);
    const presented = Buffer.from(mac, 'base64url');
    if (rest.length > 0 || presented.length !== expected.length || presented.toString('base64url') !== mac) {
      return undefined;
    }
    if (!timingSafeEqual(presented, expected)) return undefined;
    const claims = bindingSchema.safeParse(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')));
    if (!claims.success || claims.data.deployment !== this.#deployment || claims.data.expiresAt <= nowMs) {
      return undefined;
    }
    const { workflowId, machineId, startSignature, instanceName } = claims.data;
    return { workflowId, machineId, instanceName, ...(startSignature === undefined ? {} : { startSignature }) };
  }

  #mac(payload: string): Buffer {
    return createHmac('sha256', this.#key).update(payload).digest();
  }
}

/** True for a `secret` of `POST /v1/agent/exchange` that is the proof of a Compute Engine machine. */
export function isGceProof(secret: string): boolean {
  return secret.startsWith(`${PROOF_WORD} `);
}

/** What it takes to believe a Compute Engine instance. */
export interface GceProofs {
  bindings: GceBindings;
  identities: GceIdentityVerifier;
}

/** Whom a proof speaks for. */
export interface ProvenAgent extends AgentTokenSubject {
  /**
   * To be used as the nonce of the exchange instead of the caller's own: an instance that starts again is the same
   * caller, and no other instance is.
   */
  nonce: string;
}

/**
 * Whom the proof speaks for, or undefined when it proves nothing. Rejects only when Google's keys cannot be fetched:
 * then the agent tries again.
 */
export async function verifyGceProof(
  proof: string,
  { bindings, identities }: GceProofs,
  nowMs: number,
): Promise<ProvenAgent | undefined> {
  const [word, binding, identityToken, ...rest] = proof.split(' ');
  if (word !== PROOF_WORD || !binding || !identityToken || rest.length > 0) return undefined;
  const bound = bindings.verify(binding, nowMs);
  if (bound === undefined) return undefined;
  const { instanceName, ...subject } = bound;
  const identity = await identities.verify(identityToken, { instanceName }, nowMs);
  return identity === undefined ? undefined : { ...subject, nonce: `gce-${identity.instanceId}` };
}

/**
 * How the agent of a machine whose cloud vouches for its instances proves what it is, with no secret in the instance's
 * metadata: a binding (signed by us, readable by all on the machine, worth nothing alone) says which VM an instance
 * belongs to; the instance's identity token, which the provider's descriptor verifies, proves that the caller is on it.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { TIMEOUT_LIMITS } from '../../domain/timeouts.ts';
import type { AgentTokenSubject } from './agent-tokens.ts';
import { bindingLabel, keyFor, type KeySource } from '../hosts/host-keys.ts';
import type { InstanceVerifier } from '../../providers/descriptor.ts';

export interface InstanceBinding extends AgentTokenSubject {
  /** The name that the provider knows the instance by. */
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

/** Issues bindings for the instances of one provider; each lasts as long as a machine can. */
export class InstanceBindings {
  readonly #key: Uint8Array;
  readonly #deployment: string;

  /** `proofWord`: that of the provider, whose bindings have a key of their own. */
  constructor(keys: KeySource, deployment: string, proofWord: string) {
    this.#key = keyFor(keys, bindingLabel(proofWord));
    this.#deployment = deployment;
  }

  issue({ workflowId, machineId, startSignature, instanceName }: InstanceBinding, nowMs: number): string {
    const expiresAt = nowMs + BINDING_SECONDS * 1000;
    const claims = { deployment: this.#deployment, workflowId, machineId, startSignature, instanceName, expiresAt };
    const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
    return `${payload}.${this.#mac(payload).toString('base64url')}`;
  }

  /** What a binding says, or undefined when it is none of ours or too old. Never throws. */
  verify(binding: string, nowMs: number): InstanceBinding | undefined {
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

/** An agent's proof on the wire: the provider's word, the binding and the identity token, one space between each. */
export function isInstanceProof(secret: string): boolean {
  return secret.includes(' ');
}

/** What it takes to believe the instances of a provider. */
export interface TrustedInstances {
  /** First word of their proofs. */
  proofWord: string;
  /** `id`: their documents name them by the cloud's own id alone. */
  documentsName?: 'id' | undefined;
  bindings: InstanceBindings;
  identities: InstanceVerifier;
}

/** Whom a proof speaks for. */
export interface ProvenAgent extends AgentTokenSubject {
  /**
   * To be used as the nonce of the exchange instead of the caller's own: an instance that starts again is the same
   * caller, and no other instance is.
   */
  nonce: string;
  /** The machine must be this instance of its cloud, which its owner alone knows; absent: the proof says that it is. */
  instanceId?: string;
}

/**
 * Whom the proof speaks for, or undefined when it proves nothing to this deployment. Rejects only when the provider's
 * keys cannot be fetched: then the agent tries again; and with what `admit` throws for the machine whose binding it has, before
 * its document is looked at.
 */
export async function verifyInstanceProof(
  proof: string,
  trusted: readonly TrustedInstances[],
  nowMs: number,
  admit: (machineId: string) => void = () => undefined,
): Promise<ProvenAgent | undefined> {
  const [word, binding, identityToken, ...rest] = proof.split(' ');
  const provider = trusted.find(({ proofWord }) => proofWord === word);
  if (provider === undefined || !binding || !identityToken || rest.length > 0) return undefined;
  const bound = provider.bindings.verify(binding, nowMs);
  if (bound === undefined) return undefined;
  admit(bound.machineId);
  const { instanceName, ...subject } = bound;
  const identity = await provider.identities.verify(identityToken, { instanceName, binding }, nowMs);
  if (identity === undefined) return undefined;
  const { instanceId } = identity;
  const nonce = `${provider.proofWord}-${instanceId}`;
  return { ...subject, nonce, ...(provider.documentsName === 'id' ? { instanceId } : {}) };
}

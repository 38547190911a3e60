import { isInstanceProof, verifyInstanceProof, type ProvenAgent } from '../../security/agents/instance-proofs.ts';
import type { ApiContext } from '../api-context.ts';
import { ApiProblem } from '../http/errors/problem.ts';

/**
 * Whom the caller of an exchange speaks for: by a one-time secret, with the nonce it made up; or by the identity of
 * its instance in a cloud, which is its nonce, so that an instance that starts again is the same caller.
 * Undefined when it proves nothing. @throws ApiProblem `identityUnavailable` when the cloud's keys cannot be had.
 */
export async function provenAgent(
  { agentTokens, trustedInstances, now, log }: Pick<ApiContext, 'agentTokens' | 'trustedInstances' | 'now' | 'log'>,
  { secret, nonce }: { secret: string; nonce: string },
): Promise<ProvenAgent | undefined> {
  if (!isInstanceProof(secret)) {
    const claims = agentTokens.verify('bootstrap', secret, now());
    if (!claims) return undefined;
    const { workflowId, machineId, startSignature } = claims;
    return { workflowId, machineId, startSignature, nonce };
  }
  return verifyInstanceProof(secret, trustedInstances, now()).catch((error: unknown) => {
    log.warn({ err: error }, 'the keys of instance identities cannot be fetched');
    throw new ApiProblem('identityUnavailable', 'The keys of instance identities cannot be fetched now', {
      headers: { 'retry-after': '5' },
      cause: error,
    });
  });
}

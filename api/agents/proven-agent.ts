import { isInstanceProof, verifyInstanceProof, type ProvenAgent } from '../../security/agents/instance-proofs.ts';
import type { ApiContext } from '../api-context.ts';
import { ApiProblem } from '../http/errors/problem.ts';

/**
 * Whom the caller of an exchange speaks for: by a one-time secret, with the nonce it made up; or by the identity of
 * its instance in a cloud, which is its nonce, so that an instance that starts again is the same caller.
 * Undefined when it proves nothing. @throws ApiProblem `identityUnavailable` when the cloud's keys cannot be had, `rateLimited`.
 */
export async function provenAgent(
  api: Pick<ApiContext, 'agentTokens' | 'trustedInstances' | 'requestLimits' | 'now' | 'log'>,
  { secret, nonce, remoteAddress }: { secret: string; nonce: string; remoteAddress: string },
): Promise<ProvenAgent | undefined> {
  const { agentTokens, trustedInstances, requestLimits, now, log } = api;
  if (!isInstanceProof(secret)) {
    const claims = agentTokens.verify('bootstrap', secret, now());
    if (!claims) return undefined;
    const { workflowId, machineId, startSignature } = claims;
    return { workflowId, machineId, startSignature, nonce };
  }
  const admit = (machineId: string): void => requestLimits.takeProof(machineId, remoteAddress, now());
  return verifyInstanceProof(secret, trustedInstances, now(), admit).catch((error: unknown) => {
    if (error instanceof ApiProblem) throw error;
    log.warn({ err: error }, 'the keys of instance identities cannot be fetched');
    throw new ApiProblem('identityUnavailable', 'The keys of instance identities cannot be fetched now', {
      headers: { 'retry-after': '5' },
      cause: error,
    });
  });
}

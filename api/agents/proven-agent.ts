import { isGceProof, verifyGceProof, type ProvenAgent } from '../../config/gce-agents.ts';
import type { ApiContext } from '../api-context.ts';
import { ApiProblem, tokenRefused } from '../http/problem.ts';

/**
 * Whom the caller of an exchange speaks for: by a one-time secret, with the nonce it made up; or by the identity of
 * its Compute Engine instance, which is its nonce, so that an instance that starts again is the same caller.
 * @throws ApiProblem `tokenRefused`, or `identityUnavailable` when the cloud's keys cannot be had.
 */
export async function provenAgent(
  { agentTokens, gceProofs, now, log }: Pick<ApiContext, 'agentTokens' | 'gceProofs' | 'now' | 'log'>,
  { secret, nonce }: { secret: string; nonce: string },
): Promise<ProvenAgent> {
  if (!isGceProof(secret)) {
    const claims = agentTokens.verify('bootstrap', secret, now());
    if (!claims) throw tokenRefused('The bootstrap secret is not valid');
    return { workflowId: claims.workflowId, machineId: claims.machineId, nonce };
  }
  if (gceProofs === null) throw tokenRefused('This deployment has no machines on Compute Engine');
  const agent = await verifyGceProof(secret, gceProofs, now()).catch((error: unknown) => {
    log.warn({ err: error }, 'the keys of instance identities cannot be fetched');
    throw new ApiProblem('identityUnavailable', 'The keys of instance identities cannot be fetched now', {
      headers: { 'retry-after': '5' },
      cause: error,
    });
  });
  if (!agent) throw tokenRefused('The instance identity is not valid for this machine');
  return agent;
}

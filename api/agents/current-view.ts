/** What is known of the VM whose machine an agent speaks for, by its token. */
import type { VmView } from '../../domain/vm/view.ts';
import type { AgentTokenClaims } from '../../security/agents/agent-tokens.ts';
import type { ApiContext } from '../api-context.ts';
import { ApiProblem, tokenRefused } from '../http/errors/problem.ts';
import { hasEnded, isInitial } from '../vms/seen/vm-record.ts';

/**
 * The view of the VM whose current machine speaks. A token that expired while nobody could renew it is as good as
 * Temporal's word on its machine, never this replica's. @throws ApiProblem `tokenRefused` for any other machine.
 */
export async function currentView(api: ApiContext, claims: AgentTokenClaims, now: number): Promise<VmView> {
  const { workflowId, machineId, expiresAt } = claims;
  const known = expiresAt > now ? api.projection.get(workflowId)?.view : undefined;
  if (known?.machineId === machineId && !hasEnded(known)) return sinceReset(known, claims);
  // What this replica knows may be a moment old: only Temporal's word refuses a machine for good.
  const found = (await api.directory.describeWorkflow(workflowId))?.record;
  if (found) api.projection.see(found);
  if (found !== undefined && isInitial(found) && !found.closed) {
    // Its workflow says nothing of a machine yet: not that this one is another's.
    throw new ApiProblem('temporalUnavailable', 'The VM of this machine has not been seen by a worker yet', {
      headers: { 'retry-after': '1' },
    });
  }
  if (found?.view.machineId !== machineId || found.closed || hasEnded(found.view)) {
    throw tokenRefused('The machine is not the current one of a live VM');
  }
  return sinceReset(found.view, claims);
}

/**
 * The same machine was somebody else's before it was reset, and whoever was in it may have kept its token. An agent that is
 * refused though it began since, by a clock that is behind, proves itself again. @throws ApiProblem `tokenRefused`.
 */
function sinceReset(view: VmView, { issuedAt }: AgentTokenClaims): VmView {
  if (view.resetAt === undefined || issuedAt >= Date.parse(view.resetAt)) return view;
  throw tokenRefused('The machine was reset since it got this token');
}

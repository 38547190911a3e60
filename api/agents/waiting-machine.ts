/** Reports of machines that wait in a pool: their agents join, and then ask again and again whether there is a VM. */
import type { WorkflowExecutionDescription } from '@temporalio/client';
import type { HttpReport, HttpReportReply } from '../../domain/agent/protocol.ts';
import type { Warm } from '../../domain/pool/handover.ts';
import { parseWarmWorkflowId, SEARCH_ATTRIBUTE } from '../../domain/wire-names.ts';
import type { AgentTokenClaims } from '../../security/agents/agent-tokens.ts';
import type { ApiContext } from '../api-context.ts';
import { tokenRefused } from '../http/errors/problem.ts';

/** A claim waits so long for the machine that it gets. */
const ASKS_EVERY_SECONDS = 1;
const BOOTING: Warm['name'] = 'booting';

/** Whether a token is that of a machine which has no VM. */
export function isOfWaiting({ workflowId }: Pick<AgentTokenClaims, 'workflowId'>): boolean {
  return parseWarmWorkflowId(workflowId) !== undefined;
}

/**
 * The answer to a report of a machine that waits: to go on waiting. The first reports make it one that may be claimed
 * (`tellJoined`). Whether it waits at all only Temporal says, each time: its token is worth nothing from the moment in which
 * a VM has the machine, and whoever is on it then proves itself to that VM. @throws ApiProblem `tokenRefused`.
 */
export async function answerWaiting(
  { directory }: Pick<ApiContext, 'directory'>,
  { workflowId, machineId }: Pick<AgentTokenClaims, 'workflowId' | 'machineId'>,
  { forwarded }: Pick<HttpReport, 'forwarded'>,
  tellJoined: () => Promise<void>,
): Promise<Pick<HttpReportReply, 'nextReportSeconds' | 'forwarded' | 'draining' | 'waits'>> {
  const found = parseWarmWorkflowId(workflowId) === machineId ? await directory.latest(workflowId) : undefined;
  if (found?.status.name !== 'RUNNING') throw tokenRefused('The machine waits in no pool any more');
  if (stateOf(found) === BOOTING) await tellJoined();
  return { nextReportSeconds: ASKS_EVERY_SECONDS, forwarded, draining: false, waits: true };
}

function stateOf({ typedSearchAttributes }: WorkflowExecutionDescription): unknown {
  const { name } = SEARCH_ATTRIBUTE.state;
  return typedSearchAttributes.getAll().find(({ key }) => key.name === name)?.value;
}

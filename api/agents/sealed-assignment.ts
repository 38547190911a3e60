/**
 * What a machine with sealed input gets in the answers to its reports, until they say that it has it: a lost answer
 * does no harm, and any replica can give it. Only a machine whose own token was checked comes here.
 */
import type { AgentTokenClaims } from '../../config/agent-tokens.ts';
import type { HttpReport } from '../../domain/agent-protocol.ts';
import { scriptEndText, scriptTimeoutSeconds, type Assignment } from '../../domain/assignment.ts';
import type { ProviderErrorCode } from '../../domain/error-codes.ts';
import type { VmView } from '../../domain/vm-view.ts';
import { sealedInputQuery } from '../../workflows/messages.ts';
import type { ApiContext } from '../api-context.ts';

const QUERY_SECONDS = 5;
const UNREADABLE: ProviderErrorCode = 'sealedInputUnreadable';

/** True while a machine may not count as ready yet, whatever its agent says. */
export function awaitsAssignment(view: VmView, report: Pick<HttpReport, 'assigned'>): boolean {
  return view.spec.sealed !== undefined && report.assigned?.state !== 'done';
}

/** `nothing` when it has one, when it needs none, and when no worker can be asked now: then the next report gets it. */
export type AssignmentAnswer =
  | { kind: 'assign'; assignment: Assignment }
  /** The machine will never be ready; `failure` is for people and has no secret in it. */
  | { kind: 'failed'; failure: string }
  | { kind: 'nothing' };

const NOTHING: AssignmentAnswer = { kind: 'nothing' };

/** What an answer to a report has to say about its machine's assignment. */
export async function assignmentAnswer(
  api: Pick<ApiContext, 'directory' | 'sealedInputs' | 'now' | 'log'>,
  { workflowId, machineId }: AgentTokenClaims,
  view: VmView,
  { assigned }: Pick<HttpReport, 'assigned'>,
): Promise<AssignmentAnswer> {
  if (view.spec.sealed === undefined) return NOTHING;
  if (assigned !== undefined) return assigned.state === 'failed' ? failed(view, scriptEndText(assigned.end)) : NOTHING;
  const { project, name, spec } = view;
  const asked = await api.directory
    .within(() => api.directory.handle(workflowId).query(sealedInputQuery), QUERY_SECONDS)
    .catch((error: unknown) => {
      api.log.warn({ err: error, workflowId }, 'a sealed input could not be asked for yet');
      return undefined;
    });
  if (asked?.machineId !== machineId) return NOTHING;
  const opened = asked.sealed === null ? undefined : api.sealedInputs.open({ project, name }, asked.sealed);
  if (opened === undefined) {
    api.log.warn({ workflowId, code: UNREADABLE }, 'a sealed input cannot be opened');
    return failed(view, `${UNREADABLE}: the sealed input of ${name} is damaged or of another key`);
  }
  const timeoutSeconds = scriptTimeoutSeconds(secondsUntilGivenUp(view, api.now()));
  return { kind: 'assign', assignment: { machineId, name, project, env: spec.env, ...opened, timeoutSeconds } };
}

/** What is left of the readiness time-out, which begins with `booting`. */
function secondsUntilGivenUp({ nextDeadline, spec }: VmView, now: number): number {
  if (nextDeadline?.kind !== 'ready') return spec.readiness.timeoutSeconds;
  return (Date.parse(nextDeadline.at) - now) / 1000;
}

/** Only a machine that was never ready is given up for this; a running one has it from before. */
function failed({ readyAt }: VmView, failure: string): AssignmentAnswer {
  return readyAt === undefined ? { kind: 'failed', failure } : NOTHING;
}

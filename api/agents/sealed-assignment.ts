/**
 * What a machine with sealed input gets in the answers to its reports, until they say that it has it: a lost answer
 * does no harm, and any replica can give it. Only a machine whose own token was checked comes here.
 */
import type { AgentTokenClaims } from '../../security/agents/agent-tokens.ts';
import type { HttpReport } from '../../domain/agent/protocol.ts';
import { scriptEndText, scriptTimeoutSeconds, type Assignment } from '../../domain/agent/assignment.ts';
import type { ProviderErrorCode } from '../../domain/machine/error-codes.ts';
import type { SecretInput } from '../../domain/machine/sealed-input.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';
import type { VmView } from '../../domain/vm/view.ts';
import { sealedInputQuery, type SealedInputAnswer } from '../../workflows/messages.ts';
import type { ApiContext } from '../api-context.ts';

const QUERY_SECONDS = 5;
const WHY_REFUSED = {
  notSigned: "carries no signature of this deployment's API for it, its spec and this machine",
  sealedInputUnreadable: 'is damaged or of another key',
} as const satisfies Partial<Record<ProviderErrorCode, string>>;

/**
 * Whether the machine is told what it is by its agent's link: one with sealed input, and one that waited in a pool. The tokens
 * of both name the start that they were made for, or adopted by.
 */
export function isToldLater({ startSignature }: Pick<AgentTokenClaims, 'startSignature'>, { spec }: VmView): boolean {
  return spec.sealed !== undefined || startSignature !== undefined;
}

/** True while a machine may not count as ready yet, whatever its agent says. */
export function awaitsAssignment(
  claims: Pick<AgentTokenClaims, 'startSignature'>,
  view: VmView,
  { assigned }: Pick<HttpReport, 'assigned'>,
): boolean {
  return isToldLater(claims, view) && assigned?.state !== 'done';
}

/** `nothing` when it has one, when it needs none, and when no worker can be asked now: then the next report gets it. */
export type AssignmentAnswer =
  | { kind: 'assign'; assignment: Assignment }
  /** The machine will never be ready; `failure` is for people and has no secret in it. */
  | { kind: 'failed'; failure: string }
  /** The machine had it before and said so: it is given nothing more. */
  | { kind: 'before'; machineId: string }
  | { kind: 'nothing' };

const NOTHING: AssignmentAnswer = { kind: 'nothing' };
const NOTHING_SECRET: SecretInput = { secretEnv: {}, startupScript: null };

/** What an answer to a report has to say about its machine's assignment. */
export async function assignmentAnswer(
  api: Pick<ApiContext, 'directory' | 'sealedInputs' | 'startSignatures' | 'now' | 'log'>,
  claims: Pick<AgentTokenClaims, 'workflowId' | 'machineId' | 'startSignature'>,
  view: VmView,
  { assigned }: Pick<HttpReport, 'assigned'>,
): Promise<AssignmentAnswer> {
  if (!isToldLater(claims, view)) return NOTHING;
  if (assigned !== undefined) return assigned.state === 'failed' ? failed(view, scriptEndText(assigned.end)) : NOTHING;
  const { workflowId, machineId } = claims;
  const asked = await api.directory
    .within(() => api.directory.handle(workflowId).query(sealedInputQuery), QUERY_SECONDS)
    .catch((error: unknown) => {
      api.log.warn({ err: error, workflowId }, 'a sealed input could not be asked for yet');
      return undefined;
    });
  if (asked?.machineId !== machineId) return NOTHING;
  if (asked.assigned === true) return { kind: 'before', machineId };
  const opened = openFor(api, claims, asked);
  if ('refused' in opened) {
    api.log.warn({ workflowId, code: opened.refused }, 'a sealed input is not given');
    return failed(view, `${opened.refused}: the sealed input of ${workflowId} ${WHY_REFUSED[opened.refused]}`);
  }
  const { spec, input } = opened;
  const { project, name } = view;
  const timeoutSeconds = scriptTimeoutSeconds(secondsUntilGivenUp(view, api.now()));
  return { kind: 'assign', assignment: { machineId, name, project, env: spec.env, ...input, timeoutSeconds } };
}

/**
 * What a workflow answers is a claim of any client that can start workflows: only what the API signed for this workflow id is
 * opened, and only for a machine that a host made for this very start, as the machine's own token says.
 */
function openFor(
  { sealedInputs, startSignatures }: Pick<ApiContext, 'sealedInputs' | 'startSignatures'>,
  { workflowId, startSignature }: Pick<AgentTokenClaims, 'workflowId' | 'startSignature'>,
  { sealed, spec, signature }: SealedInputAnswer,
): { spec: VmSpec; input: SecretInput } | { refused: keyof typeof WHY_REFUSED } {
  if (spec === undefined || signature !== startSignature) return { refused: 'notSigned' };
  const start = { workflowId, spec };
  if (!startSignatures.verifyWith(start, sealed, signature)) return { refused: 'notSigned' };
  if (sealed === null) return { spec, input: NOTHING_SECRET };
  const input = sealedInputs.open(start, sealed);
  return input === undefined ? { refused: 'sealedInputUnreadable' } : { spec, input };
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

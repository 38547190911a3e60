import type { AgentTokenClaims } from '../../security/agents/agent-tokens.ts';
import type { HttpReport } from '../../domain/agent/protocol.ts';
import type { VmView } from '../../domain/vm/view.ts';
import { reportSignal, type ReportSignal } from '../../workflows/messages.ts';
import type { ApiContext } from '../api-context.ts';
import { tokenRefused } from '../http/errors/problem.ts';
import { openRoute } from '../http/route.ts';
import { isWorkflowGone } from '../http/errors/temporal-errors.ts';
import { reportBodySchema, reportReplySchema } from '../schemas/agent.ts';
import { answerReport } from './answer-report.ts';
import { currentView } from './current-view.ts';
import { takesStreams } from './link-route.ts';
import { plainAnswer } from './plain-connection.ts';
import { mayHideQuestion } from './stale-view.ts';
import { assignmentAnswer, awaitsAssignment, isToldLater, type AssignmentAnswer } from './sealed-assignment.ts';
import { answerWaiting, isOfWaiting } from './waiting-machine.ts';

export const reportRoute = openRoute({
  method: 'post',
  path: '/v1/agent/report',
  operationId: 'reportUsage',
  tag: 'Agents',
  summary: "Report a machine's connection count",
  description:
    'The VM and the machine come from the token alone. `forwarded` is what the last reply said was kept durably, so ' +
    'that any replica decides alike; a first user and a last one gone are kept before the reply. A machine with sealed ' +
    'input gets it in the reply, until its reports say so in `assigned`.',
  access: 'agent',
  // A machine's own report; not audited.
  mutates: false,
  body: reportBodySchema,
  replies: { 200: { description: 'Taken; when to report again.', schema: reportReplySchema } },
  errors: ['tokenRefused', 'rateLimited', 'temporalUnavailable'],
  handle: async ({ body, bearer, remoteAddress }, api) => {
    const now = api.now();
    const claims = api.agentTokens.verifyRenewable(bearer, now);
    if (!claims) throw tokenRefused('The report token is missing or not valid');
    api.reportLimit.take(claims.machineId, now);
    if (isOfWaiting(claims)) {
      const reply = await answerWaiting(api, claims, body, () => forwardReport(api, claims, body, now, {}));
      return { status: 200, body: { ...reply, ...renewedToken(api, claims, now) } };
    }
    const view = await latestView(api, claims, await currentView(api, claims, now), body, now);
    const question = view.confirmationId;
    const questionAgeMs = question === undefined ? 0 : api.questions.ageMs(claims.machineId, question);
    const awaits = awaitsAssignment(claims, view, body);
    const { forward, answers, reply } = answerReport(body, view, now, { questionAgeMs, awaits });
    const plain = plainAnswer(api.settings.api, remoteAddress, view, body);
    const answer = plain ?? (await assignmentAnswer(api, claims, view, body));
    if (answer.kind === 'failed') await forwardReport(api, claims, body, now, { failure: answer.failure });
    else if (forward) await forwardReport(api, claims, body, now, answers === undefined ? {} : { answers });
    else if (isNewlyAssigned(api, claims, view, body, now)) {
      await forwardReport(api, claims, body, now, { assigned: 'done' });
    }
    api.metrics.reported(forward || answer.kind === 'failed', body.forwarded?.ageMs ?? null);
    const assignment = answer.kind === 'assign' ? { assignment: answer.assignment } : assignedBefore(answer);
    const streams = takesStreams(api.settings.api, view, remoteAddress) ? { streams: true } : {};
    return { status: 200, body: { ...reply, ...assignment, ...streams, ...renewedToken(api, claims, now) } };
  },
});

/** The view by which an empty VM's report is answered: Temporal's where this replica's may hide the question. */
async function latestView(
  api: ApiContext,
  { workflowId, machineId }: AgentTokenClaims,
  view: VmView,
  report: HttpReport,
  now: number,
): Promise<VmView> {
  if (!mayHideQuestion(report, view, { feedAgeMs: api.feed.ageMs, now })) return view;
  if (!api.directLooks.ofMachine.tryTake(machineId, now) || !api.directLooks.ofAll.tryTake('all', now)) return view;
  const found = await api.directory.describeWorkflow(workflowId).catch(() => undefined);
  if (found?.record.view.machineId !== machineId) return view;
  api.projection.see(found.record);
  return found.record.view;
}

/**
 * A report that says first that the machine is done with its sealed input: it is remembered in the workflow, so that no
 * replica gives that input away again. Once the VM is ready its state says so.
 */
function isNewlyAssigned(
  api: ApiContext,
  claims: AgentTokenClaims,
  view: VmView,
  { assigned }: HttpReport,
  now: number,
): boolean {
  if (!isToldLater(claims, view) || assigned?.state !== 'done' || view.readyAt !== undefined) return false;
  return api.assignedTold.tryTake(claims.machineId, now);
}

function assignedBefore(answer: AssignmentAnswer): { assignedBefore?: string } {
  return answer.kind === 'before' ? { assignedBefore: answer.machineId } : {};
}

async function forwardReport(
  api: ApiContext,
  { workflowId, machineId }: AgentTokenClaims,
  { sequence, connections }: HttpReport,
  sentAt: number,
  more: Pick<ReportSignal, 'failure' | 'answers' | 'assigned'>,
): Promise<void> {
  // An agent that lies about what was forwarded gets no further than this; an honest one never comes near.
  api.forwardLimit.take(machineId, sentAt);
  const report = { machineId, sequence, connections, sentAt, ...more };
  try {
    await api.directory.within(() => api.directory.handle(workflowId).signal(reportSignal, report));
  } catch (error) {
    if (isWorkflowGone(error)) throw tokenRefused('The VM of this machine has ended');
    throw error;
  }
}

/** A new token once half the life of the old one is over. */
function renewedToken(api: ApiContext, claims: AgentTokenClaims, now: number): { token?: string } {
  const { issuedAt, expiresAt, ...subject } = claims;
  if (now < (issuedAt + expiresAt) / 2) return {};
  return { token: api.agentTokens.issue('report', subject, now) };
}

import type { ForwardedState, HttpReport, HttpReportReply } from '../../domain/agent/protocol.ts';
import { EMPTY_END_REASON } from '../../domain/vm/deadlines.ts';
import {
  FORWARDING,
  decideForward,
  type ForwardDecision,
  type ForwardMemory,
} from '../../domain/agent/report-forwarding.ts';
import { TIMEOUTS } from '../../domain/timeouts.ts';
import type { VmView } from '../../domain/vm/view.ts';

/** While something waits for this agent, it reports again this soon. */
const URGENT_SECONDS = 1;
const AFTER_EDGE_SECONDS = 2;
/**
 * An agent of an earlier version does not name the question that it answers. vm-server gives a report up after 10 s, so
 * one that arrives this long after the replica knew of the question was taken after it was asked.
 */
const UNNAMED_ANSWER_MS = 15_000;
/** A replica knows of a question this long after it was asked. */
const VIEW_AGE_MS = 1000;

/** What an agent still says then means nothing; one of a machine that runs again is asked soon. */
const DOWN: readonly VmView['state'][] = [
  ...(['stopping', 'stopped', 'suspending', 'suspended', 'destroying'] as const),
];

export function isDown({ state }: Pick<VmView, 'state'>): boolean {
  return DOWN.includes(state);
}

export interface ReportAnswer {
  /** The report goes to the workflow before the reply goes out. */
  forward: boolean;
  /** The id of the confirmation that the forwarded report answers. */
  answers?: string;
  reply: Omit<HttpReportReply, 'token' | 'assignment'>;
}

/**
 * What an agent's report over HTTP leads to. The agent carries what was last forwarded, so every replica decides
 * alike; the view only has to say whether the workflow waits for a report. `now` in epoch ms; `questionAgeMs`: how long
 * this replica knows the view's question; `awaits`: the machine is still to be told what it is.
 */
export function answerReport(
  report: HttpReport,
  view: VmView,
  now: number,
  { questionAgeMs = 0, awaits = false }: { questionAgeMs?: number; awaits?: boolean } = {},
): ReportAnswer {
  const draining = view.state === 'draining';
  const asked = view.aliveBecause === 'confirming';
  const answers = answeredQuestion(report, view, questionAgeMs);
  // A question without a name, of a host of an earlier version, is answered by whatever comes.
  const confirming = asked && (view.confirmationId === undefined || answers !== undefined);
  const confirm = view.confirmationId === undefined ? {} : { confirm: view.confirmationId };
  const kept = { forwarded: report.forwarded, draining, ...confirm };
  if (!report.ready || isDown(view) || awaits) {
    return { forward: false, reply: { ...kept, nextReportSeconds: URGENT_SECONDS } };
  }
  const silenceTimeoutSeconds = view.spec.idle.silenceTimeoutSeconds;
  const decision = decideForward({
    memory: memoryOf(report.forwarded, now),
    report,
    changedAt: now - report.calmMs,
    now,
    silenceTimeoutSeconds,
    confirming,
  });
  const aliveSeconds = Math.max(URGENT_SECONDS, Math.floor(silenceTimeoutSeconds / 2));
  const nextReportSeconds = Math.min(
    TIMEOUTS.agentReportIntervalSeconds,
    aliveSeconds,
    decision.action === 'wait' ? secondsUntil(decision.at, now) : Infinity,
    asked ? URGENT_SECONDS : Infinity,
    report.connections === 0 ? secondsUntilAsked(view, decision, now) : Infinity,
  );
  if (decision.action === 'wait') return { forward: false, reply: { ...kept, nextReportSeconds } };
  const { sequence, connections, tokens, edgeTokens } = decision.memory;
  return {
    forward: true,
    ...(answers === undefined ? {} : { answers }),
    reply: { ...kept, forwarded: { sequence, connections, ageMs: 0, tokens, edgeTokens }, nextReportSeconds },
  };
}

/** Which question the report answers: its count must have been taken after the question was asked. */
function answeredQuestion(
  { answers }: HttpReport,
  { confirmationId }: VmView,
  questionAgeMs: number,
): string | undefined {
  if (answers === confirmationId) return confirmationId;
  return answers === undefined && questionAgeMs >= UNNAMED_ANSWER_MS ? confirmationId : undefined;
}

function memoryOf(forwarded: ForwardedState | null, now: number): ForwardMemory | null {
  if (forwarded === null) return null;
  const { sequence, connections, ageMs, tokens, edgeTokens = FORWARDING.edgeBucketSize } = forwarded;
  return { sequence, connections, forwardedAt: now - ageMs, tokens, edgeTokens };
}

/**
 * When an empty VM's agent will be asked for a fresh count: it reports right then, so that nothing waits for it.
 * After an edge the view is a moment old, and the next look tells.
 */
function secondsUntilAsked(view: VmView, decision: ForwardDecision, now: number): number {
  if (decision.action === 'forward' && decision.why === 'edge') return AFTER_EDGE_SECONDS;
  const due = view.nextDeadline;
  if (due === undefined || !(due.kind in EMPTY_END_REASON)) return Infinity;
  return secondsUntil(Date.parse(due.at) + VIEW_AGE_MS, now);
}

function secondsUntil(at: number, now: number): number {
  return Math.max(URGENT_SECONDS, Math.ceil((at - now) / 1000));
}

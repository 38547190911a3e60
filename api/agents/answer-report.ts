import type { ForwardedState, HttpReport, HttpReportReply } from '../../domain/agent-protocol.ts';
import { EMPTY_END_REASON } from '../../domain/deadlines.ts';
import { FORWARDING, decideForward, type ForwardDecision, type ForwardMemory } from '../../domain/report-forwarding.ts';
import { TIMEOUTS } from '../../domain/timeouts.ts';
import type { VmView } from '../../domain/vm-view.ts';
import { awaitsAssignment } from './sealed-assignment.ts';

/** While something waits for this agent, it reports again this soon. */
const URGENT_SECONDS = 1;
const AFTER_EDGE_SECONDS = 2;
/** A replica knows of a question this long after it was asked. */
const VIEW_AGE_MS = 1000;

export interface ReportAnswer {
  /** The report goes to the workflow before the reply goes out. */
  forward: boolean;
  reply: Omit<HttpReportReply, 'token' | 'assignment'>;
}

/**
 * What an agent's report over HTTP leads to. The agent carries what was last forwarded, so every replica decides
 * alike; the view only has to say whether the workflow waits for a report. `now` in epoch ms.
 */
export function answerReport(report: HttpReport, view: VmView, now: number): ReportAnswer {
  const draining = view.state === 'draining';
  const confirming = view.aliveBecause === 'confirming';
  const kept = { forwarded: report.forwarded, draining };
  if (!report.ready || view.state === 'destroying' || awaitsAssignment(view, report)) {
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
    confirming ? URGENT_SECONDS : Infinity,
    report.connections === 0 ? secondsUntilAsked(view, decision, now) : Infinity,
  );
  if (decision.action === 'wait') return { forward: false, reply: { ...kept, nextReportSeconds } };
  const { sequence, connections, tokens, edgeTokens } = decision.memory;
  return {
    forward: true,
    reply: { forwarded: { sequence, connections, ageMs: 0, tokens, edgeTokens }, draining, nextReportSeconds },
  };
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

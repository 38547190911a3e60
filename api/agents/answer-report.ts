import type { ForwardedState, HttpReport, HttpReportReply } from '../../domain/agent-protocol.ts';
import { decideForward, type ForwardDecision, type ForwardMemory } from '../../domain/report-forwarding.ts';
import { TIMEOUTS } from '../../domain/timeouts.ts';
import type { VmView } from '../../domain/vm-view.ts';

/** While something waits for this agent, it reports again this soon. */
const URGENT_SECONDS = 1;

export interface ReportAnswer {
  /** The report goes to the workflow before the reply goes out. */
  forward: boolean;
  reply: Omit<HttpReportReply, 'token'>;
}

/**
 * What an agent's report over HTTP leads to. The agent carries what was last forwarded, so every replica decides
 * alike; the view only has to say whether the workflow waits for a report. `now` in epoch ms.
 */
export function answerReport(report: HttpReport, view: VmView, now: number): ReportAnswer {
  const draining = view.state === 'draining';
  const confirming = view.aliveBecause === 'confirming';
  const kept = { forwarded: report.forwarded, draining };
  if (!report.ready || view.state === 'destroying') {
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
  const usualSeconds = Math.min(TIMEOUTS.agentReportIntervalSeconds, aliveSeconds);
  const nextReportSeconds = confirming ? URGENT_SECONDS : Math.min(usualSeconds, secondsUntil(decision, now));
  if (decision.action === 'wait') return { forward: false, reply: { ...kept, nextReportSeconds } };
  const { sequence, connections, tokens } = decision.memory;
  return {
    forward: true,
    reply: { forwarded: { sequence, connections, ageMs: 0, tokens }, draining, nextReportSeconds },
  };
}

function memoryOf(forwarded: ForwardedState | null, now: number): ForwardMemory | null {
  if (forwarded === null) return null;
  const { sequence, connections, ageMs, tokens } = forwarded;
  return { sequence, connections, forwardedAt: now - ageMs, tokens };
}

function secondsUntil(decision: ForwardDecision, now: number): number {
  if (decision.action === 'forward') return Infinity;
  return Math.max(URGENT_SECONDS, Math.ceil((decision.at - now) / 1000));
}

import { isCount, type ForwardedState, type HttpReportReply } from '../../../domain/agent/protocol.ts';
import { parseAssignment } from '../../../domain/agent/assignment.ts';
import { TIMEOUTS } from '../../../domain/timeouts.ts';

const SHORTEST_INTERVAL_SECONDS = 0.2;
const LONGEST_INTERVAL_SECONDS = 300;

export interface ExchangeReply {
  token: string;
  nextReportSeconds: number;
}

/** The answer to an exchange, or undefined when it is none. */
export function parseExchangeReply(body: unknown): ExchangeReply | undefined {
  const { token, nextReportSeconds } = fields(body);
  if (typeof token !== 'string' || token === '') return undefined;
  return { token, nextReportSeconds: parseInterval(nextReportSeconds) };
}

/** The answer to a report, or undefined when it is none. */
export function parseReportReply(body: unknown): HttpReportReply | undefined {
  const { nextReportSeconds, forwarded, draining, confirm, token, assignment, assignedBefore, waits, streams } =
    fields(body);
  if (nextReportSeconds === undefined) return undefined;
  const assigned = parseAssignment(assignment);
  return {
    nextReportSeconds: parseInterval(nextReportSeconds),
    forwarded: parseForwarded(forwarded),
    draining: draining === true,
    ...(typeof confirm === 'string' && confirm !== '' ? { confirm } : {}),
    ...(typeof assignedBefore === 'string' ? { assignedBefore } : {}),
    ...(waits === true ? { waits } : {}),
    ...(streams === true ? { streams } : {}),
    ...(typeof token === 'string' && token !== '' ? { token } : {}),
    ...(assigned === undefined ? {} : { assignment: assigned }),
  };
}

function fields(body: unknown): Record<string, unknown> {
  return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
}

function parseInterval(value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) return TIMEOUTS.agentReportIntervalSeconds;
  return Math.min(LONGEST_INTERVAL_SECONDS, Math.max(SHORTEST_INTERVAL_SECONDS, value));
}

function parseForwarded(value: unknown): ForwardedState | null {
  const { sequence, connections, ageMs, tokens, edgeTokens } = fields(value);
  if (!isCount(connections)) return null;
  if (!isAmount(sequence) || !isAmount(ageMs) || !isAmount(tokens)) return null;
  return { sequence, connections, ageMs, tokens, ...(isAmount(edgeTokens) ? { edgeTokens } : {}) };
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

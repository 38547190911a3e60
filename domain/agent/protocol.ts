import { parseAssignmentState, type Assignment, type AssignmentState } from './assignment.ts';

/** The agent link: one message shape on every transport, one JSON object a line. */

/** Agent -> host. */
export interface AgentReport {
  type: 'report';
  /** Grows with every report of a machine, across restarts of the agent. */
  sequence: number;
  connections: number;
  /** The app answers. */
  ready: boolean;
  /** The id of the confirm that this report answers. */
  answers?: string;
  /** What became of its assignment; absent while it has none. */
  assigned?: AssignmentState;
  /** The version of streams that the agent knows (streams/frames.ts); absent: none. */
  streams?: number;
}

/** Host -> agent. */
export type AgentCommand =
  | { type: 'confirm'; id: string }
  | { type: 'drain'; draining: boolean }
  | { type: 'shutdown'; graceSeconds: number }
  /** Answered by the reports that follow; see domain/agent/assignment.ts. */
  | { type: 'assign'; assignment: Assignment };

/** The most connections an agent may claim; above it a report is refused as nonsense. */
export const MAX_CONNECTIONS = 10_000_000;

/** Longest accepted line of an agent, which is a frame of a stream; a longer one closes the link: a guest is untrusted. */
export const MAX_LINE_BYTES = 24 * 1024;

export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_CONNECTIONS;
}

/** The report in a parsed line, or undefined when it is none. */
export function parseAgentReport(value: unknown): AgentReport | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const line = value as Record<string, unknown>;
  if (line['type'] !== 'report' || !isCount(line['connections'])) return undefined;
  if (!Number.isSafeInteger(line['sequence']) || (line['sequence'] as number) < 0) return undefined;
  if (typeof line['ready'] !== 'boolean') return undefined;
  const answers = line['answers'];
  if (answers !== undefined && (typeof answers !== 'string' || answers.length > 64)) return undefined;
  const assigned = parseAssignmentState(line['assigned']);
  return {
    type: 'report',
    sequence: line['sequence'] as number,
    connections: line['connections'],
    ready: line['ready'],
    ...(answers === undefined ? {} : { answers }),
    ...(assigned === undefined ? {} : { assigned }),
    ...(isCount(line['streams']) ? { streams: line['streams'] } : {}),
  };
}

/** What was last forwarded durably to the workflow, and what is left of the budget for changes. */
export interface ForwardedState {
  sequence: number;
  connections: number;
  /** Milliseconds since the forward, by the clock of the API replica that wrote it. */
  ageMs: number;
  /** Changes that may still be forwarded; see report-forwarding.ts. */
  tokens: number;
  /** Times that the last user's leaving may still be forwarded at once; a full bucket where an older agent dropped it. */
  edgeTokens?: number | undefined;
}

/** Body of `POST /v1/agent/report`. The agent carries the forwarding state, so any replica decides alike. */
export interface HttpReport {
  sequence: number;
  connections: number;
  ready: boolean;
  /** Milliseconds since the count last changed. */
  calmMs: number;
  forwarded: ForwardedState | null;
  /** The `confirm` of the last reply, when it had one: the count was taken after that question was asked. */
  answers?: string | undefined;
  /** As in an {@link AgentReport}. */
  assigned?: AssignmentState | undefined;
}

/** Answer to an {@link HttpReport}. */
export interface HttpReportReply {
  nextReportSeconds: number;
  forwarded: ForwardedState | null;
  draining: boolean;
  /** A question that waits for a fresh count; the next report names it in `answers`. */
  confirm?: string;
  /** A new report token when the old one is past half its life. */
  token?: string;
  /** For a machine with sealed input, until its reports say that it has it. */
  assignment?: Assignment;
  /** The machine, where it had its sealed input before and is given it no more: its agent may have kept it. */
  assignedBefore?: string;
  /** The API wants a link for streams (link-messages.ts); an agent that has one keeps it. */
  streams?: boolean;
  /** The machine waits in a pool for its VM: the agent reports on, though it has nothing to say. */
  waits?: boolean;
}

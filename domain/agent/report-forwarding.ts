/**
 * Which agent reports become signals: the one rule, used by the host worker for channels and by
 * the API for HTTP reports. An edge (0 <-> nonzero) goes at once; another change after a second of calm, out
 * of a bucket; and a sign of life at half the silence time-out.
 *
 * A guest is untrusted, and one that goes to and fro between 0 and 1 must not cost a signal each time. So leaving
 * takes a token of its own, from a bucket that ordinary use never empties. Coming takes none: it can only follow a
 * leaving that was forwarded, and a VM that is used must be known to be used at once. While the bucket is empty
 * the workflow believes the VM used for a little longer than it is, never the other way round.
 */
export const FORWARDING = {
  calmMs: 1000,
  bucketSize: 10,
  refillMs: 100_000,
  edgeBucketSize: 20,
  edgeRefillMs: 30_000,
} as const;

/** What a forwarder remembers of one machine. Times are milliseconds of the forwarder's clock. */
export interface ForwardMemory {
  sequence: number;
  connections: number;
  forwardedAt: number;
  /** Changes that may be forwarded. */
  tokens: number;
  /** Times that the last user's leaving may be forwarded at once. */
  edgeTokens: number;
}

export interface ForwardInput {
  /** Null before the first forward. */
  memory: ForwardMemory | null;
  report: { sequence: number; connections: number };
  /** When the count last changed, at the agent. */
  changedAt: number;
  now: number;
  silenceTimeoutSeconds: number;
  /** The workflow waits for a report before it destroys: forward whatever comes. */
  confirming: boolean;
}

export type ForwardDecision =
  | { action: 'forward'; why: 'first' | 'edge' | 'confirm' | 'change' | 'alive'; memory: ForwardMemory }
  /**
   * Nothing now; look again at `at` with the latest report. A time in the past means that a sign of life is overdue
   * and only a newer report can be it: ask the agent, and do not look again at once.
   */
  | { action: 'wait'; at: number };

/** The memory of a forwarder whose first forward is this. */
export function firstMemory(report: { sequence: number; connections: number }, now: number): ForwardMemory {
  const { sequence, connections } = report;
  const { bucketSize: tokens, edgeBucketSize: edgeTokens } = FORWARDING;
  return { sequence, connections, forwardedAt: now, tokens, edgeTokens };
}

/** Decides what to do with the latest report of a machine. */
export function decideForward(input: ForwardInput): ForwardDecision {
  const { report, now } = input;
  if (input.memory === null) return { action: 'forward', why: 'first', memory: firstMemory(report, now) };
  const memory = refilled(input.memory, now);
  const aliveAt = memory.forwardedAt + (input.silenceTimeoutSeconds * 1000) / 2;
  if (report.sequence <= memory.sequence) return { action: 'wait', at: aliveAt };
  const [wasUsed, isUsed] = [memory.connections > 0, report.connections > 0];
  if (!wasUsed && isUsed) return forward(input, 'edge', memory);
  if (wasUsed && !isUsed && memory.edgeTokens >= 1) {
    return forward(input, 'edge', { ...memory, edgeTokens: memory.edgeTokens - 1 });
  }
  if (input.confirming) return forward(input, 'confirm', memory);
  if (now >= aliveAt) return forward(input, 'alive', memory);
  if (report.connections === memory.connections) return { action: 'wait', at: aliveAt };
  if (!isUsed)
    return { action: 'wait', at: Math.min(aliveAt, tokenAt(memory.edgeTokens, now, FORWARDING.edgeRefillMs)) };
  const calmAt = input.changedAt + FORWARDING.calmMs;
  const at = Math.min(aliveAt, Math.max(calmAt, tokenAt(memory.tokens, now, FORWARDING.refillMs)));
  if (at > now) return { action: 'wait', at };
  return forward(input, 'change', { ...memory, tokens: Math.max(0, memory.tokens - 1) });
}

function forward(
  { report: { sequence, connections }, now }: ForwardInput,
  why: Extract<ForwardDecision, { action: 'forward' }>['why'],
  { tokens, edgeTokens }: ForwardMemory,
): ForwardDecision {
  return { action: 'forward', why, memory: { sequence, connections, forwardedAt: now, tokens, edgeTokens } };
}

/** When a bucket holds a token again, in whole milliseconds; `now` when it does. */
function tokenAt(tokens: number, now: number, refillMs: number): number {
  return tokens >= 1 ? now : now + Math.ceil((1 - tokens) * refillMs);
}

function refilled(memory: ForwardMemory, now: number): ForwardMemory {
  const sinceMs = Math.max(0, now - memory.forwardedAt);
  const { bucketSize, refillMs, edgeBucketSize, edgeRefillMs } = FORWARDING;
  return {
    ...memory,
    tokens: Math.min(bucketSize, memory.tokens + sinceMs / refillMs),
    edgeTokens: Math.min(edgeBucketSize, memory.edgeTokens + sinceMs / edgeRefillMs),
  };
}

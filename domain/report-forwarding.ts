/**
 * Which agent reports become signals (design §5): the one rule, used by the host worker for channels and by
 * the API for HTTP reports. An edge (0 <-> nonzero) goes at once; another change after a second of calm, out
 * of a bucket; and a sign of life at half the silence time-out.
 */
export const FORWARDING = {
  calmMs: 1000,
  bucketSize: 10,
  refillMs: 100_000,
} as const;

/** What a forwarder remembers of one machine. Times are milliseconds of the forwarder's clock. */
export interface ForwardMemory {
  sequence: number;
  connections: number;
  forwardedAt: number;
  tokens: number;
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

/** Decides what to do with the latest report of a machine. */
export function decideForward(input: ForwardInput): ForwardDecision {
  const { memory, report, now } = input;
  if (memory === null) return forward(input, 'first', FORWARDING.bucketSize);
  const tokens = refilled(memory, now);
  const aliveAt = memory.forwardedAt + (input.silenceTimeoutSeconds * 1000) / 2;
  if (report.sequence <= memory.sequence) return { action: 'wait', at: aliveAt };
  if (memory.connections > 0 !== report.connections > 0) return forward(input, 'edge', tokens);
  if (input.confirming) return forward(input, 'confirm', tokens);
  if (now >= aliveAt) return forward(input, 'alive', tokens);
  if (report.connections === memory.connections) return { action: 'wait', at: aliveAt };
  const calmAt = input.changedAt + FORWARDING.calmMs;
  const tokenAt = tokens >= 1 ? now : now + (1 - tokens) * FORWARDING.refillMs;
  const at = Math.min(aliveAt, Math.max(calmAt, tokenAt));
  return at <= now ? forward(input, 'change', Math.max(0, tokens - 1)) : { action: 'wait', at: Math.ceil(at) };
}

function forward(
  { report, now }: ForwardInput,
  why: Extract<ForwardDecision, { action: 'forward' }>['why'],
  tokens: number,
): ForwardDecision {
  return { action: 'forward', why, memory: { ...report, forwardedAt: now, tokens } };
}

function refilled(memory: ForwardMemory, now: number): number {
  const earned = Math.max(0, now - memory.forwardedAt) / FORWARDING.refillMs;
  return Math.min(FORWARDING.bucketSize, memory.tokens + earned);
}

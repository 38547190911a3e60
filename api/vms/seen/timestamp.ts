/** Protobuf's time as Temporal's service sends it. */
export interface Timestamp {
  seconds?: unknown;
  nanos?: number | null;
}

/** Epoch ms, or undefined where none is set: an empty timestamp, and any before our time. */
export function epochMsOf(time: Timestamp | null | undefined): number | undefined {
  if (!time) return undefined;
  const ms = Number(time.seconds ?? 0) * 1000 + Math.floor((time.nanos ?? 0) / 1e6);
  return ms > 0 ? ms : undefined;
}

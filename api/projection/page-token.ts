import type { Position } from './sorted-records.ts';

/** Base 36 of the epoch ms at which the VM was created, then its name. */
export const PAGE_TOKEN = /^([0-9a-z]{1,10})-([a-z]([a-z0-9-]{0,61}[a-z0-9])?)$/;

/** A page token is a cursor, the position of the last VM shown: VMs that come or go never shift the next page. */
export function pageTokenOf({ createdAt, name }: Position): string {
  return `${Date.parse(createdAt).toString(36)}-${name}`;
}

/** The position in a token, or undefined when it is none. */
export function positionOf(token: string): Position | undefined {
  const [, time, name] = PAGE_TOKEN.exec(token) ?? [];
  if (time === undefined || name === undefined) return undefined;
  // Past the end of time is past every VM.
  const epochMs = Math.min(Number.parseInt(time, 36), 8.64e15);
  return { createdAt: new Date(epochMs).toISOString(), name };
}

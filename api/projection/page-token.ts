import type { Position } from './sorted-records.ts';

/** A page token is a cursor, the position of the last VM shown: VMs that come or go never shift the next page. */
export function pageTokenOf({ createdAt, name }: Position): string {
  return Buffer.from(`${createdAt} ${name}`).toString('base64url');
}

/** The position in a token, or undefined when no list gave it. */
export function positionOf(token: string): Position | undefined {
  const [createdAt, name, ...rest] = Buffer.from(token, 'base64url').toString('utf8').split(' ');
  if (!createdAt || !name || rest.length > 0 || Number.isNaN(Date.parse(createdAt))) return undefined;
  return { createdAt, name };
}

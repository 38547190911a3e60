/** Signals to the workflow of a template: a Temporal CLI may send anything, so each part is looked at. */
import { isRecord } from '../untrusted.ts';
import type { CreateOutcome } from './events.ts';
import { REUSE_NAMES, type TemplateContent } from './state.ts';

/** Argument of the signal `put`. */
export interface PutTemplate {
  content: TemplateContent;
  contentHash: string;
  putId: string;
  createdBy: string;
}

/** Argument of the signal `createEnded`, which a VM sends. */
export interface CreateEnded {
  version: number;
  outcome: CreateOutcome;
}

const MAX_DETAIL_CHARACTERS = 500;

export function isPutTemplate(value: unknown): value is PutTemplate {
  if (!isRecord(value) || !isRecord(value['content'])) return false;
  const { spec, reuse, warm, rollIdle, pool } = value['content'];
  return (
    [value['contentHash'], value['putId'], value['createdBy']].every((text) => typeof text === 'string') &&
    isRecord(spec) &&
    REUSE_NAMES.some((name) => name === reuse) &&
    (warm === null || isRecord(warm)) &&
    (rollIdle === undefined || rollIdle === true) &&
    (pool === undefined || (isRecord(pool) && isRecord(pool['spec']) && typeof pool['signature'] === 'string'))
  );
}

/** The version in the argument of the signal `firstWarm`, which a pool sends; undefined where there is none. */
export function firstWarmOf(value: unknown): number | undefined {
  return isRecord(value) && Number.isSafeInteger(value['version']) ? (value['version'] as number) : undefined;
}

/** The message, or undefined where it is none; a long detail is cut off. */
export function createEndedOf(value: unknown): CreateEnded | undefined {
  if (!isRecord(value) || !Number.isSafeInteger(value['version']) || !isRecord(value['outcome'])) return undefined;
  const { name, detail } = value['outcome'];
  const version = value['version'] as number;
  if (name === 'ready') return { version, outcome: { name } };
  if (name !== 'failed' || typeof detail !== 'string') return undefined;
  return { version, outcome: { name, detail: detail.slice(0, MAX_DETAIL_CHARACTERS) } };
}

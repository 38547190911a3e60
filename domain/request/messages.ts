/** Signals of the workflow of requests: a Temporal CLI may send anything, so each part is looked at. */
import { isRecord } from '../untrusted.ts';
import type { AcceptedRequest } from './state.ts';

const MAX_TEXT_CHARACTERS = 200;

/** The request, or undefined where it is none: whether the API made it is found out when it is opened. */
export function acceptedRequestOf(value: unknown): AcceptedRequest | undefined {
  if (!isRecord(value)) return undefined;
  const { sealed, acceptedAt, expiresAt } = value;
  const [id, operation, createdBy, fingerprint] = ['id', 'operation', 'createdBy', 'fingerprint'].map((name) =>
    textOf(value[name]),
  );
  if (id === undefined || operation === undefined || createdBy === undefined || fingerprint === undefined) {
    return undefined;
  }
  if (typeof sealed !== 'string' || !isTime(acceptedAt) || !isTime(expiresAt)) return undefined;
  return { id, operation, createdBy, sealed, fingerprint, acceptedAt, expiresAt };
}

export function requestIdOf(value: unknown): string | undefined {
  return isRecord(value) ? textOf(value['id']) : undefined;
}

function textOf(value: unknown): string | undefined {
  const isText = typeof value === 'string' && value !== '' && value.length <= MAX_TEXT_CHARACTERS;
  return isText ? value : undefined;
}

/** Epoch ms that can be written as a date. */
function isTime(value: unknown): value is number {
  return typeof value === 'number' && !Number.isNaN(new Date(value).getTime());
}

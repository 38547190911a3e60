/**
 * The one place where an error of the client, or of an operation, gets a meaning. The client's errors come in two
 * shapes: version 7 has a gRPC `code` beside `httpStatusCode`; version 6, and an authentication that fails, have
 * the HTTP status as `code` and a system error such as `ECONNRESET`. Google's JSON body is in `errors`, or raw.
 */
import type { ProviderError } from '../../../domain/machine/provider-error.ts';
import {
  CloudFailure,
  kindOfStatus,
  providerErrorOf,
  type FailureContext,
  type FailureKind,
} from '../../cloud/cloud-failure.ts';
import type { OperationResource } from './compute-api.ts';

/** gRPC codes that arrive without an HTTP status: no answer came, or not in time. */
const NO_ANSWER_CODES = new Set([1, 4, 14]);

const RATE_REASONS = new Set(['rateLimitExceeded', 'userRateLimitExceeded', 'RATE_LIMIT_EXCEEDED']);
const CAPACITY_REASONS = new Set([
  'quotaExceeded',
  'QUOTA_EXCEEDED',
  'ZONE_RESOURCE_POOL_EXHAUSTED',
  'ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS',
  'STOCKOUT',
  'RESOURCE_POOL_EXHAUSTED',
  'UNSUPPORTED_OPERATION_STOCKOUT',
]);

/** What a rejected call of the client means. */
export function failureOfCall(error: unknown): CloudFailure {
  if (error instanceof CloudFailure) return error;
  const status = httpStatusOf(error);
  const { reason, message } = googleError(error);
  if (status === undefined) {
    const kind = isUnreachable(error) ? 'unavailable' : 'permission';
    return new CloudFailure(kind, reason, message, { cause: error });
  }
  return new CloudFailure(kindOf(status, reason), reason, message, { cause: error });
}

/** What an operation's error means, or undefined when it succeeded. It must be DONE. */
export function failureOfOperation(operation: OperationResource): CloudFailure | undefined {
  const [first] = operation.error?.errors ?? [];
  const status = operation.httpErrorStatusCode ?? 0;
  if (first === undefined && status === 0) return undefined;
  const reason = first?.code ?? operation.httpErrorMessage ?? 'unknown';
  const message = first?.message ?? operation.httpErrorMessage ?? 'the operation failed without a word';
  const kind = OPERATION_KIND[reason] ?? kindOf(status === 0 ? 400 : status, reason);
  return new CloudFailure(kind, reason, message, { settled: true });
}

const OPERATION_KIND: Readonly<Record<string, FailureKind>> = {
  RESOURCE_NOT_FOUND: 'notFound',
  RESOURCE_ALREADY_EXISTS: 'exists',
  RESOURCE_NOT_READY: 'notReady',
  CONDITION_NOT_MET: 'fingerprint',
  RESOURCE_IN_USE_BY_ANOTHER_RESOURCE: 'notReady',
  RESOURCE_OPERATION_RATE_EXCEEDED: 'rateLimited',
  RATE_LIMIT_EXCEEDED: 'rateLimited',
  INTERNAL_ERROR: 'unavailable',
  SERVICE_UNAVAILABLE: 'unavailable',
  PERMISSIONS_ERROR: 'permission',
  PERMISSION_DENIED: 'permission',
};

function kindOf(status: number, reason: string): FailureKind {
  if (RATE_REASONS.has(reason)) return 'rateLimited';
  if (CAPACITY_REASONS.has(reason)) return 'noCapacity';
  if (reason === 'resourceNotReady' || reason === 'resourceInUseByAnotherResource') return 'notReady';
  if (reason === 'alreadyExists') return 'exists';
  return kindOfStatus(status);
}

function httpStatusOf(error: unknown): number | undefined {
  const { httpStatusCode, code, status } = asRecord(error);
  for (const candidate of [httpStatusCode, status, code, Number(code)]) {
    if (typeof candidate === 'number' && candidate >= 300 && candidate < 600) return candidate;
  }
  return undefined;
}

/** No answer came: reset, refused, timed out. Credentials that cannot be had look the same but for their text. */
function isUnreachable(error: unknown): boolean {
  if (/default credentials|invalid_grant|could not refresh access token/i.test(textOf(error))) return false;
  const { code } = asRecord(error);
  return typeof code === 'number' ? NO_ANSWER_CODES.has(code) : true;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : '';
}

const RAW_BODY = Symbol.for('google-gax.rawHttpResponsePayload');

function googleError(error: unknown): { reason: string; message: string } {
  const record = asRecord(error);
  const raw = (error as { [RAW_BODY]?: unknown } | null)?.[RAW_BODY];
  const body = asRecord(asRecord(typeof raw === 'string' ? parsed(raw) : raw)['error']);
  const errors = [body['errors'], record['errors']].find(Array.isArray) as unknown[] | undefined;
  const { reason, message } = asRecord(errors?.[0]);
  return {
    reason: [reason, record['reason']].find((word) => typeof word === 'string') ?? '',
    message:
      [message, body['message'], record['message']].find((word) => typeof word === 'string' && word !== '') ??
      'no message',
  } as { reason: string; message: string };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** The provider's error for a failure, with a message that says which permission or field is wrong. */
export function asProviderError(failure: CloudFailure, { doing }: Pick<FailureContext, 'doing'>): ProviderError {
  const isImage = failure.kind === 'notFound' && failure.message.includes('/images/');
  const mapped = { doing, hint: hint(failure) };
  return providerErrorOf(failure, isImage ? { ...mapped, code: 'imageUnknown' } : mapped);
}

function hint({ kind, message }: CloudFailure): string {
  if (kind === 'permission') {
    const permission = /[a-z]+(\.[a-zA-Z]+){2,}/.exec(message)?.[0];
    return permission === undefined ? 'credentials or API access: ' : `permission ${permission} is missing: `;
  }
  if (kind === 'badRequest') {
    const field = /field '(?:resource\.)?([^']+)'/.exec(message)?.[1];
    return field === undefined ? '' : `field ${field}: `;
  }
  return '';
}

/** What can go wrong with a cloud, the same for each: a provider maps its client's errors to these kinds in one place. */
import type { ProviderErrorCode } from '../../domain/machine/error-codes.ts';
import { ProviderError } from '../../domain/machine/provider-error.ts';

export type FailureKind =
  | 'rateLimited'
  | 'unavailable'
  | 'noCapacity'
  | 'permission'
  | 'notFound'
  | 'exists'
  | 'fingerprint'
  | 'notReady'
  | 'badRequest';

export interface FailureOptions {
  cause?: unknown;
  settled?: boolean;
  retryAfterMs?: number | undefined;
}

/** A call or an operation of a cloud that failed, with what that means whatever the cloud. */
export class CloudFailure extends Error {
  override readonly name = 'CloudFailure';
  readonly kind: FailureKind;
  /** The cloud's own word for it. */
  readonly reason: string;
  /** An operation ended with it: nothing of that operation can still happen. */
  readonly settled: boolean;
  /** How long the cloud asks its callers to wait before the same call can succeed; absent where it says nothing. */
  readonly retryAfterMs: number | undefined;

  constructor(kind: FailureKind, reason: string, message: string, options?: FailureOptions) {
    super(message, options);
    this.settled = options?.settled ?? false;
    this.retryAfterMs = options?.retryAfterMs;
    this.kind = kind;
    this.reason = reason;
  }

  /** True when the same call may succeed in a moment. */
  get passes(): boolean {
    return this.kind === 'rateLimited' || this.kind === 'unavailable';
  }
}

const BY_STATUS: Readonly<Record<number, FailureKind>> = {
  400: 'badRequest',
  401: 'permission',
  403: 'permission',
  404: 'notFound',
  408: 'unavailable',
  409: 'exists',
  412: 'fingerprint',
  429: 'rateLimited',
};

/** What an HTTP status means where the cloud gives no better reason. */
export function kindOfStatus(status: number): FailureKind {
  // A success that nobody could read: it was cut off, or is somebody else's.
  if (status >= 500 || status < 400) return 'unavailable';
  return BY_STATUS[status] ?? 'badRequest';
}

/**
 * How long an answer asks its caller to wait: `retry-after` is seconds or a date (RFC 9110, 10.2.3); `ratelimit-reset` is
 * seconds or a Unix time, and counts only where `ratelimit-remaining` is 0: it is there in every answer. Undefined where
 * neither says anything.
 */
export function retryAfterMsOf(header: (name: string) => string | null | undefined, nowMs: number): number | undefined {
  const text = header('retry-after') ?? (header('ratelimit-remaining') === '0' ? header('ratelimit-reset') : undefined);
  if (text === null || text === undefined || text.trim() === '') return undefined;
  const number = Number(text);
  if (Number.isNaN(number)) {
    const at = Date.parse(text);
    return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
  }
  return Math.max(0, number > LEAST_UNIX_SECONDS ? number * 1000 - nowMs : number * 1000);
}

/** Of 2001: no cloud asks for a pause of thirty years. */
const LEAST_UNIX_SECONDS = 1_000_000_000;

/** What was being done when a call failed; completes the message that people read. */
export interface FailureContext {
  /** `create m-1 in us-central1-a`. */
  doing: string;
  /** What to look at, before the cloud's own message. */
  hint?: string;
  /** A better code than that of the kind. */
  code?: ProviderErrorCode;
}

const PROVIDER_CODE: Readonly<Record<FailureKind, ProviderErrorCode>> = {
  rateLimited: 'rateLimited',
  unavailable: 'backendUnavailable',
  noCapacity: 'noCapacity',
  permission: 'permissionDenied',
  notFound: 'badSpec',
  exists: 'badSpec',
  fingerprint: 'backendUnavailable',
  notReady: 'backendUnavailable',
  badRequest: 'badSpec',
};

/** The provider's error for a failure. */
export function providerErrorOf(failure: CloudFailure, { doing, hint = '', code }: FailureContext): ProviderError {
  const message = `${doing}: ${hint}${failure.message}`;
  return new ProviderError(code ?? PROVIDER_CODE[failure.kind], message, { cause: failure });
}

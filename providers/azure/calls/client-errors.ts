/** The one place where an error of the clients, or what a resource says of its failure, gets a meaning. */
import { CloudFailure, kindOfStatus, retryAfterMsOf, type FailureKind } from '../../cloud/cloud-failure.ts';

const BY_CODE: Readonly<Record<string, FailureKind>> = {
  AllocationFailed: 'noCapacity',
  ZonalAllocationFailed: 'noCapacity',
  OverconstrainedAllocationRequest: 'noCapacity',
  OverconstrainedZonalAllocationRequest: 'noCapacity',
  SkuNotAvailable: 'noCapacity',
  QuotaExceeded: 'noCapacity',
  ResourceQuotaExceeded: 'noCapacity',
  PublicIPCountLimitReached: 'noCapacity',
  NetworkInterfaceCountLimitReached: 'noCapacity',
  SubnetIsFull: 'noCapacity',
  TooManyRequests: 'rateLimited',
  SubscriptionRequestsThrottled: 'rateLimited',
  ResourceRequestsThrottled: 'rateLimited',
  AuthorizationFailed: 'permission',
  LinkedAuthorizationFailed: 'permission',
  ResourceGroupNotFound: 'permission',
  SubscriptionNotFound: 'permission',
  InvalidAuthenticationTokenTenant: 'permission',
  ResourceNotFound: 'notFound',
  NotFound: 'notFound',
  ParentResourceNotFound: 'notFound',
  AnotherOperationInProgress: 'notReady',
  Conflict: 'notReady',
  NicInUse: 'notReady',
  NicReservedForAnotherVm: 'notReady',
  PublicIPAddressCannotBeDeleted: 'notReady',
  PublicIPAddressInUse: 'notReady',
  ResourceNotReady: 'notReady',
  // Another call was faster, or a part is still being made: what is there is looked at and tried again.
  ReferencedResourceNotProvisioned: 'unavailable',
  RetryableError: 'unavailable',
  RetryableErrorDueToAnotherOperation: 'unavailable',
  OperationPreempted: 'unavailable',
  InternalServerError: 'unavailable',
  InternalOperationError: 'unavailable',
  InternalExecutionError: 'unavailable',
  PreconditionFailed: 'fingerprint',
};

/** Words of @azure/identity for credentials that cannot be had. */
const NO_CREDENTIALS = new Set([
  'CredentialUnavailableError',
  'AuthenticationError',
  'AggregateAuthenticationError',
  'AuthenticationRequiredError',
]);

/** What a rejected call of the clients means. The error itself stays behind: it carries what was sent. */
export function failureOfCall(error: unknown): CloudFailure {
  if (error instanceof CloudFailure) return error;
  const { name, message, code, statusCode } = asRecord(error);
  const words = typeof message === 'string' && message !== '' ? message : 'no message';
  const reason = typeof code === 'string' ? code : '';
  if (typeof name === 'string' && NO_CREDENTIALS.has(name)) {
    return new CloudFailure(kindOfNoToken(statusCode), name, words);
  }
  if (typeof statusCode !== 'number') return new CloudFailure('unavailable', reason, words);
  return new CloudFailure(kindOf(statusCode, reason, words), reason, withCode(reason, words), waitOf(error));
}

/** What the words of a failed resource mean: `AllocationFailed` of `ProvisioningState/failed/AllocationFailed`. */
export function failureOfState(reason: string, message: string): CloudFailure {
  return new CloudFailure(kindOf(400, reason, message), reason, withCode(reason, message), { settled: true });
}

/** Who gives tokens may be down or slow as anything else, and no permission is missing then. */
function kindOfNoToken(status: unknown): FailureKind {
  const kind = typeof status === 'number' ? kindOfStatus(status) : 'permission';
  return kind === 'unavailable' || kind === 'rateLimited' ? kind : 'permission';
}

function kindOf(status: number, reason: string, message: string): FailureKind {
  if (status === 429) return 'rateLimited';
  // Azure says what it has not found. A gateway's page is not about anything of ours.
  if (status === 404 && reason === '') return 'unavailable';
  if (reason === 'OperationNotAllowed') return kindOfNotAllowed(message);
  const known = BY_CODE[reason];
  if (known !== undefined) return known;
  if (/QuotaExceeded|CountLimit|LimitReached/i.test(reason)) return 'noCapacity';
  return status === 409 ? 'notReady' : kindOfStatus(status);
}

/** One code for three things: a quota that is used up, a moment that is wrong, and a request that never works. */
function kindOfNotAllowed(message: string): FailureKind {
  if (/quota|limit/i.test(message)) return 'noCapacity';
  return /marked for deletion|is attached to|in progress|is being|currently|retry/i.test(message)
    ? 'notReady'
    : 'badRequest';
}

function withCode(reason: string, message: string): string {
  return reason === '' || message.includes(reason) ? message : `${reason}: ${message}`;
}

/** How long the answer asks its callers to wait. */
function waitOf(error: unknown): { retryAfterMs?: number | undefined } {
  const { headers } = asRecord(asRecord(error)['response']) as { headers?: { get?: (name: string) => string } };
  return { retryAfterMs: retryAfterMsOf((name) => headers?.get?.(name), Date.now()) };
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** What EC2's error codes mean, in one place; the codes are those of its documentation. */
import type { StateReason } from '@aws-sdk/client-ec2';
import { CloudFailure, kindOfStatus, type FailureKind } from '../../cloud/cloud-failure.ts';

const CODES: Readonly<Record<string, readonly string[]>> = {
  rateLimited: [
    'RequestLimitExceeded',
    'Throttling',
    'ThrottlingException',
    'ThrottledException',
    'RequestThrottled',
    'RequestThrottledException',
    'TooManyRequestsException',
    'EC2ThrottledException',
    'ConcurrentSnapshotLimitExceeded',
    'ConcurrentTagAccess',
    'ResourceCountExceeded',
  ],
  noCapacity: [
    'InsufficientInstanceCapacity',
    'InsufficientHostCapacity',
    'InsufficientReservedInstanceCapacity',
    'InsufficientCapacity',
    'InsufficientVolumeCapacity',
    'InsufficientAddressCapacity',
    'InsufficientFreeAddressesInSubnet',
    'UnfulfillableCapacity',
    'InstanceLimitExceeded',
    'VcpuLimitExceeded',
    'MaxSpotInstanceCountExceeded',
    'SpotMaxPriceTooLow',
    'VolumeLimitExceeded',
    'MaxIOPSLimitExceeded',
    'NetworkInterfaceLimitExceeded',
    'PrivateIpAddressLimitExceeded',
    'SnapshotLimitExceeded',
    // This type is not in this zone.
    'Unsupported',
  ],
  unavailable: [
    'InternalError',
    'InternalFailure',
    'ServiceUnavailable',
    'Unavailable',
    'RequestTimeout',
    // The clock of this computer jumped; the client has set its own by the answer.
    'RequestExpired',
  ],
  permission: [
    'UnauthorizedOperation',
    'AuthFailure',
    'AccessDenied',
    'Blocked',
    'PendingVerification',
    'OptInRequired',
    'InvalidClientTokenId',
    'MissingAuthenticationToken',
    'SignatureDoesNotMatch',
    'ExpiredToken',
    'CredentialsProviderError',
    'TokenProviderError',
  ],
  exists: ['InvalidAMIName.Duplicate', 'IdempotentParameterMismatch'],
  notReady: [
    'IncorrectInstanceState',
    'IncorrectState',
    'InvalidAMIID.Unavailable',
    'InvalidSnapshot.InUse',
    'ResourceInUse',
  ],
} satisfies Partial<Record<FailureKind, readonly string[]>>;

const KIND_OF_CODE: ReadonlyMap<string, FailureKind> = new Map(
  Object.entries(CODES).flatMap(([kind, codes]) => codes.map((code) => [code, kind as FailureKind] as const)),
);

/** A call with the token of an instance that was terminated. */
export const TOKEN_ENDED = 'IdempotentInstanceTerminated';
/** A call with the token of another call. */
export const TOKEN_TAKEN = 'IdempotentParameterMismatch';

/** What an instance says that EC2 had accepted and could not launch; the codes are those of its `StateReason`. */
const NOT_LAUNCHED: Readonly<Record<string, FailureKind>> = {
  'Server.InsufficientInstanceCapacity': 'noCapacity',
  'Client.VolumeLimitExceeded': 'noCapacity',
  'Server.InternalError': 'unavailable',
};

/** Undefined where the instance has ended for another reason. */
export function failureOfLaunch({ Code = '', Message = Code }: StateReason): CloudFailure | undefined {
  const kind = NOT_LAUNCHED[Code];
  return kind === undefined ? undefined : new CloudFailure(kind, Code, Message, { settled: true });
}

/** The list of an answer. An empty list is there, so without one the answer is none of EC2's, or nothing came of it. */
export function listOf<Item>(list: Item[] | undefined): Item[] {
  if (list !== undefined) return list;
  throw new CloudFailure('unavailable', 'noList', 'an answer came without its list');
}

/** What a rejected call of the client means. */
export function failureOfCall(error: unknown): CloudFailure {
  if (error instanceof CloudFailure) return error;
  const { name = '', message = '', $metadata } = asRecord(error);
  const code = typeof name === 'string' ? name : '';
  const status = asRecord($metadata)['httpStatusCode'];
  const text = typeof message === 'string' && message !== '' ? message : 'no message';
  return new CloudFailure(kindOf(code, status), code, text, { cause: error });
}

function kindOf(code: string, status: unknown): FailureKind {
  const known = KIND_OF_CODE.get(code);
  if (known !== undefined) return known;
  if (code.endsWith('.NotFound') || code.endsWith('.Unknown')) return 'notFound';
  // No answer came: reset, refused, timed out. Nor is 404 one of EC2's, but a gateway's.
  return typeof status === 'number' && status !== 404 ? kindOfStatus(status) : 'unavailable';
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

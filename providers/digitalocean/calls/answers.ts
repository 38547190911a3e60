/** The one place where an answer of DigitalOcean, or none, gets a meaning. */
import {
  CloudFailure,
  kindOfStatus,
  providerErrorOf,
  retryAfterMsOf,
  type FailureContext,
  type FailureKind,
} from '../../cloud/cloud-failure.ts';
import type { ProviderError } from '../../../domain/machine/provider-error.ts';
import type { RequestConfig } from './digitalocean-api.ts';

/** What an answer says of the requests that may still be made. */
export interface RateLimit {
  limit: number;
  remaining: number;
  /** When the oldest request that counts stops counting; epoch ms. */
  resetAtMs: number;
}

/** An answer that is no success, as it came. */
class Refusal extends Error {
  readonly failure: CloudFailure;

  constructor(failure: CloudFailure) {
    super(failure.message);
    this.failure = failure;
  }
}

/**
 * Makes a call of the client hand over its answer as it came: of that the client would make objects, and cannot of lists of
 * texts (decision 0095), and it would keep the headers to itself. `note` hears of the rate limit.
 */
export function plainAnswers(note: (rate: RateLimit) => void): RequestConfig {
  const handleResponse = async (response: unknown): Promise<unknown> => {
    const { status, headers, body } = await read(response as Response);
    const rate = rateLimitOf(headers);
    if (rate !== undefined) note(rate);
    if (status < 300) return body;
    throw new Refusal(failureOfAnswer(status, body, headers, Date.now()));
  };
  return { options: [{ getKey: () => 'ResponseHandlerOptionKey', responseHandler: { handleResponse } }] };
}

async function read(response: Response): Promise<{ status: number; headers: Headers; body: unknown }> {
  const { status, headers } = response;
  const text = await response.text();
  if (text === '') return { status, headers, body: undefined };
  try {
    return { status, headers, body: JSON.parse(text) as unknown };
  } catch {
    // A gateway before the API answers with a page for people. Of a success it would be half an answer.
    if (status < 300) throw new CloudFailure('unavailable', 'notJson', 'the answer was cut off');
    return { status, headers, body: undefined };
  }
}

function rateLimitOf(headers: Headers): RateLimit | undefined {
  const [limit, remaining, reset] = ['limit', 'remaining', 'reset'].map((word) => headers.get(`ratelimit-${word}`));
  const numbers = [limit, remaining, reset].map((text) => (text === null ? NaN : Number(text)));
  if (numbers.some(Number.isNaN)) return undefined;
  return { limit: Number(limit), remaining: Number(remaining), resetAtMs: Number(reset) * 1000 };
}

/** What an answer that is no success means. `nowMs` in epoch ms. */
export function failureOfAnswer(status: number, body: unknown, headers: Headers, nowMs: number): CloudFailure {
  const { id, message } = (body ?? {}) as { id?: unknown; message?: unknown };
  const reason = typeof id === 'string' ? id : String(status);
  const text = typeof message === 'string' && message !== '' ? message : `HTTP ${status}`;
  const retryAfterMs =
    status === 429 || status === 503 ? retryAfterMsOf((name) => headers.get(name), nowMs) : undefined;
  // DigitalOcean says `not_found`. A gateway's page is not about anything of ours.
  const kind = status === 404 && typeof id !== 'string' ? 'unavailable' : kindOf(status, text);
  const hint = kind === 'permission' ? 'the token of DigitalOcean, or what it may do (its scopes): ' : '';
  return new CloudFailure(kind, reason, `${hint}${text}`, { retryAfterMs });
}

/** No answer came: refused, reset, or not in time. */
export function failureOfCall(error: unknown): CloudFailure {
  if (error instanceof Refusal) return error.failure;
  if (error instanceof CloudFailure) return error;
  const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
  const message = error instanceof Error ? `${error.message}${cause}` : 'no answer';
  return new CloudFailure('unavailable', 'noAnswer', message, { cause: error });
}

/** What 422 is about stands in its message alone. */
const BUSY = /pending event|in progress|locked|currently (on|off|being)|already (on|off|powered)/i;
const NO_ROOM =
  /not available in (this|the selected|that) region|region is not available|out of capacity|no capacity|currently unavailable|sold out|exceed your droplet limit|droplet limit|reserved IP limit|unavailable in region/i;

function kindOf(status: number, message: string): FailureKind {
  if (status !== 422 && status !== 400 && status !== 403) return kindOfStatus(status);
  if (NO_ROOM.test(message)) return 'noCapacity';
  if (status !== 403 && BUSY.test(message)) return 'notReady';
  return status === 422 ? 'badRequest' : kindOfStatus(status);
}

/** The fields of a create whose names DigitalOcean puts into its messages, and the spec's field that each comes from. */
const FIELDS: readonly (readonly [RegExp, string])[] = [
  [/\bregion\b/i, 'zones'],
  [/\bsize\b/i, 'machineType'],
  [/\bimage\b/i, 'image'],
  [/\bvpc/i, 'network'],
  [/\btags?\b/i, 'labels'],
  [/\buser_?data\b/i, 'userData'],
];

/** The provider's error for a create that is refused, where that is better known than by the kind of the failure. */
export function refusedCreate(failure: CloudFailure, doing: string): ProviderError | undefined {
  if (failure.kind !== 'badRequest' && failure.kind !== 'notFound') return undefined;
  const field = FIELDS.find(([pattern]) => pattern.test(failure.message))?.[1];
  if (field === undefined) return undefined;
  const context: FailureContext = { doing, hint: `field ${field}: ` };
  return providerErrorOf(failure, field === 'image' ? { ...context, code: 'imageUnknown' } : context);
}

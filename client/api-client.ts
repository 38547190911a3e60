/** Speaks to the public API as any program would: typed by openapi.json, and by nothing else of this repository. */
import createClient, { type Client } from 'openapi-fetch';
import type { components, paths } from './api-types.ts';

/** Kinds of answers that callers get who ask for nothing else; `Prefer: respond-async` is answered with a request. */
type Media = 'application/json' | 'application/problem+json' | `text/${string}`;

export type ApiClient = Client<paths, Media>;
export type CreateVm = components['schemas']['CreateVm'];
export type Vm = components['schemas']['Vm'];
export type TimelineEntry = components['schemas']['TimelineEntry'];
export type PutTemplate = components['schemas']['PutTemplate'];
export type Template = components['schemas']['Template'];
export type Problem = components['schemas']['Problem'];

export interface ClientOptions {
  /** Where the API listens: `http://127.0.0.1:7400`. */
  url: string;
  /** An API key. */
  key: string;
  /** After this long without an answer a request fails. */
  deadlineSeconds: number;
}

/** A client with a method for each HTTP method, whose paths, bodies and answers are checked by the compiler. */
export function createApiClient({ url, key, deadlineSeconds }: ClientOptions): ApiClient {
  return createClient<paths, Media>({
    baseUrl: url,
    headers: { authorization: `Bearer ${key}` },
    fetch: (request) => fetch(request, { signal: AbortSignal.timeout(deadlineSeconds * 1000) }),
  });
}

/** What the API refused, and why. */
export class ApiRefusal extends Error {
  override readonly name = 'ApiRefusal';
  readonly status: number;
  /** Absent where something other than the API answered. */
  readonly problem: Problem | undefined;

  constructor(response: Response, problem: Problem | undefined) {
    super(`${response.url} answered ${response.status}: ${problem?.detail ?? response.statusText}`);
    this.status = response.status;
    this.problem = problem;
  }
}

/**
 * The body of a good answer.
 * @throws ApiRefusal for any other.
 */
export async function answered<Data>(
  request: Promise<{ data?: Data; error?: unknown; response: Response }>,
): Promise<NonNullable<Data>> {
  const { data, error, response } = await request;
  if (data !== undefined && data !== null) return data;
  throw new ApiRefusal(response, isProblem(error) ? error : undefined);
}

function isProblem(error: unknown): error is Problem {
  return typeof error === 'object' && error !== null && 'code' in error && 'detail' in error;
}

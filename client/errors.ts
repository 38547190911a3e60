/** Everything that the client throws of its own; whatever else is thrown is a mistake in the program that uses it. */
import type { components } from './api-types.ts';

type Problem = components['schemas']['Problem'];
type Vm = components['schemas']['Vm'];

/** The API answered, and refused. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** HTTP status. */
  readonly status: number;
  /** One of docs/errors.md; absent where something other than the API answered, a proxy for one. */
  readonly code: string | undefined;
  /** Names the request in the logs of the API. */
  readonly requestId: string | undefined;
  /** The whole answer of the API. */
  readonly problem: Problem | undefined;
  /** After so long it may be asked again, where the answer says so. */
  readonly retryAfterSeconds: number | undefined;

  constructor(asked: string, response: Response, problem: Problem | undefined) {
    super(problem?.detail ?? `${asked} was answered ${response.status} ${response.statusText}`.trimEnd());
    this.status = response.status;
    this.problem = problem;
    this.code = problem?.code;
    this.requestId = problem?.requestId ?? response.headers.get('x-request-id') ?? undefined;
    this.retryAfterSeconds = retryAfterSecondsOf(response);
  }
}

/** No answer came: the API does not run, cannot be reached, or said nothing in time. */
export class ApiUnreachable extends Error {
  override readonly name = 'ApiUnreachable';
  readonly url: string;

  constructor(url: string, cause: unknown) {
    super(`${url} does not answer (${reasonOf(cause)})`, { cause });
    this.url = url;
  }
}

/** What was waited for did not come in time; it may still come, and the wait may be begun again. */
export class WaitTimeout extends Error {
  override readonly name = 'WaitTimeout';
  /** As seen last. */
  readonly vm: Vm | undefined;

  constructor(name: string, goal: string, timeoutSeconds: number, vm: Vm | undefined) {
    const state = vm === undefined ? '' : `: it is ${vm.state}${vm.detail === undefined ? '' : ` (${vm.detail})`}`;
    super(`${name} was not ${goal} within ${timeoutSeconds} s${state}`);
    this.vm = vm;
  }
}

/** The VM went another way than the one that was waited for, and will not come there by itself. */
export class VmEnded extends Error {
  override readonly name = 'VmEnded';
  readonly vm: Vm;

  constructor(vm: Vm, goal: string) {
    const why = [vm.reason, vm.detail].filter((word) => word !== undefined).join(': ');
    super(`${vm.name} is ${vm.state} and will not be ${goal}${why === '' ? '' : ` (${why})`}`);
    this.vm = vm;
  }
}

/** A stream into a VM ended otherwise than its program did. */
export class StreamError extends Error {
  override readonly name = 'StreamError';
  /** One of docs/errors.md; absent where the connection was just gone. */
  readonly code: string | undefined;
  /** HTTP status of a stream that was refused at once, where that can be seen. */
  readonly status: number | undefined;

  constructor(detail: string, { code, status }: { code?: string | undefined; status?: number | undefined } = {}) {
    super(detail);
    this.code = code;
    this.status = status;
  }
}

/** The problem in the body of an answer, or undefined where there is none. */
export async function problemIn(response: Response): Promise<Problem | undefined> {
  try {
    const body: unknown = JSON.parse(await response.text());
    return isProblem(body) ? body : undefined;
  } catch {
    return undefined;
  }
}

function isProblem(body: unknown): body is Problem {
  return typeof body === 'object' && body !== null && 'code' in body && 'detail' in body;
}

function retryAfterSecondsOf(response: Response): number | undefined {
  const text = response.headers.get('retry-after');
  return text !== null && /^\d{1,6}$/.test(text) ? Number(text) : undefined;
}

/** `fetch` says "fetch failed" and keeps the reason in causes. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  if (cause instanceof Error) return reasonOf(cause);
  return typeof code === 'string' ? code : error.message;
}

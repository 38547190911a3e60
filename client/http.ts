/** One request to the API: its path, its headers, its time, and whether and when it is asked again. */
import { ApiError, ApiUnreachable, problemIn } from './errors.ts';
import type { AnswerOf, InputOf, Operation, OperationId } from './operation-types.ts';
import { OPERATIONS } from './operations.ts';

export interface HttpOptions {
  /** Where the API is: `http://127.0.0.1:7400`. */
  url: string;
  /** An API key; absent in a browser that is signed in by a cookie. */
  key?: string;
  /** More headers of every request. */
  headers?: Record<string, string>;
  /** Whether cookies are sent, as of `fetch`. */
  credentials?: 'omit' | 'same-origin' | 'include';
  /** Takes the place of the global `fetch`. */
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** After this long without an answer a request fails; what a request waits for on purpose comes on top. Default: 30. */
  deadlineSeconds?: number;
  /** How often a request that may be asked again is asked again. Default: 4. */
  retries?: number;
}

export interface CallOptions {
  signal?: AbortSignal | undefined;
  /** Instead of that of the client. */
  deadlineSeconds?: number | undefined;
}

/** A call as it goes out; values of parameters that are undefined are left out. */
interface Sent {
  operation: Operation;
  url: string;
  headers: Record<string, string>;
  body: BodyInit | undefined;
}

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5000;
/** Answers of proxies, and of an API that starts or whose Temporal is away; what cannot be had now is the caller's to weigh. */
const PASSING = new Set(['temporalUnavailable', 'notReady', undefined]);
const KEY_HEADER = 'Idempotency-Key';

export class HttpClient {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  private readonly credentials: 'omit' | 'same-origin' | 'include' | undefined;
  private readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  private readonly deadlineSeconds: number;
  private readonly retries: number;

  constructor({ url, key, headers = {}, credentials, fetch, deadlineSeconds = 30, retries = 4 }: HttpOptions) {
    this.url = url.replace(/\/+$/, '');
    this.headers = key === undefined ? headers : { ...headers, authorization: `Bearer ${key}` };
    this.credentials = credentials;
    // A method of `window` must be called as one.
    this.fetch = fetch ?? ((address, init) => globalThis.fetch(address, init));
    this.deadlineSeconds = deadlineSeconds;
    this.retries = retries;
  }

  /**
   * The JSON of a good answer. Asks again, by itself, only what does nothing more when it is asked twice.
   * @throws ApiError, ApiUnreachable, or the reason of the signal.
   */
  async call<Id extends OperationId>(id: Id, input: InputOf<Id>, options: CallOptions = {}): Promise<AnswerOf<Id>> {
    const response = await this.answer(id, input, options);
    const text = await wholeText(response, options.deadlineSeconds ?? this.deadlineSeconds).catch((error: unknown) => {
      throw new ApiUnreachable(this.url, error);
    });
    const isJson = /^application\/([\w.-]+\+)?json\b/.test(response.headers.get('content-type') ?? '');
    return (isJson ? JSON.parse(text) : undefined) as AnswerOf<Id>;
  }

  /** A good answer whose body nobody has read yet: {@link call} for what is no JSON. */
  async answer<Id extends OperationId>(id: Id, input: InputOf<Id>, options: CallOptions = {}): Promise<Response> {
    const sent = this.sentFor(OPERATIONS[id], input);
    const waits = Number((input as { wait?: unknown; timeoutSeconds?: unknown }).timeoutSeconds ?? 0);
    const deadlineSeconds = (options.deadlineSeconds ?? this.deadlineSeconds) + waits;
    for (let tries = 0; ; tries += 1) {
      try {
        return await this.once(sent, deadlineSeconds, options.signal);
      } catch (error) {
        const pauseMs = tries < this.retries ? pauseBefore(error, sent.operation, tries) : undefined;
        if (pauseMs === undefined) throw error;
        await sleep(pauseMs, options.signal);
      }
    }
  }

  /** Asks for a body that goes on for long; the caller looks at the status. */
  open(path: string, headers: Record<string, string>, signal: AbortSignal): Promise<Response> {
    const credentials = this.credentials === undefined ? {} : { credentials: this.credentials };
    return this.fetch(`${this.url}${path}`, { headers: { ...this.headers, ...headers }, signal, ...credentials });
  }

  private async once(sent: Sent, deadlineSeconds: number, signal: AbortSignal | undefined): Promise<Response> {
    const { method, path } = sent.operation;
    const deadline = new AbortController();
    const timer = setTimeout(
      () => deadline.abort(new Error(`no answer in ${deadlineSeconds} s`)),
      deadlineSeconds * 1000,
    );
    const signals = signal === undefined ? deadline.signal : AbortSignal.any([signal, deadline.signal]);
    try {
      const response = await this.fetch(sent.url, {
        ...{ method, headers: sent.headers, signal: signals },
        ...(sent.body === undefined ? {} : { body: sent.body }),
        ...(sent.body instanceof ReadableStream ? { duplex: 'half' as const } : {}),
        ...(this.credentials === undefined ? {} : { credentials: this.credentials }),
      });
      if (response.ok) return response;
      throw new ApiError(`${method} ${path}`, response, await problemIn(response));
    } catch (error) {
      if (error instanceof ApiError) throw error;
      signal?.throwIfAborted();
      throw new ApiUnreachable(this.url, deadline.signal.aborted ? deadline.signal.reason : error);
    } finally {
      clearTimeout(timer);
    }
  }

  private sentFor(operation: Operation, input: Record<string, unknown>): Sent {
    const query = new URLSearchParams();
    for (const name of operation.query) {
      for (const value of [input[name]].flat()) if (value !== undefined) query.append(name, textOf(value));
    }
    const headers: Record<string, string> = { ...this.headers };
    for (const name of operation.headers) if (input[name] !== undefined) headers[name] = textOf(input[name]);
    if (operation.isRepeatable && operation.headers.includes(KEY_HEADER)) headers[KEY_HEADER] ??= randomKey();
    const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(textOf(input[name])));
    const { body } = input;
    const isJson = body !== undefined && !isRaw(body);
    if (body !== undefined) headers['content-type'] = isJson ? 'application/json' : 'application/x-tar';
    const search = query.size === 0 ? '' : `?${query.toString()}`;
    return {
      ...{ operation, url: `${this.url}${path}${search}`, headers },
      body: isJson ? JSON.stringify(body) : (body as BodyInit | undefined),
    };
  }
}

/** When to ask again, or undefined where the failure is the answer. */
function pauseBefore(error: unknown, { isRepeatable }: Operation, tries: number): number | undefined {
  const calm = Math.min(FIRST_PAUSE_MS * 2 ** tries, LONGEST_PAUSE_MS) * (0.5 + Math.random() / 2);
  if (error instanceof ApiUnreachable) return isRepeatable ? calm : undefined;
  if (!(error instanceof ApiError)) return undefined;
  // Refused before anything was done, so even what may be done once only may be asked again.
  const isRefusedForNow = error.status === 429 && error.code === 'rateLimited';
  const passes = isRepeatable && [502, 503, 504].includes(error.status) && PASSING.has(error.code);
  if (!isRefusedForNow && !passes) return undefined;
  return error.retryAfterSeconds === undefined ? calm : Math.min(error.retryAfterSeconds * 1000, LONGEST_PAUSE_MS);
}

/** The deadline of a request is over with the head of its answer; a connection may be cut without a word after that, too. */
async function wholeText({ body }: Response, deadlineSeconds: number): Promise<string> {
  if (body === null) return '';
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const late = new AbortController();
  const timer = setTimeout(() => {
    late.abort(new Error(`no end of the answer in ${deadlineSeconds} s`));
    void reader.cancel().catch(() => undefined);
  }, deadlineSeconds * 1000);
  let text = '';
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      text += decoder.decode(part.value, { stream: true });
    }
  } finally {
    clearTimeout(timer);
  }
  late.signal.throwIfAborted();
  return text + decoder.decode();
}

function isRaw(body: unknown): boolean {
  return body instanceof ReadableStream || body instanceof Uint8Array || body instanceof Blob;
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new TypeError(`a parameter of a request must be a text, a number or a boolean, not ${typeof value}`);
}

/** `crypto.randomUUID` is only there on pages that came over https. */
export function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** @throws the reason of the signal, as soon as it is aborted. */
export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- whatever the caller aborted with
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}

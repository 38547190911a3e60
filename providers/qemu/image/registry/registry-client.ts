/**
 * Asks a registry for an image, by the OCI distribution specification: as nobody, by a name and password, or by a token that the
 * registry has its users fetch. What is refused for now is asked again; what stalls is given up and asked again too.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ProviderError } from '../../../../domain/machine/provider-error.ts';
import { boundedBody } from '../../../../lib/network/bounded-body.ts';
import { fetchAnswer } from '../../../../lib/network/fetch-answer.ts';
import { isOwnHost } from '../../../../lib/network/loopback.ts';
import { backoffMs } from '../../../../lib/waiting/backoff.ts';
import { withLinkedSignal } from '../../../../lib/waiting/linked-signal.ts';
import { withStallLimit } from '../../../../lib/waiting/stalling.ts';
import { parseChallenge, type Challenge } from './challenge.ts';
import type { Credentials } from './credentials.ts';

export interface RegistryClientOptions {
  /** `https://host`, with a port perhaps. */
  url: string;
  repository: string;
  credentials: Credentials | undefined;
  /** Over http to other hosts too. */
  plainHttp: boolean;
  signal: AbortSignal;
  /** Others than the usual ones; only tests set them. */
  tries?: number;
  stallMs?: number;
  firstPauseMs?: number;
}

const TRIES = 5;
/** A registry that says or sends nothing for so long has stalled. */
const STALL_MS = 30_000;
const PAUSE = { firstMs: 500, longestMs: 20_000 } as const;
/** It may ask for more patience than anybody has. */
const MOST_RETRY_AFTER_MS = 60_000;
const MOST_REDIRECTS = 5;
const MOST_TOKEN_BYTES = 256 * 1024;
const REDIRECTS = [301, 302, 303, 307, 308];

/** It may go well another time. */
class TryAgain extends Error {
  override readonly name = 'TryAgain';
  readonly afterMs: number | null;

  constructor(message: string, afterMs: number | null = null, cause?: unknown) {
    super(message, { cause });
    this.afterMs = afterMs;
  }
}

export class RegistryClient {
  readonly #options: RegistryClientOptions;
  /** The value of the header by which the registry knows this client; null: as nobody, until it asks. */
  #authorization: string | null = null;
  #authorizing: Promise<string> | undefined;

  constructor(options: RegistryClientOptions) {
    this.#options = options;
  }

  /**
   * What `read` makes of the answer for a path below the repository, asked for again while it fails for now. Errors:
   * `imageUnknown`, `permissionDenied`, `imageRefused`, `backendUnavailable`, and those of `read`.
   */
  async get<Result>(
    path: string,
    accept: string,
    read: (body: AsyncIterable<Uint8Array>, headers: Headers) => Promise<Result>,
  ): Promise<Result> {
    const { tries = TRIES, signal, firstPauseMs: firstMs = PAUSE.firstMs } = this.#options;
    for (let failures = 0; ; failures += 1) {
      try {
        return await this.#try(path, accept, read);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof ProviderError) throw error;
        const { message } = error as Error;
        if (failures + 1 >= tries) {
          const text = `${this.#options.url} does not send ${path}: ${message} (${tries} tries)`;
          throw new ProviderError('backendUnavailable', text, { cause: error });
        }
        const asked = error instanceof TryAgain ? error.afterMs : null;
        await sleep(asked ?? backoffMs({ ...PAUSE, firstMs }, failures), undefined, { signal });
      }
    }
  }

  async #try<Result>(
    path: string,
    accept: string,
    read: (body: AsyncIterable<Uint8Array>, headers: Headers) => Promise<Result>,
  ): Promise<Result> {
    const { url, repository } = this.#options;
    // Whatever was not read by the end is not sent any more.
    return withLinkedSignal(this.#options.signal, null, async (signal) => {
      const target = new URL(`/v2/${repository}/${path}`, url);
      let response = await this.#follow(target, accept, signal);
      // Another host that it sends us to does not say where the login is to be shown.
      if (response.status === 401 && new URL(response.url).origin === target.origin) {
        await this.#authorize(response, signal);
        response = await this.#follow(target, accept, signal);
      }
      this.#refuse(response, path);
      return read(this.#bodyOf(response), response.headers);
    });
  }

  /** The answer at the end of all redirects. Who we are is said to the registry alone, and to no other host it sends us to. */
  async #follow(target: URL, accept: string, signal: AbortSignal): Promise<Response> {
    let at = target;
    for (let hops = 0; hops <= MOST_REDIRECTS; hops += 1) {
      const isRegistry = at.origin === target.origin;
      const authorization = isRegistry && this.#authorization !== null ? { authorization: this.#authorization } : {};
      const response = await this.#fetch(at, { accept, ...authorization }, signal);
      if (!REDIRECTS.includes(response.status)) return response;
      const location = response.headers.get('location');
      await response.body?.cancel();
      if (location === null) throw new TryAgain('it redirects to nowhere');
      at = this.#safe(new URL(location, at), 'redirects to');
    }
    throw refused(`${this.#options.url} redirects more than ${MOST_REDIRECTS} times`);
  }

  async #fetch(url: URL, headers: Record<string, string>, signal: AbortSignal): Promise<Response> {
    const { stallMs = STALL_MS } = this.#options;
    return fetchAnswer(url, { headers, signal, stallMs }).catch((error: unknown) => {
      throw new TryAgain((error as Error).message, null, error);
    });
  }

  async *#bodyOf(response: Response): AsyncGenerator<Uint8Array> {
    const { stallMs = STALL_MS } = this.#options;
    if (response.body !== null) yield* withStallLimit(response.body, stallMs);
  }

  #refuse({ status, headers }: Response, path: string): void {
    const { url, repository, credentials } = this.#options;
    if (status === 200) return;
    if (status === 404) {
      const text = `${url} has no ${repository}/${path}, or does not show it to ${credentials === undefined ? 'nobody in particular' : credentials.user}`;
      throw new ProviderError('imageUnknown', text);
    }
    if (status === 401 || status === 403) {
      const who = credentials === undefined ? 'without a login' : `as ${credentials.user}`;
      const text = `${url} does not give ${repository} ${who} (${status}): docker login, or EPHEMERA_REGISTRY_USER and EPHEMERA_REGISTRY_PASSWORD`;
      throw new ProviderError('permissionDenied', text);
    }
    if (status === 429 || status >= 500) throw new TryAgain(`it answers ${status}`, retryAfterMs(headers));
    throw refused(`${url} answers ${status} to ${path}`);
  }

  /** Learns how the registry wants to know us. Several that are asked for it at once share one token. */
  async #authorize(response: Response, signal: AbortSignal): Promise<void> {
    const challenge = parseChallenge(response.headers.get('www-authenticate') ?? '');
    await response.body?.cancel();
    this.#authorizing ??= this.#authorizationFor(challenge, signal).finally(() => (this.#authorizing = undefined));
    this.#authorization = await this.#authorizing;
  }

  async #authorizationFor(challenge: Challenge | undefined, signal: AbortSignal): Promise<string> {
    const { url, credentials } = this.#options;
    const basic = credentials === undefined ? undefined : basicOf(credentials);
    if (challenge?.scheme === 'bearer') return `Bearer ${await this.#token(challenge, basic, signal)}`;
    if (challenge?.scheme !== 'basic') throw refused(`${url} asks for a login of a kind that is not known here`);
    if (basic !== undefined) return basic;
    const text = `${url} wants a login: docker login, or EPHEMERA_REGISTRY_USER and EPHEMERA_REGISTRY_PASSWORD`;
    throw new ProviderError('permissionDenied', text);
  }

  async #token({ realm, service, scope }: Challenge, basic: string | undefined, signal: AbortSignal): Promise<string> {
    const { url, repository, stallMs = STALL_MS } = this.#options;
    if (realm === undefined || !URL.canParse(realm)) throw refused(`${url} does not say where its tokens are`);
    const at = this.#safe(new URL(realm), 'has its tokens at');
    if (service !== undefined) at.searchParams.set('service', service);
    at.searchParams.set('scope', scope ?? `repository:${repository}:pull`);
    const response = await this.#fetch(at, basic === undefined ? {} : { authorization: basic }, signal);
    if (response.status === 401 || response.status === 403) {
      await response.body?.cancel();
      throw new ProviderError(
        'permissionDenied',
        `${at.origin} gives no token for ${repository} (${response.status}): check the login`,
      );
    }
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new TryAgain(
        `${at.origin} answers ${response.status} when asked for a token`,
        retryAfterMs(response.headers),
      );
    }
    const chunks = response.body === null ? [] : withStallLimit(response.body, stallMs);
    const body = await boundedBody(chunks as AsyncIterable<Buffer>, MOST_TOKEN_BYTES, 'the token is too long');
    const token = tokenIn(body.toString('utf8'));
    if (token === undefined) throw refused(`${at.origin} answers with no token`);
    return token;
  }

  /** Nothing goes in clear to another computer unless people said so. */
  #safe(at: URL, what: string): URL {
    const { url, plainHttp } = this.#options;
    const isFine = at.protocol === 'https:' || (at.protocol === 'http:' && (plainHttp || isOwnHost(at.hostname)));
    if (isFine) return at;
    throw refused(`${url} ${what} ${at.origin}, which is not https`);
  }
}

function basicOf({ user, password }: Credentials): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

function tokenIn(text: string): string | undefined {
  try {
    const { token, access_token: access } = JSON.parse(text) as { token?: unknown; access_token?: unknown };
    return [token, access].find((one): one is string => typeof one === 'string' && /^[\x21-\x7e]+$/.test(one));
  } catch {
    return undefined;
  }
}

function retryAfterMs(headers: Headers): number | null {
  const text = headers.get('retry-after');
  if (text === null) return null;
  const seconds = /^\d{1,6}$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.min(MOST_RETRY_AFTER_MS, Math.max(0, seconds * 1000)) : null;
}

function refused(message: string): ProviderError {
  return new ProviderError('imageRefused', message);
}

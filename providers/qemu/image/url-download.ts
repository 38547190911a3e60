/** A file that anybody may have at a URL, fetched whole or not at all. */
import type { Hash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import { fetchAnswer } from '../../../lib/network/fetch-answer.ts';
import { isOwnHost } from '../../../lib/network/loopback.ts';
import { withLinkedSignal } from '../../../lib/waiting/linked-signal.ts';
import { withStallLimit } from '../../../lib/waiting/stalling.ts';
import { refused } from './registered-images.ts';

export interface Download {
  url: string;
  /** Over http too: from no computer, from this one, or from any. */
  plainHttp: 'never' | 'here' | 'anywhere';
  limitBytes: number;
  /** Gets all that came. */
  hash: Hash;
  signal: AbortSignal;
  onProgress?: (receivedBytes: number, totalBytes: number) => void;
  /** Another one than the usual; only tests set it. */
  stallMs?: number;
}

const STALL_MS = 30_000;
const MOST_REDIRECTS = 5;
/** As long as a host says where an image can be had too. */
const MOST_URL_CHARACTERS = 512;

/**
 * Writes what the URL sends. Errors: `imageRefused` for a URL that is none, is not https, or holds a login; `imageUnknown`,
 * `backendUnavailable` for what does not come, or not all of it.
 */
export async function downloadTo(path: string, download: Download): Promise<void> {
  await withLinkedSignal(download.signal, null, (signal) => save(path, { ...download, signal }));
}

async function save(path: string, download: Download): Promise<void> {
  const { url, hash, limitBytes, onProgress, stallMs = STALL_MS } = download;
  const response = await follow(safeUrl(url, download), download);
  const total = Number(response.headers.get('content-length') ?? 0);
  if (total > limitBytes) throw refused(`${url} sends ${total} bytes, and at most ${limitBytes} are taken`);
  let received = 0;
  const file = await open(path, 'wx', 0o600);
  try {
    for await (const chunk of response.body === null ? [] : withStallLimit(response.body, stallMs)) {
      received += chunk.length;
      if (received > limitBytes) throw refused(`${url} sends more than ${limitBytes} bytes, the most that are taken`);
      hash.update(chunk);
      await file.writeFile(chunk);
      onProgress?.(received, Math.max(total, received));
    }
  } catch (error) {
    throw error instanceof ProviderError ? error : failed(url, error);
  } finally {
    await file.close();
  }
  if (received < total) throw failed(url, new Error(`it sends ${received} of ${total} bytes`));
}

/**
 * The URL where other hosts take it from there too: nobody can change it on its way, and what stands behind its `?` opens
 * nothing to those who may list images, as a signed one does. Undefined: they take it from this host.
 */
export function urlForOthers(url: string): string | undefined {
  const { protocol, search, hash } = new URL(url);
  return protocol === 'https:' && search === '' && hash === '' ? url : undefined;
}

async function follow(first: URL, download: Download): Promise<Response> {
  const { url, signal, stallMs = STALL_MS } = download;
  let at = first;
  for (let hops = 0; hops <= MOST_REDIRECTS; hops += 1) {
    const response = await fetchAnswer(at, { signal, stallMs }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw failed(url, error);
    });
    const location = response.status >= 300 && response.status < 400 ? response.headers.get('location') : null;
    if (response.status === 200) return response;
    await response.body?.cancel();
    if (location !== null) at = safeUrl(new URL(location, at).href, download);
    else if (response.status === 404) throw new ProviderError('imageUnknown', `${url} is not there`);
    else throw failed(url, new Error(`it answers ${response.status}`));
  }
  throw refused(`${url} redirects more than ${MOST_REDIRECTS} times`);
}

/** @throws ProviderError `imageRefused`. */
function safeUrl(text: string, { plainHttp }: Pick<Download, 'plainHttp'>): URL {
  if (!URL.canParse(text) || text.length > MOST_URL_CHARACTERS) throw refused('that is no URL of an image');
  const url = new URL(text);
  // Whoever may list images would read it.
  if (url.username !== '' || url.password !== '')
    throw refused(`a URL with a login is taken for no image: ${url.host}`);
  const isFine = url.protocol === 'https:' || (url.protocol === 'http:' && mayBePlain(url, plainHttp));
  if (!isFine)
    throw refused(`${url.origin} is not https: use an address that is, or --plain-http where you trust the way`);
  return url;
}

function mayBePlain({ hostname }: URL, plainHttp: Download['plainHttp']): boolean {
  return plainHttp === 'anywhere' || (plainHttp === 'here' && isOwnHost(hostname));
}

function failed(url: string, cause: unknown): ProviderError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new ProviderError('backendUnavailable', `${url} cannot be fetched: ${why}`, { cause });
}

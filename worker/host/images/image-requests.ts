/**
 * Machine images at the internal endpoint: `GET` and `HEAD /internal/machine-images/<name>/<version>` for other hosts, and
 * `DELETE /internal/machine-images/<name>` for the API alone.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import type { ImageCopies } from '../../../domain/machine/provider.ts';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import { manifestLine, ORIGIN_HEADER, parseImagePath } from './image-wire.ts';

/** A peer that takes nothing for so long is cut off. */
const STALL_MS = 60_000;
const DELETE_MS = 10_000;

/** Who asks: the API, or another host. */
export type Asker = 'api' | 'peer';

/** False where the request is about no image. */
export async function answerImageRequest(
  copies: readonly ImageCopies[],
  { asker, request, response }: { asker: Asker; request: IncomingMessage; response: ServerResponse },
): Promise<boolean> {
  const wanted = parseImagePath(request.url ?? '');
  if (wanted === undefined) return false;
  const { name, version } = wanted;
  if (version === null) {
    if (request.method === 'DELETE' && asker === 'api') await remove(copies, name, response);
    else end(response, 405, 'only DELETE, for the API');
  } else if (request.method === 'GET' || request.method === 'HEAD') {
    await send(copies, { name, version, isHead: request.method === 'HEAD' }, response);
  } else end(response, 405, 'only GET and HEAD');
  return true;
}

async function send(
  copies: readonly ImageCopies[],
  { name, version, isHead }: { name: string; version: string; isHead: boolean },
  response: ServerResponse,
): Promise<void> {
  const call = { signal: new AbortController().signal };
  for (const own of copies) {
    const opened = await own.open({ name, version }, call);
    if (opened === undefined) continue;
    const line = manifestLine(opened.manifest);
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      'content-length': line.length + opened.bytes,
      [ORIGIN_HEADER]: opened.origin,
    });
    if (isHead) {
      response.end();
      return;
    }
    response.setTimeout(STALL_MS, () => response.destroy());
    response.write(line);
    // Who does not read to the end has gone, or another one serves it: nobody here waits for that.
    await pipeline(Readable.from(opened.content()), response).catch(() => response.destroy());
    return;
  }
  end(response, 404, 'no such image');
}

async function remove(copies: readonly ImageCopies[], name: string, response: ServerResponse): Promise<void> {
  try {
    for (const own of copies) await own.remove(name, { signal: AbortSignal.timeout(DELETE_MS) });
    response.writeHead(204).end();
  } catch (error) {
    if (!(error instanceof ProviderError) || error.code !== 'imageRefused') throw error;
    end(response, 409, error.message);
  }
}

function end(response: ServerResponse, status: number, why: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(`${why}\n`);
}

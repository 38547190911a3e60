import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Writable } from 'node:stream';
import { z } from 'zod';
import { CHANNEL, parseExitNote, type ExitNote } from '../../domain/agent/streams/requests.ts';
import { Trickle } from '../../lib/waiting/trickle.ts';
import { letBodyTakeLong } from '../../lib/network/http-server.ts';
import { refuseOtherType } from '../http/content-type.ts';
import { ApiProblem } from '../http/errors/problem.ts';
import { keyedRoute } from '../http/route.ts';
import { vmPathSchema } from '../schemas/requests.ts';
import { filesQuerySchema, filesResultSchema } from '../schemas/streams.ts';
import type { HostStream } from './host-stream.ts';
import { goneProblem, openStream, reachableVm, STREAM_ERRORS, streamProblem } from './open-stream.ts';

const TAR = 'application/x-tar';
/** A client that is waited for longer than this in all, and sends less than 1 KiB a second. */
const BODY_PATIENCE_MS = 60_000;
const BODY_CHECK_MS = 5000;
const FILES_ERRORS = ['fileNotFound', 'fileRefused', 'execFailed', ...STREAM_ERRORS] as const;

export const readFilesRoute = keyedRoute({
  method: 'get',
  path: '/v1/vms/{name}/files',
  operationId: 'readFiles',
  tag: 'Access',
  summary: 'Files of a VM, as a tar',
  description:
    'A tar of the file or directory, made by the `tar` of the VM: names in it begin with `./`. An answer that is cut off, which ' +
    'clients report as an error, is of a tar that failed.',
  access: 'operator',
  mutates: true,
  params: vmPathSchema,
  query: filesQuerySchema,
  replies: { 200: { description: 'The tar.', schema: z.string(), contentType: TAR } },
  errors: [...FILES_ERRORS],
  handle: async ({ project, params, query, gone }, api) => {
    const record = await reachableVm(api, project, params.name, 'files');
    const { path, countsAsConnection = false } = query;
    const host = await openStream(api, record, { kind: 'files', action: 'read', path, countsAsConnection }, gone);
    const { workflowId, runId } = record;
    return {
      status: 200,
      headers: { 'content-type': TAR },
      about: { workflowId, runId },
      stream: (response) => copyTar(host, response, gone),
    };
  },
});

export const writeFilesRoute = keyedRoute({
  method: 'put',
  path: '/v1/vms/{name}/files',
  operationId: 'writeFiles',
  tag: 'Access',
  summary: 'Unpack a tar in a VM',
  description:
    'The body is a tar, not compressed, of any length; it is unpacked by the `tar` of the VM in the directory `path`, which is ' +
    'made where it is missing. What was unpacked before something failed stays.',
  access: 'operator',
  params: vmPathSchema,
  query: filesQuerySchema,
  content: { type: TAR, description: 'The tar.' },
  replies: { 200: { description: 'It was unpacked.', schema: filesResultSchema } },
  errors: ['unsupportedMediaType', ...FILES_ERRORS],
  handle: async ({ project, params, query, gone, content }, api) => {
    const record = await reachableVm(api, project, params.name, 'files');
    refuseOtherType(content?.headers['content-type'], TAR);
    const { path, countsAsConnection = false } = query;
    const host = await openStream(api, record, { kind: 'files', action: 'write', path, countsAsConnection }, gone);
    if (content === undefined) throw new ApiProblem('malformedBody', 'The request has no body');
    letBodyTakeLong(content);
    const exit = await exitOf(host, gone, { from: content });
    if (exit.exitCode !== 0)
      throw new ApiProblem('fileRefused', `tar in the VM failed: ${exit.detail ?? 'it says nothing'}`);
    const { workflowId, runId } = record;
    return { status: 200, body: { name: params.name, path }, about: { workflowId, runId } };
  },
});

async function copyTar(host: HostStream, to: Writable, gone: AbortSignal): Promise<void> {
  const exit = await exitOf(host, gone, { to });
  if (exit.exitCode !== 0)
    throw new ApiProblem('fileRefused', `tar in the VM failed: ${exit.detail ?? 'it says nothing'}`);
  to.end();
  await once(to, 'finish');
}

/** Copies until the tar of the VM has ended. */
function exitOf(
  host: HostStream,
  gone: AbortSignal,
  { from, to }: { from?: IncomingMessage; to?: Writable },
): Promise<ExitNote> {
  return new Promise((resolve, reject) => {
    const cancel = (): void => {
      host.cancel();
      reject(goneProblem(gone));
    };
    if (gone.aborted) cancel();
    gone.addEventListener('abort', cancel, { once: true });
    host.listen({
      data: (bytes, channel, done) => {
        if (channel !== CHANNEL.note) {
          if (to === undefined || to.destroyed) done();
          else to.write(bytes, () => done());
          return;
        }
        done();
        const exit = exitIn(bytes);
        if (exit === undefined) return;
        from?.unpipe();
        from?.resume();
        resolve(exit);
        host.cancel();
      },
      end: () => undefined,
      closed: (end) => {
        gone.removeEventListener('abort', cancel);
        reject(streamProblem(end ?? { code: 'streamLost', detail: 'The agent does not say how the tar ended' }));
      },
    });
    if (from !== undefined) sendBody(from, host, reject);
  });
}

/** A body may take long, where it comes at all: who holds a tar in the VM with a byte now and then is given up. */
function sendBody(from: IncomingMessage, host: HostStream, reject: (error: Error) => void): void {
  const trickle = new Trickle(BODY_PATIENCE_MS);
  let waitsSince: number | null = performance.now();
  const giveUp = (): void => {
    clearInterval(look);
    from.destroy();
    reject(new ApiProblem('fileRefused', 'The tar comes too slowly: less than 1 KiB a second for more than a minute'));
    host.cancel();
  };
  const look = setInterval(() => {
    if (waitsSince !== null && trickle.isTooSlow(performance.now() - waitsSince)) giveUp();
  }, BODY_CHECK_MS).unref();
  from.on('data', (chunk: Buffer) => {
    trickle.came(chunk.length, performance.now() - (waitsSince ?? performance.now()));
    waitsSince = null;
    from.pause();
    host.write(chunk, CHANNEL.data, () => {
      waitsSince = performance.now();
      from.resume();
    });
  });
  from.once('end', () => host.sendEnd());
  from.once('end', () => clearInterval(look)).once('close', () => clearInterval(look));
}

function exitIn(bytes: Buffer): ExitNote | undefined {
  try {
    return parseExitNote(JSON.parse(bytes.toString()));
  } catch {
    return undefined;
  }
}

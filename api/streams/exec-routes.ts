import type { WebSocket } from 'ws';
import { z } from 'zod';
import type { StreamEnd } from '../../domain/agent/streams/frames.ts';
import {
  CHANNEL,
  parseExitNote,
  type ExecRequest,
  type ExitNote,
  type StreamRequest,
} from '../../domain/agent/streams/requests.ts';
import type { ApiContext } from '../api-context.ts';
import { ApiProblem } from '../http/errors/problem.ts';
import { keyedRoute } from '../http/route.ts';
import { vmPathSchema } from '../schemas/requests.ts';
import {
  execBodySchema,
  execResultSchema,
  execStartSchema,
  MAX_EXEC_OUTPUT_BYTES,
  resizeSchema,
  streamQuerySchema,
} from '../schemas/streams.ts';
import type { VmRecord } from '../vms/seen/vm-record.ts';
import { joinClient, jsonIn, say, sayError, type ClientCodec } from './client-stream.ts';
import type { HostStream } from './host-stream.ts';
import { KeptOutput } from './kept-output.ts';
import { goneProblem, openStream, reachableVm, STREAM_ERRORS, streamProblem } from './open-stream.ts';
import { requireWebSocket } from '../http/require-web-socket.ts';

/** A client that has a WebSocket says what to run at once. */
const START_TIMEOUT_MS = 15_000;

const EXEC_ERRORS = ['execFailed', ...STREAM_ERRORS] as const;

export const execRoute = keyedRoute({
  method: 'post',
  path: '/v1/vms/{name}/exec',
  operationId: 'runCommand',
  tag: 'Access',
  summary: 'Run a command in a VM and wait for its end',
  description:
    'Runs it as the user of the agent, with the environment of the app, through no shell. Whether it worked is in `exitCode`. ' +
    'A command whose caller hangs up is killed. GET of this path, as a WebSocket, is for terminals, and for input and output ' +
    'of any length.',
  access: 'operator',
  params: vmPathSchema,
  query: streamQuerySchema,
  body: execBodySchema,
  replies: { 200: { description: 'How it ended, and what it printed.', schema: execResultSchema } },
  errors: [...EXEC_ERRORS],
  handle: async ({ project, params, query, body, gone }, api) => {
    const record = await reachableVm(api, project, params.name, 'exec');
    const { stdin = '', env = {}, cwd, ...exec } = body;
    const { countsAsConnection = false } = query;
    const request: StreamRequest = {
      ...{ kind: 'exec', ...exec, env, countsAsConnection },
      ...(cwd === undefined ? {} : { cwd }),
    };
    const host = await openStream(api, record, request, gone);
    const { workflowId, runId } = record;
    return { status: 200, body: await result(host, stdin, gone), about: { workflowId, runId } };
  },
});

async function result(host: HostStream, stdin: string, gone: AbortSignal): Promise<z.output<typeof execResultSchema>> {
  const stdout = new KeptOutput(MAX_EXEC_OUTPUT_BYTES);
  const stderr = new KeptOutput(MAX_EXEC_OUTPUT_BYTES);
  const exit = await untilExit(
    host,
    gone,
    (bytes, channel) => {
      if (channel === CHANNEL.data) stdout.add(bytes);
      else if (channel === CHANNEL.stderr) stderr.add(bytes);
    },
    stdin,
  );
  const { exitCode, signal, timedOut = false } = exit;
  return {
    exitCode,
    ...(signal === undefined ? {} : { signal }),
    timedOut,
    stdout: stdout.text,
    stderr: stderr.text,
    truncated: stdout.isTruncated || stderr.isTruncated,
  };
}

function untilExit(
  host: HostStream,
  gone: AbortSignal,
  take: (bytes: Buffer, channel: number) => void,
  stdin: string,
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
        const exit = channel === CHANNEL.note ? exitIn(bytes) : undefined;
        if (exit !== undefined) {
          resolve(exit);
          host.cancel();
        } else take(bytes, channel);
        done();
      },
      end: () => undefined,
      closed: (end) => {
        gone.removeEventListener('abort', cancel);
        reject(streamProblem(end ?? NO_EXIT));
      },
    });
    host.write(Buffer.from(stdin), CHANNEL.data, () => host.sendEnd());
  });
}

const NO_EXIT: StreamEnd = { code: 'streamLost', detail: 'The agent does not say how the command ended' };

function exitIn(bytes: Buffer): ExitNote | undefined {
  try {
    return parseExitNote(JSON.parse(bytes.toString()));
  } catch {
    return undefined;
  }
}

/** The first byte of a binary message says which stream of the command its bytes are of. */
const STREAM_BYTE = { stdin: 0, stdout: 1, stderr: 2 } as const;

const TERMINAL: ClientCodec = {
  toClient: (bytes, channel) => {
    if (channel === CHANNEL.note) {
      const exit = exitIn(bytes);
      return exit && JSON.stringify(exit);
    }
    const first = channel === CHANNEL.stderr ? STREAM_BYTE.stderr : STREAM_BYTE.stdout;
    return Buffer.concat([Buffer.of(first), bytes]);
  },
  fromClient: (bytes) =>
    bytes.length > 1 && bytes[0] === STREAM_BYTE.stdin
      ? { bytes: bytes.subarray(1), channel: CHANNEL.data }
      : undefined,
  fromClientText: (message) => {
    const { success, data } = resizeSchema.safeParse(message);
    return success && { bytes: Buffer.from(JSON.stringify(data)), channel: CHANNEL.note };
  },
  endsWithVm: true,
};

export const execSocketRoute = keyedRoute({
  method: 'get',
  path: '/v1/vms/{name}/exec',
  operationId: 'openCommand',
  tag: 'Access',
  summary: 'Run a command in a VM, with its input and output or a terminal',
  description:
    'A WebSocket. The first message of the client is the text `{"type":"start","command":["sh"]}`, with `env`, `cwd` and ' +
    '`timeoutSeconds` as in POST, and with `"tty":{"rows":24,"columns":80}` for a terminal. It is answered `{"type":"started"}`. ' +
    'Then the client sends binary messages that begin with a byte 0 and go on with standard input, `{"type":"resize","rows":…,"columns":…}`, ' +
    'and `{"type":"end"}` at the end of the input. It gets binary messages that begin with 1 (standard output, and all of a terminal) or ' +
    '2 (standard error), and last `{"type":"exit","exitCode":0}`, or `{"type":"error","code":"…","detail":"…"}`. ' +
    'A command whose client goes away is ended (docs/access.md).',
  access: 'operator',
  mutates: true,
  webSocket: true,
  params: vmPathSchema,
  query: streamQuerySchema,
  replies: { 101: { description: 'The command may be named.' } },
  errors: ['upgradeRequired', 'ttyUnavailable', ...EXEC_ERRORS],
  handle: async (request, api) => {
    const { project, params, query, gone } = request;
    const record = await reachableVm(api, project, params.name, 'exec');
    requireWebSocket(request);
    const { countsAsConnection = false } = query;
    const { workflowId, runId } = record;
    return {
      status: 101,
      about: { workflowId, runId },
      webSocket: (client) => {
        if (client !== undefined) void runFor(client, { api, record, countsAsConnection, gone });
      },
    };
  },
});

interface Asked {
  api: ApiContext;
  record: VmRecord;
  countsAsConnection: boolean;
  gone: AbortSignal;
}

async function runFor(client: WebSocket, { api, record, countsAsConnection, gone }: Asked): Promise<void> {
  const request = await startOf(client);
  if (request === undefined) return;
  try {
    const host = await openStream(api, record, { ...request, countsAsConnection }, gone);
    say(client, { type: 'started' });
    joinClient(client, host, TERMINAL, gone);
    client.resume();
    if (client.readyState !== client.OPEN) host.cancel();
  } catch (error) {
    client.resume();
    if (!(error instanceof ApiProblem)) api.log.error({ err: error }, 'a command could not be opened');
    const known = error instanceof ApiProblem ? error : new ApiProblem('internal', 'Something broke inside the API');
    sayError(client, { code: known.code, detail: known.message });
  }
}

/** What a client wants to run; undefined where it says nothing of the kind. */
function startOf(client: WebSocket): Promise<ExecRequest | undefined> {
  return new Promise((resolve) => {
    const refuse = (detail: string): void => {
      clearTimeout(timer);
      sayError(client, { code: 'invalidRequest', detail });
      resolve(undefined);
    };
    const timer = setTimeout(() => refuse('The first message did not come: send {"type":"start",…}'), START_TIMEOUT_MS);
    client.once('close', () => {
      clearTimeout(timer);
      resolve(undefined);
    });
    client.once('message', (data, isBinary) => {
      clearTimeout(timer);
      const { success, data: start, error } = execStartSchema.safeParse(isBinary ? undefined : jsonIn(data));
      if (!success) {
        refuse(`The first message is no start of a command: ${z.prettifyError(error).replaceAll(/\s+/g, ' ')}`);
        return;
      }
      client.pause();
      const { command, env = {}, cwd, timeoutSeconds, tty } = start;
      resolve({
        ...{ kind: 'exec', command, env },
        ...(cwd === undefined ? {} : { cwd }),
        ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
        ...(tty === undefined ? {} : { tty }),
      });
    });
  });
}

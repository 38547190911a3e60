/** QEMU's control socket. It serves one client at a time, so a session is also a lock on the machine's settings. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { z } from 'zod';
import { ProviderError } from '../../../domain/machine/provider-error.ts';

/** What we read of a line of QEMU's; a line may be of something else, such as an event. */
const replySchema = z.looseObject({
  QMP: z.unknown().optional(),
  id: z.number().optional(),
  return: z.unknown().optional(),
  error: z.looseObject({ desc: z.string().optional() }).optional(),
});

/** Longest wait for the socket, another client that has it, and the answer to one command. */
const TIMEOUT_MS = 15_000;
/** The longest answers that we ask for have a few thousand characters. */
const MAX_LINE_LENGTH = 1024 * 1024;

/** One use of the control socket. */
export interface QmpSession {
  /** The answer to a command. Rejects with QEMU's own words. */
  execute: (command: string, args?: Record<string, unknown>) => Promise<unknown>;
}

/**
 * Does `work` with the machine's control socket alone. Rejects with `backendUnavailable` when QEMU does not
 * answer, or answers with what is no QMP; a socket that is not there is the system's error (ENOENT, ECONNREFUSED).
 */
export async function withQmp<Result>(path: string, work: (session: QmpSession) => Promise<Result>): Promise<Result> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    const replies = new QmpReplies(socket);
    await replies.greeting;
    let lastId = 0;
    const execute: QmpSession['execute'] = (command, args = {}) => {
      const id = ++lastId;
      const reply = replies.to(id);
      socket.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`);
      return reply;
    };
    await execute('qmp_capabilities');
    return await work({ execute });
  } finally {
    socket.destroy();
  }
}

interface Waiting {
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
}

class QmpReplies {
  readonly greeting: Promise<unknown>;
  readonly #waiting = new Map<number, Waiting>();
  readonly #socket: Socket;
  #end: Error | undefined;
  #rest = '';

  constructor(socket: Socket) {
    this.#socket = socket;
    this.greeting = this.to(0);
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.#hear(text));
    socket.on('error', () => this.#fail('QEMU closed its control socket'));
    socket.on('close', () => this.#fail('QEMU closed its control socket'));
  }

  to(id: number): Promise<unknown> {
    if (this.#end) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#fail('QEMU does not answer on its control socket'), TIMEOUT_MS);
      this.#waiting.set(id, {
        resolve: (value) => {
          clearTimeout(timer);
          resolve(value);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
    });
  }

  /** Runs as the handler of an event, so nothing may be thrown here: what is wrong fails the session. */
  #hear(text: string): void {
    if (this.#end) return;
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') this.#take(line);
    if (this.#rest.length > MAX_LINE_LENGTH) this.#fail('QEMU sent a line without end on its control socket');
  }

  #take(line: string): void {
    const reply = replyIn(line);
    if (reply === undefined) {
      this.#fail('QEMU sent a line that is no QMP on its control socket');
      return;
    }
    const id = reply.QMP === undefined ? reply.id : 0;
    const waiting = id === undefined ? undefined : this.#waiting.get(id);
    if (id === undefined || !waiting) return;
    this.#waiting.delete(id);
    if (reply.error) waiting.reject(new ProviderError('backendUnavailable', `QEMU says: ${reply.error.desc ?? ''}`));
    else waiting.resolve(reply.return);
  }

  #fail(message: string): void {
    this.#end ??= new ProviderError('backendUnavailable', message);
    for (const { reject } of this.#waiting.values()) reject(this.#end);
    this.#waiting.clear();
    this.#rest = '';
    this.#socket.destroy();
  }
}

function replyIn(line: string): z.infer<typeof replySchema> | undefined {
  if (line.length > MAX_LINE_LENGTH) return undefined;
  try {
    return replySchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

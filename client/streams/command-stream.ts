/** A command in a VM: its input, its output as it comes, and how it ended. */
import { StreamError } from '../errors.ts';
import { untilSent, type WebSocketLike } from './web-socket.ts';

export interface TerminalSize {
  rows: number;
  columns: number;
}

export interface CommandStart {
  /** Program and arguments; no shell is between. */
  command: string[];
  env?: Record<string, string>;
  cwd?: string;
  /** The command is killed after this. Default: never. */
  timeoutSeconds?: number;
  /** A terminal of this size. Default: pipes. */
  tty?: TerminalSize;
}

export interface CommandHandlers {
  /** Standard output, or all of a terminal. While the promise is pending nothing more is read, where the platform can. */
  onOutput: (bytes: Uint8Array<ArrayBuffer>) => void | Promise<void>;
  onErrorOutput?: (bytes: Uint8Array<ArrayBuffer>) => void | Promise<void>;
}

/** How a command ended. */
export interface CommandExit {
  /** Null where a signal ended it. */
  exitCode: number | null;
  signal?: string;
  timedOut?: boolean;
}

type ServerMessage =
  { type: 'started' } | ({ type: 'exit' } & CommandExit) | { type: 'error'; code: string; detail: string };

const CHANNEL = { input: 0, output: 1, errorOutput: 2 } as const;

export class CommandStream {
  /** Resolves when it has ended and all its output was taken. @throws StreamError. */
  readonly exit: Promise<CommandExit>;
  private readonly socket: WebSocketLike;
  private readonly handlers: CommandHandlers;
  private readonly started: Deferred<undefined>;
  private readonly ended: Deferred<CommandExit>;
  private taken: Promise<void> = Promise.resolve();
  private isOpen = true;

  constructor(socket: WebSocketLike, handlers: CommandHandlers) {
    this.socket = socket;
    this.handlers = handlers;
    this.started = deferred();
    this.ended = deferred();
    this.exit = this.ended.promise;
    socket.addEventListener('message', ({ data }: { data: unknown }) => this.take(data));
    socket.addEventListener('close', () => {
      this.isOpen = false;
      this.fail(new StreamError('the connection to the command was lost'));
    });
  }

  /** @throws StreamError when it cannot be run. */
  start(start: CommandStart): Promise<void> {
    this.socket.send(JSON.stringify({ type: 'start', ...start }));
    return this.started.promise.then(() => undefined);
  }

  /** Standard input; resolves when more may be written. */
  async write(bytes: Uint8Array): Promise<void> {
    if (!this.isOpen || bytes.length === 0) return;
    const message = new Uint8Array(bytes.length + 1);
    message[0] = CHANNEL.input;
    message.set(bytes, 1);
    this.socket.send(message);
    await untilSent(this.socket, () => this.isOpen);
  }

  /** The input has ended; in a terminal, Ctrl-D. */
  end(): void {
    if (this.isOpen) this.socket.send(JSON.stringify({ type: 'end' }));
  }

  resize({ rows, columns }: TerminalSize): void {
    if (this.isOpen) this.socket.send(JSON.stringify({ type: 'resize', rows, columns }));
  }

  /** Hangs up, which ends the command. */
  close(): void {
    this.socket.close(1000);
  }

  private take(data: unknown): void {
    if (typeof data === 'string') {
      const message = JSON.parse(data) as ServerMessage;
      if (message.type === 'started') this.started.resolve(undefined);
      else if (message.type === 'exit') {
        const { exitCode, signal, timedOut } = message;
        const exit = {
          exitCode,
          ...(signal === undefined ? {} : { signal }),
          ...(timedOut === undefined ? {} : { timedOut }),
        };
        void this.taken.then(() => this.ended.resolve(exit));
      } else this.fail(new StreamError(message.detail, { code: message.code }));
      return;
    }
    const bytes = new Uint8Array(data as ArrayBuffer);
    const handler = bytes[0] === CHANNEL.errorOutput ? this.handlers.onErrorOutput : this.handlers.onOutput;
    const waits = handler?.(bytes.subarray(1));
    if (waits === undefined) return;
    this.socket.pause?.();
    this.taken = Promise.all([this.taken, waits.finally(() => this.socket.resume?.())]).then(
      () => undefined,
      () => this.close(),
    );
  }

  /** After the output that came before. */
  private fail(error: StreamError): void {
    void this.taken.then(() => {
      this.started.reject(error);
      this.ended.reject(error);
    });
  }
}

interface Deferred<Value> {
  promise: Promise<Value>;
  resolve: (value: Value) => void;
  reject: (error: Error) => void;
}

/** A promise that may fail though nobody waits for it. */
function deferred<Value>(): Deferred<Value> {
  let [resolve, reject]: [(value: Value) => void, (error: Error) => void] = [() => undefined, () => undefined];
  const promise = new Promise<Value>((resolved, rejected) => {
    resolve = resolved;
    reject = rejected;
  });
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}

/** A TCP connection into a VM. */
import { StreamError } from '../errors.ts';
import { untilSent, type WebSocketLike } from './web-socket.ts';

export interface PortHandlers {
  /** While the promise is pending nothing more is read, where the platform can. */
  onData: (bytes: Uint8Array<ArrayBuffer>) => void | Promise<void>;
  /** The VM sends nothing more; it may still be written to. */
  onEnd?: () => void;
  /** It is over; with an error where neither side meant it to be. */
  onClose: (error?: StreamError) => void;
}

const GOOD_CLOSE = 1000;

export class PortStream {
  private readonly socket: WebSocketLike;
  private isOpen = true;

  constructor(socket: WebSocketLike, handlers: PortHandlers) {
    this.socket = socket;
    let failure: StreamError | undefined;
    socket.addEventListener('message', ({ data }: { data: unknown }) => {
      if (typeof data === 'string') {
        const message = JSON.parse(data) as { type: string; code?: string; detail?: string };
        if (message.type === 'end') handlers.onEnd?.();
        else failure = new StreamError(message.detail ?? message.type, { code: message.code });
        return;
      }
      const waits = handlers.onData(new Uint8Array(data as ArrayBuffer));
      if (waits === undefined) return;
      socket.pause?.();
      void waits.then(
        () => socket.resume?.(),
        () => this.close(),
      );
    });
    socket.addEventListener('close', ({ code }: { code: number }) => {
      this.isOpen = false;
      const lost = code === GOOD_CLOSE ? undefined : new StreamError('the connection was lost');
      handlers.onClose(failure ?? lost);
    });
  }

  /** Resolves when more may be written. */
  async write(bytes: Uint8Array): Promise<void> {
    if (!this.isOpen || bytes.length === 0) return;
    this.socket.send(new Uint8Array(bytes));
    await untilSent(this.socket, () => this.isOpen);
  }

  /** Nothing more is sent; what comes is still taken. */
  end(): void {
    if (this.isOpen) this.socket.send(JSON.stringify({ type: 'end' }));
  }

  close(): void {
    this.socket.close(GOOD_CLOSE);
  }
}

/** A connection to Temporal that can be closed while calls are under way. */
import { InterceptingCall, Metadata, status, type Interceptor, type StatusObject } from '@grpc/grpc-js';
import { Connection, defaultGrpcRetryOptions, makeGrpcRetryInterceptor } from '@temporalio/client';
import type { TemporalConnectionOptions } from './temporal-connection.ts';

/** A call as grpc-js hands it from one interceptor to the next. */
type NextCall = ReturnType<Parameters<Interceptor>[1]>;

/**
 * Ends calls when their connection closes. The SDK tries a failed call again after a pause, also after the close, and
 * grpc-js throws then, in a timer, where nothing can catch it: the process would end. So one guard stands in front of
 * the retries and rejects open calls at once, and one behind them lets no further try reach the closed channel.
 */
class OpenCalls {
  readonly #enders = new Set<() => void>();
  #closed = false;

  end(): void {
    this.#closed = true;
    for (const endCall of [...this.#enders]) endCall();
  }

  readonly guard: Interceptor = (options, nextCall) => {
    const call = this.#closed ? closedCall() : nextCall(options);
    let endCall = (): void => undefined;
    return new InterceptingCall(call, {
      start: (metadata, listener, next) => {
        const settle = (): void => void this.#enders.delete(endCall);
        endCall = () => {
          settle();
          call.cancelWithStatus(CLOSED.code, CLOSED.details);
          listener.onReceiveMessage(null);
          listener.onReceiveStatus({ ...CLOSED, metadata: new Metadata() });
        };
        if (!this.#closed) this.#enders.add(endCall);
        next(metadata, {
          onReceiveStatus: (received, pass) => {
            settle();
            pass(received);
          },
        });
      },
      cancel: (next) => {
        // Between two tries there is nothing below that could be cancelled.
        if (this.#enders.has(endCall)) endCall();
        next();
      },
    });
  };
}

const CLOSED: Omit<StatusObject, 'metadata'> = { code: status.CANCELLED, details: 'the connection to Temporal closes' };

/** A call that never reaches the channel. */
function closedCall(): NextCall {
  return {
    cancelWithStatus: () => undefined,
    getPeer: () => 'none',
    getAuthContext: () => null,
    start: (_metadata, listener) => {
      process.nextTick(() => {
        listener?.onReceiveMessage?.(null);
        listener?.onReceiveStatus?.({ ...CLOSED, metadata: new Metadata() });
      });
    },
    sendMessage: () => undefined,
    sendMessageWithContext: () => undefined,
    startRead: () => undefined,
    halfClose: () => undefined,
  };
}

export interface ClosableConnection {
  /** Connects with its first call. */
  connection: Connection;
  /** Rejects the calls under way as cancelled, and closes; a later call is rejected too. */
  close: () => Promise<void>;
}

/** A connection whose calls, retries included, end when it is closed. */
export function closableConnection(options: TemporalConnectionOptions): ClosableConnection {
  const calls = new OpenCalls();
  const interceptors = [calls.guard, makeGrpcRetryInterceptor(defaultGrpcRetryOptions()), calls.guard];
  const connection = Connection.lazy({ ...options, interceptors });
  return {
    connection,
    close: async () => {
      calls.end();
      await connection.close();
    },
  };
}

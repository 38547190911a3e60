/** Joins the WebSocket of a client with a stream to a VM; each side sends no faster than the other reads. */
import type { RawData, WebSocket } from 'ws';
import type { StreamEnd } from '../../domain/agent/streams/frames.ts';
import { KeyEnded } from '../http/limits/open-requests.ts';
import type { HostStream } from './host-stream.ts';

export const CLOSE = { done: 1000, apiCloses: 1001, wrongMessage: 1008, broken: 1011 } as const;

/** How messages of a client and bytes of a stream become each other. */
export interface ClientCodec {
  /** The message for bytes of a channel; undefined: none. */
  toClient: (bytes: Buffer, channel: number) => Buffer | string | undefined;
  /** Undefined: nothing to send on. */
  fromClient: (bytes: Buffer) => { bytes: Uint8Array; channel: number } | undefined;
  /** A text message other than `end`; false: it is none. */
  fromClientText?: (message: unknown) => { bytes: Uint8Array; channel: number } | undefined | false;
  /** Once the VM sends nothing more the client needs no connection. */
  endsWithVm: boolean;
}

export function joinClient(client: WebSocket, host: HostStream, codec: ClientCodec, gone: AbortSignal): void {
  let underway = 0;
  let isOver = false;
  const forward = ({ bytes, channel }: { bytes: Uint8Array; channel: number }): void => {
    underway += 1;
    client.pause();
    host.write(bytes, channel, () => {
      underway -= 1;
      if (underway === 0) client.resume();
    });
  };
  client.on('message', (data, isBinary) => {
    if (isBinary) {
      const sent = codec.fromClient(data as Buffer);
      if (sent !== undefined) forward(sent);
      return;
    }
    const message = jsonIn(data);
    if (isEnd(message)) {
      host.sendEnd();
      return;
    }
    const sent = codec.fromClientText?.(message) ?? false;
    if (sent === false) client.close(CLOSE.wrongMessage, 'a text message is none that this path takes');
    else forward(sent);
  });
  client.on('close', (code) => {
    if (isOver) return;
    // Who closes in order has sent all that it wanted the VM to get.
    if (code === CLOSE.done || code === NO_CODE) host.leave();
    else host.cancel();
  });
  const close = (): void => {
    if (isOver) return;
    const { reason } = gone as { reason: unknown };
    if (reason instanceof KeyEnded) {
      isOver = true;
      client.resume();
      sayError(client, { code: 'unauthenticated', detail: reason.message });
    } else client.close(CLOSE.apiCloses, 'the API closes');
    host.cancel();
  };
  gone.addEventListener('abort', close, { once: true });
  if (gone.aborted) close();
  host.listen({
    data: (bytes, channel, done) => {
      const message = codec.toClient(bytes, channel);
      if (message === undefined) done();
      else client.send(message, done);
    },
    end: () => {
      if (!codec.endsWithVm) say(client, { type: 'end' });
      else {
        isOver = true;
        client.resume();
        client.close(CLOSE.done);
        host.cancel();
      }
    },
    closed: (end) => {
      gone.removeEventListener('abort', close);
      if (isOver) return;
      isOver = true;
      client.resume();
      if (end === null) client.close(CLOSE.done);
      else sayError(client, end);
    },
  });
}

/** A close without a code. */
const NO_CODE = 1005;

/** Tells why it ends, in a message and in the reason of the close. */
export function sayError(client: WebSocket, { code, detail }: StreamEnd | { code: string; detail: string }): void {
  say(client, { type: 'error', code, detail });
  client.close(CLOSE.broken, code);
}

export function say(client: WebSocket, message: object): void {
  if (client.readyState === client.OPEN) client.send(JSON.stringify(message));
}

export function jsonIn(data: RawData): unknown {
  try {
    return JSON.parse((data as Buffer).toString());
  } catch {
    return undefined;
  }
}

function isEnd(message: unknown): boolean {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === 'end';
}

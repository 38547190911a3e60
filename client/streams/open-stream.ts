/** Opens a WebSocket into a VM and says how it ended; what travels on it is of commands or of ports. */
import { StreamError } from '../errors.ts';
import { CommandStream, type CommandHandlers, type CommandStart } from './command-stream.ts';
import { PortStream, type PortHandlers } from './port-stream.ts';
import { globalWebSocket, type OpenWebSocket, type WebSocketLike } from './web-socket.ts';

export type { CommandStream, PortStream };

export interface StreamTarget {
  /** Of the API. */
  url: string;
  headers: Readonly<Record<string, string>>;
  openWebSocket: OpenWebSocket | undefined;
  /** Of the VM. */
  name: string;
}

export interface StreamOptions {
  /** Keeps the VM alive while it is open. Default: false. */
  countsAsConnection?: boolean;
}

/** @throws StreamError when the command cannot be run. */
export async function openCommand(
  target: StreamTarget,
  start: CommandStart,
  handlers: CommandHandlers,
  options: StreamOptions = {},
): Promise<CommandStream> {
  const socket = socketTo(target, '/exec', options);
  const stream = new CommandStream(socket, handlers);
  await opened(socket);
  await stream.start(start);
  return stream;
}

/** @throws StreamError when nothing listens there, or the VM cannot be reached. */
export async function openPort(
  target: StreamTarget,
  port: number,
  handlers: PortHandlers,
  options: StreamOptions = {},
): Promise<PortStream> {
  const socket = socketTo(target, `/ports/${port}`, options);
  const stream = new PortStream(socket, handlers);
  await opened(socket);
  return stream;
}

function socketTo(target: StreamTarget, path: string, { countsAsConnection = false }: StreamOptions): WebSocketLike {
  const query = countsAsConnection ? '?countsAsConnection=true' : '';
  const url = `${target.url.replace(/^http/, 'ws')}/v1/vms/${encodeURIComponent(target.name)}${path}${query}`;
  const socket = (target.openWebSocket ?? globalWebSocket)(url, target.headers);
  socket.binaryType = 'arraybuffer';
  return socket;
}

/** A refusal comes as an error whose cause says more where the platform shows it. */
function opened(socket: WebSocketLike): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.addEventListener('open', () => resolve());
    socket.addEventListener('error', ({ error, message }: { error?: unknown; message?: string }) => {
      if (error instanceof StreamError) reject(error);
      else reject(new StreamError(`the VM could not be reached (${message ?? 'the connection failed'})`));
    });
    socket.addEventListener('close', () => reject(new StreamError('the connection was closed before it was open')));
  });
}

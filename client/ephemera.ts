/**
 * The client of Ephemera: typed by openapi.json, for Node, Bun and browsers.
 *
 *     const ephemera = new Ephemera({ url: 'http://127.0.0.1:7400', key });
 *     await using lobby = await ephemera.vms.create({ name: 'lobby', template: 'chat' }, { wait: 'ready' });
 */
import type { components } from './api-types.ts';
import { streamEvents, type EventOptions, type StreamedEvent } from './events.ts';
import { HttpClient, type CallOptions, type HttpOptions } from './http.ts';
import type { AnswerOf, InputOf, OperationId } from './operation-types.ts';
import type { OpenWebSocket } from './streams/web-socket.ts';
import { Vms } from './vms.ts';

export { ApiError, ApiUnreachable, StreamError, VmEnded, WaitTimeout } from './errors.ts';
export type { CallOptions } from './http.ts';
export type { AnswerOf, InputOf, OperationId } from './operation-types.ts';
export type { EventOptions, StreamedEvent, VmEvent } from './events.ts';
export type { CommandExit, CommandStart, TerminalSize } from './streams/command-stream.ts';
export type { WebSocketLike } from './streams/web-socket.ts';
export type { WaitGoal, WaitOptions } from './waits.ts';
export type { CreateVm, OwnedVm } from './vms.ts';

type Schemas = components['schemas'];
export type Vm = Schemas['Vm'];
export type Template = Schemas['Template'];
export type Pool = Schemas['Pool'];
export type Image = Schemas['Image'];
export type MachineImage = Schemas['MachineImage'];
export type Session = Schemas['Session'];
export type Host = Schemas['Host'];
export type Problem = Schemas['Problem'];
export type TimelineEntry = Schemas['TimelineEntry'];

export interface EphemeraOptions extends HttpOptions {
  /** Opens WebSockets with headers. Default: the global one; on Node 20 give one of the package `ws`. */
  webSocket?: OpenWebSocket;
}

export class Ephemera {
  readonly vms: Vms;
  private readonly http: HttpClient;

  constructor({ webSocket, ...http }: EphemeraOptions) {
    this.http = new HttpClient(http);
    this.vms = new Vms(this.http, webSocket);
  }

  /** Where the API is, without a slash at its end. */
  get url(): string {
    return this.http.url;
  }

  /**
   * Any request of the API by its `operationId`, for what has no method here: `call('listPools', {})`.
   * @throws ApiError, ApiUnreachable.
   */
  call<Id extends OperationId>(id: Id, input: InputOf<Id>, options?: CallOptions): Promise<AnswerOf<Id>> {
    return this.http.call(id, input, options);
  }

  /** What happens to the VMs of the project, from now on or from where one was; goes on after cuts. */
  events(options: EventOptions = {}): AsyncGenerator<StreamedEvent, void> {
    return streamEvents(this.http, options);
  }
}

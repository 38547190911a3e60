/** VMs: made, found, waited for, changed and ended. */
import type { components } from './api-types.ts';
import { ApiError, VmEnded, WaitTimeout } from './errors.ts';
import type { CallOptions, HttpClient } from './http.ts';
import { randomKey } from './http.ts';
import type { AnswerOf, InputOf } from './operation-types.ts';
import {
  openCommand,
  openPort,
  type CommandStream,
  type PortStream,
  type StreamOptions,
} from './streams/open-stream.ts';
import type { CommandStart, CommandHandlers } from './streams/command-stream.ts';
import type { PortHandlers } from './streams/port-stream.ts';
import type { OpenWebSocket } from './streams/web-socket.ts';
import { waitFor, type Vm, type WaitGoal, type WaitOptions } from './waits.ts';

export type CreateVm = components['schemas']['CreateVm'];

/** A VM that ends with the block that made it: `await using vm = await ephemera.vms.create(…)`. */
export type OwnedVm = Vm & AsyncDisposable;

export interface ReadyOptions extends WaitOptions {
  /** `ready`: resolves once it is ready. Default: at once. */
  wait?: 'ready' | undefined;
}

export interface CreateOptions extends ReadyOptions {
  /** Makes the create repeatable by another program, too. Default: one of its own for each call. */
  idempotencyKey?: string | undefined;
}

export interface DeleteOptions extends WaitOptions {
  /** `destroyed`: resolves once the machine is confirmed gone. Default: at once. */
  wait?: 'destroyed' | undefined;
  /** This life of the name alone. Default: the one that is there now. */
  uid?: string | undefined;
  /** Needs an admin key: ends it also where its machine cannot be destroyed. */
  force?: boolean | undefined;
}

export interface ForceOptions extends CallOptions {
  /** Though the VM has users, whom it cuts off. */
  force?: boolean | undefined;
}

/** What a server waits for in one request; a longer wait asks again. */
const LONGEST_REQUEST_SECONDS = 60;
const DEFAULT_TIMEOUT_SECONDS = 60;
const EXEC_SECONDS = 60;

export class Vms {
  private readonly http: HttpClient;
  private readonly openWebSocket: OpenWebSocket | undefined;

  constructor(http: HttpClient, openWebSocket: OpenWebSocket | undefined) {
    this.http = http;
    this.openWebSocket = openWebSocket;
  }

  /** One page, oldest first. */
  list(filter: InputOf<'listVms'> = {}, options?: CallOptions): Promise<AnswerOf<'listVms'>> {
    return this.http.call('listVms', filter, options);
  }

  /** All pages, one VM after the other. */
  async *all(filter: InputOf<'listVms'> = {}, options?: CallOptions): AsyncGenerator<Vm, void, undefined> {
    let pageToken: string | undefined;
    do {
      const page = await this.list({ pageSize: 1000, ...filter, pageToken }, options);
      yield* page.vms;
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
  }

  /** @throws ApiError `unknownVm`. */
  get(name: string, options?: CallOptions & { fresh?: boolean }): Promise<Vm> {
    return this.http.call('getVm', { name, fresh: options?.fresh }, options);
  }

  /**
   * Makes a VM, or gets the live one of that name. However often its answer is lost, one VM is made.
   * @throws ApiError; with `wait` also VmEnded and WaitTimeout.
   */
  async create(spec: CreateVm = {}, options: CreateOptions = {}): Promise<OwnedVm> {
    const input = { 'Idempotency-Key': options.idempotencyKey ?? randomKey(), body: spec };
    const vm = await this.untilReady(options, (wait) => this.http.call('createVm', { ...input, ...wait }, options));
    return this.owned(vm);
  }

  /** Starts a VM that was closed again, with its files. */
  async reopen(name: string, options: CreateOptions = {}): Promise<OwnedVm> {
    const input = { name, 'Idempotency-Key': options.idempotencyKey ?? randomKey() };
    const vm = await this.untilReady(options, (wait) => this.http.call('reopenVm', { ...input, ...wait }, options));
    return this.owned(vm);
  }

  start(name: string, options: ReadyOptions = {}): Promise<Vm> {
    return this.untilReady(options, (wait) => this.http.call('startVm', { name, ...wait }, options));
  }

  resume(name: string, options: ReadyOptions = {}): Promise<Vm> {
    return this.untilReady(options, (wait) => this.http.call('resumeVm', { name, ...wait }, options));
  }

  /** Ends one life of a name: the one of `uid`, else the one that is there now. Asked again it ends no later one. */
  async delete(name: string, options: DeleteOptions = {}): Promise<Vm> {
    const { force, wait } = options;
    const uid = options.uid ?? (await this.get(name, options)).uid;
    const vm = await this.http.call('destroyVm', { name, uid, force }, options).catch(async (error: unknown) => {
      // What was seen was a life that had ended just now.
      if (options.uid !== undefined || !(error instanceof ApiError) || error.code !== 'otherLife') throw error;
      const { uid: present } = await this.get(name, { ...options, fresh: true });
      return this.http.call('destroyVm', { name, uid: present, force }, options);
    });
    return wait === undefined ? vm : await this.waitFrom(vm, 'ended', options);
  }

  /** Lets nobody new in; the VM goes when its last user has left. */
  drain(name: string, options?: CallOptions): Promise<Vm> {
    return this.http.call('drainVm', { name }, options);
  }

  undrain(name: string, options?: CallOptions): Promise<Vm> {
    return this.http.call('undrainVm', { name }, options);
  }

  /** Keeps it for so long though it is empty; 0 ends a hold. */
  hold(name: string, seconds: number, options?: CallOptions): Promise<Vm> {
    return this.http.call('holdVm', { name, body: { seconds } }, options);
  }

  stop(name: string, options: ForceOptions = {}): Promise<Vm> {
    return this.http.call('stopVm', { name, force: options.force }, options);
  }

  suspend(name: string, options: ForceOptions = {}): Promise<Vm> {
    return this.http.call('suspendVm', { name, force: options.force }, options);
  }

  /** Keeps its disk as an image, and ends it; {@link reopen}, or a create of its name, brings it back. */
  close(name: string, options: ForceOptions = {}): Promise<Vm> {
    return this.http.call('closeVm', { name, force: options.force }, options);
  }

  snapshot(name: string, image: components['schemas']['Snapshot'] = {}, options: ForceOptions = {}): Promise<Vm> {
    return this.http.call('snapshotVm', { name, force: options.force, body: image }, options);
  }

  async timeline(name: string, options?: CallOptions): Promise<components['schemas']['TimelineEntry'][]> {
    return (await this.http.call('getTimeline', { name }, options)).events;
  }

  /** The last 64 KiB that the machine wrote to its console. */
  async console(name: string, options: CallOptions & { raw?: boolean } = {}): Promise<string> {
    return (await this.http.answer('getConsole', { name, raw: options.raw }, options)).text();
  }

  /** Resolves once the VM is as wished, however often the API is away meanwhile. */
  async wait(name: string, goal: WaitGoal, options: WaitOptions = {}): Promise<Vm> {
    return waitFor({ name, goal, read: (signal) => this.get(name, { signal }) }, options);
  }

  /** Goes on from what an action answered: an older view is left aside, and so is another life of the name. */
  waitFrom(seen: Vm, goal: WaitGoal, options: WaitOptions = {}): Promise<Vm> {
    const { name } = seen;
    return waitFor({ name, goal, seen, read: (signal) => this.get(name, { signal }) }, options);
  }

  /** Runs a command and waits for its end; at most 1 MiB of each output comes. For more, {@link openCommand}. */
  exec(
    name: string,
    command: InputOf<'runCommand'>['body'],
    options: CallOptions = {},
  ): Promise<AnswerOf<'runCommand'>> {
    const deadlineSeconds = options.deadlineSeconds ?? (command.timeoutSeconds ?? EXEC_SECONDS) + EXEC_SECONDS;
    return this.http.call('runCommand', { name, body: command }, { ...options, deadlineSeconds });
  }

  /** Runs a command with its input and output as they come, or a terminal. */
  openCommand(
    name: string,
    start: CommandStart,
    handlers: CommandHandlers,
    options?: StreamOptions,
  ): Promise<CommandStream> {
    return openCommand(this.target(name), start, handlers, options);
  }

  /** A TCP connection to a port on the loopback of the VM. */
  openPort(name: string, port: number, handlers: PortHandlers, options?: StreamOptions): Promise<PortStream> {
    return openPort(this.target(name), port, handlers, options);
  }

  /** A tar of a file or directory in the VM. One that is cut off ends with an error. */
  async readFiles(name: string, path: string, options?: CallOptions): Promise<ReadableStream<Uint8Array>> {
    const { body } = await this.http.answer('readFiles', { name, path }, options);
    if (body === null) throw new Error('the API sent no files');
    return body;
  }

  /** Unpacks a tar in a directory of the VM, which is made where it is missing. */
  async writeFiles(
    name: string,
    path: string,
    tar: ReadableStream<Uint8Array> | Uint8Array,
    options: CallOptions = {},
  ) {
    const body = tar as unknown as string;
    // A tar may be long, and the answer comes after its end.
    await this.http.answer('writeFiles', { name, path, body }, { deadlineSeconds: 24 * 3600, ...options });
  }

  private target(name: string) {
    const { url, headers } = this.http;
    return { url, headers, openWebSocket: this.openWebSocket, name };
  }

  /** Waits in requests of the server; where the caller wants to see what happens, by looking. */
  private async untilReady(
    options: ReadyOptions,
    ask: (wait: { wait?: 'ready'; timeoutSeconds?: number }) => Promise<Vm>,
  ): Promise<Vm> {
    const { wait, timeoutSeconds = DEFAULT_TIMEOUT_SECONDS, onChange } = options;
    if (wait === undefined) return ask({});
    if (onChange !== undefined) return this.waitFrom(await ask({}), 'ready', options);
    const until = performance.now() + timeoutSeconds * 1000;
    for (;;) {
      const leftSeconds = Math.ceil((until - performance.now()) / 1000);
      const seconds = Math.max(1, Math.min(leftSeconds, LONGEST_REQUEST_SECONDS));
      const vm = await ask({ wait, timeoutSeconds: seconds }).catch((error: unknown) => {
        const ended = error instanceof ApiError && NOT_READY.includes(error.code ?? '') ? error.problem?.vm : undefined;
        throw ended === undefined ? error : new VmEnded(ended, 'ready');
      });
      if (vm.state === 'running' || vm.state === 'draining') return vm;
      if (performance.now() >= until) throw new WaitTimeout(vm.name, 'ready', timeoutSeconds, vm);
    }
  }

  private owned(vm: Vm): OwnedVm {
    const dispose = async (): Promise<void> => {
      await this.delete(vm.name, { uid: vm.uid }).catch((error: unknown) => {
        if (!(error instanceof ApiError && (error.code === 'unknownVm' || error.code === 'otherLife'))) throw error;
      });
    };
    return Object.defineProperty(vm, Symbol.asyncDispose, { value: dispose, enumerable: false }) as OwnedVm;
  }
}

const NOT_READY = ['endedBeforeReady', 'startFailed'];

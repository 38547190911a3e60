/**
 * The room of this host: how much machines take, and the queue of those that wait for some. Which machines there
 * are is asked of the providers, so a restart forgets none; only what is being created right now, and who waits,
 * is kept in memory. One worker for each host: two would not see each other's reservations.
 */
import type { Logger } from 'pino';
import type { MachineRoom, RoomAnswer } from '../activities/machine-room.ts';
import type { Machine, MachineProvider } from '../domain/machine-provider.ts';
import { ProviderError } from '../domain/provider-error.ts';
import {
  NO_ROOM,
  admitted,
  freeRoom,
  inOrderOfAsking,
  sumOf,
  tooBigText,
  waitingText,
  type RoomRequest,
  type RoomSize,
} from '../domain/room.ts';

export interface HostRoomOptions {
  total: RoomSize;
  /** Whose machines take room. */
  providers: readonly Pick<MachineProvider, 'list'>[];
  log: Logger;
  waits?: Partial<HostRoomWaits>;
}

export interface HostRoomWaits {
  /** The first wait is short, so that a person soon sees why. */
  firstMs: number;
  laterMs: number;
  /** Whoever does not come back for so long has given up. */
  forgetMs: number;
  /** How often the providers are asked while somebody waits. */
  relistMs: number;
  /** More do not wait here, only in the queue: their activities would take the place of those that make room. */
  mostAtOnce: number;
}

const WAITS: HostRoomWaits = { firstMs: 2000, laterMs: 20_000, forgetMs: 60_000, relistMs: 5000, mostAtOnce: 200 };
const ASK_AGAIN_MS = { near: 500, far: 10_000 } as const;
const RESERVED: RoomAnswer = { kind: 'reserved' };

interface Ticket extends RoomRequest {
  /** Wakes each call that waits with it now. */
  waiting: Set<() => void>;
  seenAt: number;
  refusals: number;
}

interface Holding {
  size: RoomSize;
  /** Creates that run now. */
  creating: number;
  /** Its create ran, so there is a machine if the provider says so; else the room waits for its create. */
  begun: boolean;
  since: number;
}

export class HostRoom implements MachineRoom {
  private readonly options: HostRoomOptions;
  private readonly waits: HostRoomWaits;
  private readonly holdings = new Map<string, Holding>();
  private readonly queue = new Map<string, Ticket>();
  private listing: Promise<void> | null = null;
  /** Ids that changed here while the providers are being asked: their answer may be older. */
  private readonly changed = new Set<string>();
  private listedAt = -Infinity;

  constructor(options: HostRoomOptions) {
    this.options = options;
    this.waits = { ...WAITS, ...options.waits };
  }

  async reserve(request: RoomRequest, signal: AbortSignal): Promise<RoomAnswer> {
    if (this.listedAt === -Infinity) await this.relist();
    signal.throwIfAborted();
    if (this.begin(request.machineId)) return RESERVED;
    const impossible = tooBigText(request.size, this.options.total);
    if (impossible !== undefined) throw new ProviderError('tooBig', impossible);
    return this.waitForTurn(this.ticketOf(request), signal);
  }

  settle(machineId: string): void {
    const held = this.holdings.get(machineId);
    if (held === undefined) return;
    this.noteChange(machineId);
    held.creating = Math.max(0, held.creating - 1);
    // What failed may have left nothing behind; an answer that is already under way may be older than this.
    (this.listing ?? Promise.resolve()).then(() => this.relist()).catch(() => undefined);
  }

  release(machineId: string): void {
    this.noteChange(machineId);
    this.holdings.delete(machineId);
    this.unqueue(machineId);
    this.giveRoom();
  }

  /** What machines and creates take now, and how many wait. */
  usage(): { total: RoomSize; taken: RoomSize; waiting: number } {
    return { total: this.options.total, taken: this.taken(), waiting: this.queue.size };
  }

  /** True when the machine has room, which its create uses from now on. */
  private begin(machineId: string): boolean {
    const held = this.holdings.get(machineId);
    if (held === undefined) return false;
    held.creating += 1;
    held.begun = true;
    return true;
  }

  private ticketOf(request: RoomRequest): Ticket {
    const known = this.queue.get(request.machineId);
    const ticket = known ?? { ...request, waiting: new Set(), seenAt: 0, refusals: 0 };
    ticket.seenAt = Date.now();
    this.queue.set(request.machineId, ticket);
    this.giveRoom();
    return ticket;
  }

  private async waitForTurn(ticket: Ticket, signal: AbortSignal): Promise<RoomAnswer> {
    const { firstMs, laterMs, relistMs } = this.waits;
    const patienceMs = !this.isNear(ticket) ? 0 : ticket.refusals === 0 ? firstMs : laterMs;
    const deadline = Date.now() + patienceMs;
    for (;;) {
      if (this.begin(ticket.machineId)) return RESERVED;
      const leftMs = deadline - Date.now();
      if (leftMs <= 0 || this.queue.get(ticket.machineId) !== ticket) return this.refuse(ticket);
      try {
        await wokenOrAfter(ticket.waiting, Math.min(leftMs, relistMs), signal);
      } catch (error) {
        this.abandon(ticket);
        throw error;
      }
      if (Date.now() - this.listedAt >= relistMs) await this.relist().catch(() => undefined);
    }
  }

  private refuse(ticket: Ticket): RoomAnswer {
    ticket.refusals += 1;
    ticket.seenAt = Date.now();
    const free = freeRoom(this.options.total, this.taken());
    const message = waitingText(ticket.size, free, this.ahead(ticket));
    return { kind: 'refused', message, askAgainMs: this.isNear(ticket) ? ASK_AGAIN_MS.near : ASK_AGAIN_MS.far };
  }

  /** The last call that waited with this ticket was cancelled: its place, or the room just given, goes to the next. */
  private abandon(ticket: Ticket): void {
    if (ticket.waiting.size > 0) return;
    if (this.holdings.get(ticket.machineId)?.begun !== true) this.release(ticket.machineId);
  }

  private unqueue(machineId: string): void {
    const ticket = this.queue.get(machineId);
    this.queue.delete(machineId);
    for (const wake of [...(ticket?.waiting ?? [])]) wake();
  }

  /** To everybody whose turn it is, also to those that are just between two tries. */
  private giveRoom(): void {
    const now = Date.now();
    for (const { machineId, waiting, seenAt } of this.queue.values()) {
      if (waiting.size === 0 && now - seenAt > this.waits.forgetMs) this.queue.delete(machineId);
    }
    const order = inOrderOfAsking(this.queue.values());
    for (const { machineId, size } of admitted(this.options.total, this.taken(), order)) {
      this.noteChange(machineId);
      this.holdings.set(machineId, { size, creating: 0, begun: false, since: now });
      this.unqueue(machineId);
    }
  }

  private isNear(ticket: Ticket): boolean {
    return this.ahead(ticket) < this.waits.mostAtOnce;
  }

  private ahead({ machineId }: Ticket): number {
    return Math.max(
      0,
      inOrderOfAsking(this.queue.values()).findIndex((other) => other.machineId === machineId),
    );
  }

  private taken(): RoomSize {
    return sumOf([...this.holdings.values()].map(({ size }) => size));
  }

  private noteChange(machineId: string): void {
    if (this.listing !== null) this.changed.add(machineId);
  }

  /** Asks the providers which machines there are. Rejects when one cannot tell; then what is known stays. */
  private relist(): Promise<void> {
    this.listing ??= this.listNow().finally(() => {
      this.listing = null;
      this.changed.clear();
    });
    return this.listing;
  }

  private async listNow(): Promise<void> {
    const { providers, log } = this.options;
    const { signal } = new AbortController();
    try {
      const lists = await Promise.all(providers.map((provider) => provider.list(signal)));
      this.take(lists.flat());
    } catch (error) {
      log.warn({ err: error }, 'the machines that take room could not be listed');
      throw error;
    }
  }

  private take(machines: Machine[]): void {
    const now = Date.now();
    const sizes = new Map(machines.map((machine) => [machine.machineId, sizeOf(machine)]));
    for (const [machineId, size] of sizes) {
      // A create may still be bringing up what looks ended, so its room stays as it was asked.
      if (this.changed.has(machineId) || (this.holdings.get(machineId)?.creating ?? 0) > 0) continue;
      this.unqueue(machineId);
      this.holdings.set(machineId, { size, creating: 0, begun: true, since: now });
    }
    for (const [machineId, { creating, begun, since }] of this.holdings) {
      if (sizes.has(machineId) || this.changed.has(machineId) || creating > 0) continue;
      if (begun || now - since > this.waits.forgetMs) this.holdings.delete(machineId);
    }
    this.listedAt = now;
    this.giveRoom();
  }
}

/** A machine that ended by itself has given back all but its disk. */
function sizeOf({ size = NO_ROOM, status }: Machine): RoomSize {
  return status === 'ended' ? { ...NO_ROOM, diskGb: size.diskGb } : size;
}

/** Resolves when woken or after `ms`; rejects with the reason of the signal. */
function wokenOrAfter(waiting: Set<() => void>, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
      waiting.delete(wake);
      settle();
    };
    const wake = (): void => end(resolve);
    const aborted = (): void => end(() => reject(signal.reason as Error));
    const timer = setTimeout(wake, ms);
    waiting.add(wake);
    signal.addEventListener('abort', aborted, { once: true });
    if (signal.aborted) aborted();
  });
}

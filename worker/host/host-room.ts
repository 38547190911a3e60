/**
 * The room of this host: how much machines, and images made of their disks, take. Which there are is asked of the providers,
 * so a restart forgets none; only what is being created right now is kept in memory. One worker for each host: two would not
 * see each other's reservations.
 */
import type { Logger } from 'pino';
import type { Machine, MachineImage, MachineProvider } from '../../domain/machine/provider.ts';
import {
  NO_ROOM,
  diskOf,
  fits,
  freeRoom,
  sumOf,
  takenBy,
  type RoomRequest,
  type RoomSize,
} from '../../domain/capacity/room.ts';

export interface HostRoomOptions {
  total: RoomSize;
  /** Whose machines, and images of machines, take room. */
  providers: readonly Pick<MachineProvider, 'list' | 'images'>[];
  log: Logger;
  /** How often the providers are asked while somebody waits. */
  relistMs?: number;
}

const GB = 1024 ** 3;
const RELIST_MS = 5000;
/** A start that has not asked again for so long waits no more: its VM is stopped, or has ended. */
const START_WAITS_MS = 15_000;

/** A start that found no room. */
interface WaitingStart {
  /** What it needs beside the disk that it has. */
  needs: RoomSize;
  askedAt: number;
}

interface Holding {
  size: RoomSize;
  /** Creates that run now; with none there is a machine if the provider says so. */
  creating: number;
}

export class HostRoom {
  /** How many creates wait that this host could take; whoever pulls them says so. */
  waiting: () => number = () => 0;
  private readonly options: HostRoomOptions;
  private readonly holdings = new Map<string, Holding>();
  /** In the order in which they first asked. */
  private readonly waitingStarts = new Map<string, WaitingStart>();
  private listing: Promise<void> | null = null;
  /** Ids that changed here while the providers are being asked: their answer may be older. */
  private readonly changed = new Set<string>();
  private listedAt = -Infinity;
  private imagesGb = 0;
  private readonly roomListeners = new Set<() => void>();

  constructor(options: HostRoomOptions) {
    this.options = options;
  }

  get total(): RoomSize {
    return this.options.total;
  }

  /** Resolves when it is known which machines take room. Rejects while no provider can tell. */
  async ready(): Promise<void> {
    if (this.listedAt === -Infinity) await this.relist();
  }

  /**
   * What creates may have: what neither machines take nor starts wait for, which can be made on this host alone. Nothing
   * while it is not known which machines there are.
   */
  free(): RoomSize {
    return this.freeBeside(this.startsBefore(null));
  }

  /** Reserves room for the machine at once if it fits; true also for a machine that has its room already. */
  admit({ machineId, size }: Pick<RoomRequest, 'machineId' | 'size'>): boolean {
    const held = this.holdings.get(machineId);
    if (held !== undefined) {
      held.creating += 1;
      return true;
    }
    if (this.listedAt === -Infinity || !fits(size, this.free())) return false;
    this.noteChange(machineId);
    this.holdings.set(machineId, { size, creating: 1 });
    return true;
  }

  /**
   * As {@link admit}, for a machine that is stopped and holds its disk alone. One that finds no room is the next to get it,
   * after the starts that found none before it: no create gets what one of them waits for.
   */
  admitStart({ machineId, size }: Pick<RoomRequest, 'machineId' | 'size'>): boolean {
    const held = this.holdings.get(machineId);
    if (held !== undefined && held.creating > 0) return this.admit({ machineId, size });
    const { size: kept } = held ?? { size: NO_ROOM };
    if (this.listedAt === -Infinity || !fits(size, sumOf([this.waitOf(machineId).free, kept]))) {
      // For what would never fit nothing is kept free.
      if (fits(size, this.options.total))
        this.waitingStarts.set(machineId, { needs: freeRoom(size, kept), askedAt: Date.now() });
      return false;
    }
    this.waitingStarts.delete(machineId);
    this.noteChange(machineId);
    this.holdings.set(machineId, { size, creating: 1 });
    return true;
  }

  /** What is free for a start, and how many starts wait before it. */
  waitOf(machineId: string): { free: RoomSize; ahead: number } {
    const before = this.startsBefore(machineId);
    return { free: this.freeBeside(before), ahead: before.length };
  }

  /** The machine is seen stopped: what it had besides its disk is free at once. */
  stopped(machineId: string): void {
    const held = this.holdings.get(machineId);
    this.waitingStarts.delete(machineId);
    if (held === undefined) return;
    this.noteChange(machineId);
    this.holdings.set(machineId, { ...held, size: diskOf(held.size) });
    this.notify();
  }

  holds(machineId: string): boolean {
    return this.holdings.has(machineId);
  }

  /** Asks the providers anew when that was long ago: machines end without anybody saying so. */
  async refresh(): Promise<void> {
    const { relistMs = RELIST_MS } = this.options;
    if (Date.now() - this.listedAt >= relistMs) await this.relist().catch(() => undefined);
  }

  /** Calls back whenever room was given back or machines were counted anew. */
  onRoom(listener: () => void): void {
    this.roomListeners.add(listener);
  }

  /** The create ended, well or not: from now on the provider says whether the machine is there. */
  settle(machineId: string): void {
    const held = this.holdings.get(machineId);
    if (held === undefined) return;
    this.noteChange(machineId);
    held.creating = Math.max(0, held.creating - 1);
    // What failed may have left nothing behind.
    void this.recount();
  }

  /** Counts machines and images as they are now. Resolves also where a provider cannot tell; then what is known stays. */
  recount(): Promise<void> {
    // An answer that is already under way may be older than this.
    const underWay = (this.listing ?? Promise.resolve()).catch(() => undefined);
    return underWay.then(() => this.relist()).catch(() => undefined);
  }

  /** The machine is gone, and with it its room. */
  release(machineId: string): void {
    this.noteChange(machineId);
    this.waitingStarts.delete(machineId);
    this.holdings.delete(machineId);
    this.notify();
  }

  /** What machines and creates take now, and how many wait. */
  usage(): { total: RoomSize; taken: RoomSize; waiting: number } {
    return { total: this.options.total, taken: this.taken(), waiting: this.waiting() };
  }

  /** What the starts need that wait and asked before this one did; null: all of them. */
  private startsBefore(machineId: string | null): RoomSize[] {
    const needs: RoomSize[] = [];
    for (const [id, start] of this.waitingStarts) {
      if (id === machineId) break;
      if (Date.now() - start.askedAt < START_WAITS_MS) needs.push(start.needs);
      else this.waitingStarts.delete(id);
    }
    return needs;
  }

  private freeBeside(waited: readonly RoomSize[]): RoomSize {
    return this.listedAt === -Infinity ? NO_ROOM : freeRoom(this.options.total, sumOf([this.taken(), ...waited]));
  }

  private taken(): RoomSize {
    const ofMachines = [...this.holdings.values()].map(({ size }) => size);
    return sumOf([...ofMachines, { ...NO_ROOM, diskGb: this.imagesGb }]);
  }

  private notify(): void {
    for (const listener of this.roomListeners) listener();
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
      const lists = await Promise.all(providers.map((provider) => provider.list({ signal })));
      const listed = providers.flatMap(({ images }) => (images === undefined ? [] : [images.list({ signal })]));
      const images = await Promise.all(listed);
      this.imagesGb = wholeGb(images.flat());
      this.take(lists.flat());
    } catch (error) {
      log.warn({ err: error }, 'the machines and images that take room could not be listed');
      throw error;
    }
  }

  private take(machines: Machine[]): void {
    const sizes = new Map(machines.map((machine) => [machine.machineId, takenBy(machine)]));
    for (const [machineId, size] of sizes) {
      // A create may still be bringing up what looks ended, so its room stays as it was asked.
      if (this.changed.has(machineId) || (this.holdings.get(machineId)?.creating ?? 0) > 0) continue;
      this.holdings.set(machineId, { size, creating: 0 });
    }
    for (const [machineId, { creating }] of this.holdings) {
      if (!sizes.has(machineId) && !this.changed.has(machineId) && creating === 0) this.holdings.delete(machineId);
    }
    this.listedAt = Date.now();
    this.notify();
  }
}

/** Of what is less than a gigabyte the reserve of the host takes care. */
function wholeGb(images: readonly MachineImage[]): number {
  return Math.floor(images.reduce((bytes, { sizeBytes = 0 }) => bytes + sizeBytes, 0) / GB);
}

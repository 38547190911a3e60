import type { Logger } from 'pino';
import type { Vm } from '../../client/api-client.ts';
import type { GatewayMeter } from '../gateway-meter.ts';
import { Refused, refusal } from '../refusal.ts';
import type { ApiCalls } from './api-calls.ts';

interface Counted {
  project: string;
  name: string;
  open: number;
  /** The API was told so; 0 before the first time, {@link UNHEARD} where it may not have heard the last. */
  told: number;
  toldAt: number;
  /** Since when none is open. */
  emptySince: number;
  /** Since when at least one was open all the time. */
  openSince: number;
  /** Its agent counts, or nobody is told. */
  isCountedElsewhere: boolean;
  telling: boolean;
}

export interface CountOptions {
  calls: Pick<ApiCalls, 'count'>;
  log: Pick<Logger, 'warn'>;
  meter?: Pick<GatewayMeter, 'leavesCountUnsaid'>;
  /** Names this gateway to the VMs. */
  by: string;
  /** How long a count holds unless it is said again; 0: none is said. */
  leaseSeconds: number;
  maxPerVm: number;
  now?: () => number;
}

/**
 * A count holds for as long as somebody had been connected when it was said, up to this: an API that is down for less ends no VM of
 * theirs. A gateway that is killed keeps a VM for no longer than it was used.
 */
const LONGEST_LEASE_SECONDS = 3600;
/** A count is said again so many times while the shortest one holds. */
const TIMES_IN_LEASE = 3;
const TICK_MS = 500;
const UNHEARD = -1;

/**
 * The open connections to each VM. Where no agent counts them the API is told: of the first one at once, of others now and then, and of
 * the last one after a moment, for a browser that loads a page opens and closes many. What this gateway said is over by itself
 * when it does not say it again, so a gateway that dies keeps no VM alive for long.
 */
export class ConnectionCounts {
  readonly #options: CountOptions;
  readonly #now: () => number;
  readonly #vms = new Map<string, Counted>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: CountOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#timer = setInterval(() => void this.#tellAll(), TICK_MS).unref();
  }

  /** Counts one more until the answer is called. @throws Refused where the VM has as many as it may. */
  open(vm: Vm): () => void {
    const key = `${vm.project}/${vm.name}/${vm.uid}`;
    const counted = this.#vms.get(key) ?? this.#added(key, vm);
    if (counted.open >= this.#options.maxPerVm) throw new Refused(refusal('tooManyConnections'));
    if (counted.open === 0) counted.openSince = this.#now();
    counted.open += 1;
    if (counted.told === 0) void this.#tell(key, counted, counted.open);
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      counted.open -= 1;
      counted.emptySince = this.#now();
      if (counted.open === 0 && counted.isCountedElsewhere) this.#vms.delete(key);
    };
  }

  /** Says of each VM that nobody is there by this gateway any more. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    const told = [...this.#vms].filter(([, { told }]) => told !== 0);
    this.#vms.clear();
    await Promise.all(told.map(([key, counted]) => this.#tell(key, counted, 0)));
  }

  #added(key: string, { project, name, spec, countedBy }: Vm): Counted {
    const isCountedElsewhere =
      this.#options.leaseSeconds === 0 || spec.readiness.kind === 'agent' || countedBy === 'agent';
    const counted = {
      project,
      name,
      open: 0,
      told: 0,
      toldAt: 0,
      emptySince: 0,
      openSince: 0,
      isCountedElsewhere,
      telling: false,
    };
    this.#vms.set(key, counted);
    return counted;
  }

  async #tellAll(): Promise<void> {
    const periodMs = (this.#options.leaseSeconds * 1000) / TIMES_IN_LEASE;
    const now = this.#now();
    for (const [key, { open, told, telling }] of this.#vms) {
      if (open === 0 && told === 0 && !telling) this.#vms.delete(key);
    }
    const due = [...this.#vms].filter(([, { open, told, toldAt, emptySince }]) => {
      if (now < toldAt + periodMs / 6) return false;
      if (open === 0) return now >= emptySince + periodMs / 2;
      return open !== told || now >= toldAt + periodMs;
    });
    await Promise.all(due.map(([key, counted]) => this.#tell(key, counted, counted.open)));
  }

  async #tell(key: string, counted: Counted, connections: number): Promise<void> {
    if (counted.isCountedElsewhere || counted.telling) return;
    counted.telling = true;
    const { project, name } = counted;
    const { calls, by, leaseSeconds, log, meter } = this.#options;
    const usedSeconds = connections === 0 ? 0 : Math.floor((this.#now() - counted.openSince) / 1000);
    const seconds = Math.max(leaseSeconds, Math.min(usedSeconds, LONGEST_LEASE_SECONDS));
    try {
      const vm = await calls.count(project, name, { connections, lease: { by, seconds } });
      // One that takes no count now may run again while the same visitors are connected: a suspended one.
      counted.told = vm === undefined ? UNHEARD : connections;
      // Its agent has begun to count.
      counted.isCountedElsewhere = vm?.countedBy === 'agent';
      if (counted.open === 0 && (connections === 0 || vm === undefined)) this.#vms.delete(key);
    } catch (error) {
      counted.told = UNHEARD;
      meter?.leavesCountUnsaid();
      log.warn({ project, vm: name, err: error }, 'the count of a VM was not said; it is said again');
    } finally {
      counted.toldAt = this.#now();
      counted.telling = false;
    }
  }
}

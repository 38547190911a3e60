import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { VmPort } from '../../domain/gateway/vm-host-name.ts';
import { withLinkedSignal } from '../../lib/waiting/linked-signal.ts';
import type { Vm } from '../../client/api-client.ts';
import { Refused, refusal, type Refusal } from '../refusal.ts';
import type { ApiCalls } from './api-calls.ts';
import type { VmLookup } from './vm-lookup.ts';
import { passageTo, type PortAddress } from './vm-state.ts';
import type { Wakes } from './wakes.ts';

const LOOK_AGAIN_MS = 500;
/** A machine that was replaced has another address by then, and a program that has just started listens. */
const DIAL_AGAIN_MS = [200, 800, 1500];

export interface Visit extends VmPort {
  /** Refuses a VM that the visitor may not see. @throws Refused. */
  admits: (vm: Vm) => void;
  /** The visitor went away. */
  gone: AbortSignal;
}

/** Connects to a port of a VM; rejects where nothing takes it. */
export type Dial = (vm: VmPort, address: PortAddress) => Promise<Duplex>;

interface Found {
  vm: Vm;
  address: PortAddress;
}

export interface Reached extends Found {
  socket: Duplex;
}

/** What a visitor waits for: 0 seconds, and it is told of a VM that does not run, which is woken with `wakes`. */
export interface Patience {
  waitSeconds: number;
  wakes: boolean;
}

/** How visitors get to the VMs that they name: by the VM's own address, as the API says it. */
export class Ways {
  readonly #calls: Pick<ApiCalls, 'knows' | 'isKept'>;
  readonly #lookup: VmLookup;
  readonly #wakes: Wakes;

  readonly #dial: Dial;

  constructor(
    { calls, dial }: { calls: Pick<ApiCalls, 'knows' | 'isKept'>; dial: Dial },
    lookup: VmLookup,
    wakes: Wakes,
  ) {
    this.#calls = calls;
    this.#dial = dial;
    this.#lookup = lookup;
    this.#wakes = wakes;
  }

  /** Where the VM answers now; where it does not run it is woken, with `wakes`. @throws Refused, with `waking` too. */
  async #look(visit: Visit, wakes: boolean): Promise<Found> {
    const { project, name, port } = visit;
    const vm = await this.#known(visit);
    const passage = passageTo(vm, port);
    if (passage.kind === 'open') return { vm, address: passage.address };
    const failed = this.#wakes.failure(project, name);
    if (failed !== undefined) throw new Refused(failed);
    if (passage.kind === 'leaving') throw new Refused(refusal('vmEnding'));
    if (wakes) void this.#wakes.wake(project, name, passage.how).catch(() => undefined);
    throw new Refused(waking(vm));
  }

  /** Where the VM answers, once it does: it is woken and waited for. @throws Refused. */
  async #await(visit: Visit, seconds: number): Promise<Found> {
    const { project, name, port, gone } = visit;
    const until = performance.now() + seconds * 1000;
    for (;;) {
      const vm = await this.#known(visit);
      const passage = passageTo(vm, port);
      if (passage.kind === 'open') return { vm, address: passage.address };
      if (gone.aborted || performance.now() > until) throw new Refused(waking(vm));
      const leftMs = Math.ceil(Math.max(1, until - performance.now()));
      await withLinkedSignal(gone, leftMs, async (left) => {
        if (passage.kind === 'wake') await orAborted(this.#wakes.wake(project, name, passage.how), left);
        await sleep(LOOK_AGAIN_MS, undefined, { signal: left }).catch(() => undefined);
      });
    }
  }

  /**
   * A connection to the VM. Where nothing takes it the VM is looked up again: it may have moved, or be stopped, since it was seen.
   * @throws Refused.
   */
  async reach(visit: Visit, { waitSeconds, wakes }: Patience): Promise<Reached> {
    for (const pauseMs of [...DIAL_AGAIN_MS, null]) {
      const found = waitSeconds > 0 ? await this.#await(visit, waitSeconds) : await this.#look(visit, wakes);
      const socket = await this.#dial(visit, found.address).catch(() => undefined);
      if (socket !== undefined && !visit.gone.aborted) return { ...found, socket };
      socket?.destroy();
      this.#lookup.forget(visit.project, visit.name);
      if (pauseMs === null || visit.gone.aborted) break;
      await sleep(pauseMs, undefined, { signal: visit.gone }).catch(() => undefined);
    }
    throw new Refused(refusal('appUnreachable'));
  }

  async #known(visit: Visit): Promise<Vm> {
    const { project, name } = visit;
    if (!this.#calls.knows(project)) throw new Refused(refusal('unknownVm'));
    const vm = (await this.#lookup.find(project, name)) ?? (await this.#forgotten(project, name));
    if (vm === undefined) throw new Refused(refusal('unknownVm'));
    visit.admits(vm);
    return vm;
  }

  /** A session may be kept for longer than Temporal knows of the VM that was closed into it. */
  async #forgotten(project: string, name: string): Promise<Vm | undefined> {
    if (!(await this.#calls.isKept(project, name))) return undefined;
    return this.#wakes.wake(project, name, 'reopen');
  }
}

/** What its machine waits for is said too: a host without room, for one. */
function waking({ detail }: Vm): Refusal {
  const known = refusal('waking');
  return detail === undefined ? known : { ...known, detail: `${known.detail} It waits: ${detail}` };
}

/** Resolves when the work is done or nobody waits for it any more. @throws what the work throws. */
async function orAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await Promise.race([work, aborted]);
}

import { log } from '@temporalio/workflow';
import type { HostEvent } from '../../domain/host/events.ts';
import { next } from '../../domain/host/next.ts';
import type { Host } from '../../domain/host/state.ts';
import { hostState } from '../../domain/host/view.ts';
import type { Happened } from '../happened.ts';

/** Holds the one copy of a host's state; `next` decides what events mean. */
export class HostRecord {
  #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  get host(): Host {
    return this.#host;
  }

  get removed(): boolean {
    return this.#host.presence.name === 'removed';
  }

  record(event: Happened<HostEvent>): void {
    const before = this.#host;
    this.#host = next(before, { ...event, at: Date.now() });
    const [from, to] = [hostState(before), hostState(this.#host)];
    const { hostId, incarnation } = this.#host;
    if (from !== to) log.info('the host changed its state', { hostId, incarnation, from, to, event: event.kind });
  }
}

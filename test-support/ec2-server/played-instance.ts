/** What moto does not play of an instance: states that take time, why it ended, its disk, and who is told of it. */
import type { CloudGuests, PlayedServer } from '../clouds/guests.ts';

export type InstanceState = 'pending' | 'running' | 'stopping' | 'stopped' | 'shutting-down' | 'terminated';

const STATE_CODE: Readonly<Record<InstanceState, number>> = {
  pending: 0,
  running: 16,
  'shutting-down': 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
};
const SETTLED: Partial<Record<InstanceState, InstanceState>> = {
  pending: 'running',
  stopping: 'stopped',
  'shutting-down': 'terminated',
};

/** What stays the same of it. */
export interface InstanceParts {
  id: string;
  zone: string;
  spot: boolean;
  userData: string;
  tags: Map<string, string>;
  disk: Map<string, Buffer>;
}

export class PlayedInstance {
  readonly parts: InstanceParts;
  readonly madeAt = Date.now();
  readonly #guests: CloudGuests | undefined;
  readonly #stepMs: () => number;
  #state: InstanceState = 'pending';
  #reason = '';
  #timer: NodeJS.Timeout | undefined;
  ips: readonly string[] = [];

  constructor(parts: InstanceParts, guests: CloudGuests | undefined, stepMs: () => number) {
    this.parts = parts;
    this.#guests = guests;
    this.#stepMs = stepMs;
  }

  get state(): InstanceState {
    return this.#state;
  }

  get reason(): string {
    return this.#reason;
  }

  /** Goes over to the state, and a step later to the one that it leads to. */
  enter(state: InstanceState, reason = ''): void {
    clearTimeout(this.#timer);
    this.#state = state;
    this.#reason = reason;
    if (state !== 'pending') this.#guests?.stopped(this.parts.id);
    if (SETTLED[state] !== undefined) this.#timer = setTimeout(() => this.settle(), this.#stepMs());
  }

  /** Is in the state that its present one leads to. */
  settle(): void {
    clearTimeout(this.#timer);
    const next = SETTLED[this.#state];
    if (next === undefined) return;
    this.#state = next;
    if (next === 'running') this.#guests?.started(this.#shown());
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  stateElement(): string {
    return `<instanceState><code>${STATE_CODE[this.#state]}</code><name>${this.#state}</name></instanceState>`;
  }

  #shown(): PlayedServer {
    const { id, zone, userData, tags, disk } = this.parts;
    return {
      id,
      name: tags.get('Name') ?? id,
      account: '123456789012',
      place: zone,
      ips: this.ips,
      userData,
      tags: () => Object.fromEntries(tags),
      changeable: () => undefined,
      disk,
    };
  }
}

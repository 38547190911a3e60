import type { Grant } from '../../domain/pool/claims.ts';
import { claimFrom, nextPool, type Claim, type PoolEvent } from '../../domain/pool/next.ts';
import { sampled, type PoolSample } from '../../domain/pool/history.ts';
import type { HostPlace, Pool } from '../../domain/pool/state.ts';
import type { PoolView } from '../../domain/pool/view.ts';
import type { Happened } from '../happened.ts';

/** Holds the one copy of a pool's state, and the grants that machines are still to be notified of. */
export class PoolLife {
  /** What was last published, as text. */
  published = '';
  /** The version whose spec was published. */
  publishedVersion: number | null = null;
  /** Hosts that its machines may be on, as they were read last; null before. */
  hosts: { at: number; places: readonly HostPlace[] } | null = null;
  /** A worker is asked what the schedule says. */
  isPlanning = false;
  /** How its numbers went, the oldest first. */
  history: readonly PoolSample[];
  #pool: Pool;
  #grants: Grant[];
  #hasChanged = true;

  /** `grants`: those that machines are still to be notified of from the start on. */
  constructor(pool: Pool, grants: readonly Grant[] = [], history: readonly PoolSample[] = []) {
    this.#pool = pool;
    this.#grants = [...grants];
    this.history = history;
  }

  get pool(): Pool {
    return this.#pool;
  }

  /** Whether something happened since its last look. */
  get hasWork(): boolean {
    return this.#hasChanged || this.#grants.length > 0;
  }

  /** Its template wants no pool, and no machine is left. */
  get isOver(): boolean {
    const { template, machines } = this.#pool;
    return template !== null && template.warm === null && machines.length === 0;
  }

  beginWork(): void {
    this.#hasChanged = false;
  }

  record(event: Happened<PoolEvent>): void {
    this.#pool = nextPool(this.#pool, { ...event, at: Date.now() });
    this.#hasChanged = true;
  }

  /** Keeps what the numbers are now. */
  sample(view: PoolView): void {
    this.history = sampled(this.history, view, Date.now());
  }

  claim(claims: readonly Claim[], closedHosts?: readonly string[]): (Grant | null)[] {
    const { pool, granted, fresh } = claimFrom(this.#pool, claims, Date.now(), closedHosts);
    this.#pool = pool;
    this.#grants.push(...fresh);
    this.#hasChanged = true;
    return granted;
  }

  takeGrants(): Grant[] {
    const grants = this.#grants;
    this.#grants = [];
    return grants;
  }
}

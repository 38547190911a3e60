import type { AssignmentState } from '../../../domain/agent/assignment.ts';

/** What the agent knows of its app. A count of null is unknown, which is never reported as 0. */

/** `edge`: somebody is there or nobody is any more, or the app became ready; `change`: any other difference. */
export type UsageChange = 'edge' | 'change';

export interface ReportedUsage {
  connections: number;
  ready: boolean;
  /** Absent while there is no assignment. */
  assigned?: AssignmentState;
}

/** The latest count and readiness of the app, and who wants to hear of changes. */
export class AppUsage {
  #connections: number | null = null;
  #ready = false;
  #changedAt = performance.now();
  #awaitsAssignment = false;
  #assigned: AssignmentState | null = null;
  readonly #listeners = new Set<(change: UsageChange) => void>();

  get connections(): number | null {
    return this.#connections;
  }

  get ready(): boolean {
    return this.#ready;
  }

  get assigned(): AssignmentState | null {
    return this.#assigned;
  }

  /** When the count last changed, by `performance.now()`: no set clock makes it jump. */
  get changedAt(): number {
    return this.#changedAt;
  }

  /** What may be said to the host, or null while nothing is known. */
  get reported(): ReportedUsage | null {
    const assigned = this.#assigned === null ? {} : { assigned: this.#assigned };
    // Before the app has begun nobody is connected, and what became of the assignment must be said.
    if (this.#awaitsAssignment) return { connections: this.#connections ?? 0, ready: false, ...assigned };
    return this.#connections === null ? null : { connections: this.#connections, ready: this.#ready, ...assigned };
  }

  /** From now on the app is not ready before its assignment is done. */
  awaitAssignment(): void {
    this.#awaitsAssignment = true;
  }

  setAssigned(assigned: AssignmentState): void {
    this.#assigned = assigned;
    this.#awaitsAssignment = assigned.state !== 'done';
    this.#tell('edge');
  }

  setConnections(connections: number | null): void {
    const before = this.#connections;
    if (connections === before) return;
    this.#connections = connections;
    this.#changedAt = performance.now();
    this.#tell(before !== null && connections !== null && before > 0 === connections > 0 ? 'change' : 'edge');
  }

  setReady(ready: boolean): void {
    if (ready === this.#ready) return;
    this.#ready = ready;
    this.#tell('edge');
  }

  onChange(listener: (change: UsageChange) => void): void {
    this.#listeners.add(listener);
  }

  #tell(change: UsageChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

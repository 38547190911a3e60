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
  #streams = 0;
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
    const streams = this.#streams;
    if (this.#awaitsAssignment) return { connections: (this.#connections ?? 0) + streams, ready: false, ...assigned };
    return this.#connections === null
      ? null
      : { connections: this.#connections + streams, ready: this.#ready, ...assigned };
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
    if (connections === this.#connections) return;
    const before = this.#total;
    this.#connections = connections;
    this.#countChanged(before);
  }

  /** One more stream counts as a connection, until the answer is called. */
  countStream(): () => void {
    this.#setStreams(this.#streams + 1);
    let isCounted = true;
    return () => {
      if (isCounted) this.#setStreams(this.#streams - 1);
      isCounted = false;
    };
  }

  setReady(ready: boolean): void {
    if (ready === this.#ready) return;
    this.#ready = ready;
    this.#tell('edge');
  }

  onChange(listener: (change: UsageChange) => void): void {
    this.#listeners.add(listener);
  }

  get #total(): number | null {
    return this.#connections === null ? null : this.#connections + this.#streams;
  }

  #setStreams(streams: number): void {
    const before = this.#total;
    this.#streams = streams;
    this.#countChanged(before);
  }

  #countChanged(before: number | null): void {
    const now = this.#total;
    this.#changedAt = performance.now();
    this.#tell(before !== null && now !== null && before > 0 === now > 0 ? 'change' : 'edge');
  }

  #tell(change: UsageChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

/** Machines remembered at most; the least recently seen is forgotten first. */
const REMEMBERED = 20_000;

/** Since when this replica knows the open question of each machine. Memory of this process alone. */
export class KnownQuestions {
  readonly #known = new Map<string, { id: string; since: number }>();

  /** How long the question is known here, in ms; 0 when it is new here. */
  ageMs(machineId: string, id: string): number {
    const now = performance.now();
    const known = this.#known.get(machineId);
    if (known?.id === id) return now - known.since;
    this.#known.delete(machineId);
    this.#known.set(machineId, { id, since: now });
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= REMEMBERED) break;
      this.#known.delete(oldest);
    }
    return 0;
  }
}

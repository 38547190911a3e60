const KEPT_MS = 24 * 3600 * 1000;

/** Ids that this process had to destroy. What other processes destroyed the cloud itself knows. */
export class Tombstones {
  private readonly addedAt = new Map<string, { at: number; gone: boolean }>();

  add(machineId: string): void {
    this.prune();
    this.addedAt.set(machineId, { at: Date.now(), gone: this.isGone(machineId) });
  }

  has(machineId: string): boolean {
    return this.addedAt.has(machineId);
  }

  /** The machine was seen gone after everything that could still have made it had settled. */
  noteGone(machineId: string): void {
    this.addedAt.set(machineId, { at: Date.now(), gone: true });
  }

  isGone(machineId: string): boolean {
    return this.addedAt.get(machineId)?.gone ?? false;
  }

  private prune(): void {
    const before = Date.now() - KEPT_MS;
    for (const [machineId, { at }] of this.addedAt) {
      if (at > before) return;
      this.addedAt.delete(machineId);
    }
  }
}

import type { SweepReport } from '../../../domain/machine/sweep.ts';

/** A sweep that began no longer ago answers again. */
const SHARED_MS = 5000;

/**
 * The dry runs of this replica: those who ask while one runs, or within {@link SHARED_MS} of its begin, share its answer.
 * So however many ask, hosts list their machines once in five seconds and one list at a time.
 */
export class SharedSweep {
  private readonly now: () => number;
  private latest: { begunAt: number; isRunning: boolean; reports: Promise<SweepReport[]> } | undefined;

  /** @param now epoch ms */
  constructor(now: () => number) {
    this.now = now;
  }

  /** Rejects as `make` does, for all who share it; a failure is not kept. */
  async reports(make: () => Promise<SweepReport[]>): Promise<SweepReport[]> {
    const { latest } = this;
    if (latest !== undefined && (latest.isRunning || this.now() - latest.begunAt < SHARED_MS)) return latest.reports;
    const mine = { begunAt: this.now(), isRunning: true, reports: make() };
    this.latest = mine;
    try {
      return await mine.reports;
    } catch (error) {
      if (this.latest === mine) this.latest = undefined;
      throw error;
    } finally {
      mine.isRunning = false;
    }
  }
}

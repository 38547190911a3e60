import type { CallProgress } from '../../../domain/machine/provider.ts';

/** The details of a heartbeat have a limit; what is forgotten is only tried again. */
const MOST_NOTED = 1000;

export interface SweepTriesOptions {
  /** When earlier sweeps last tried what they could not finish, epoch ms by machine id; this sweep writes its own into it. */
  triedAt: Map<string, number>;
  /** Carries what this sweep tried to its next attempt. */
  progress: CallProgress;
  /** Epoch ms. */
  now: () => number;
}

/**
 * Which machines a sweep tried and could not finish, so that those that hang do not keep others from their turn: not in
 * this sweep when its worker dies, and not in the next one.
 */
export class SweepTries {
  private readonly options: SweepTriesOptions;
  private readonly unfinished: Set<string>;

  constructor(options: SweepTriesOptions) {
    this.options = options;
    this.unfinished = new Set(parseNote(options.progress.resume));
  }

  /** Those tried in this sweep come last, before them those tried by earlier ones, the longest ago first. */
  inOrder<Item extends { machineId: string }>(items: readonly Item[]): Item[] {
    const { triedAt } = this.options;
    const rank = ({ machineId }: Item): number =>
      this.unfinished.has(machineId) ? Infinity : (triedAt.get(machineId) ?? 0);
    const ranked = this.shuffled(items).map((item) => ({ item, rank: rank(item) }));
    return ranked.sort((a, b) => (a.rank === b.rank ? 0 : a.rank - b.rank)).map(({ item }) => item);
  }

  /** A process that died remembers nothing, and would begin with the same ones each time. */
  shuffled<Item>(items: readonly Item[]): Item[] {
    return items
      .map((item) => ({ item, at: Math.random() }))
      .sort((a, b) => a.at - b.at)
      .map(({ item }) => item);
  }

  /** Forgets machines that are not there any more. */
  keepOnly(machineIds: readonly string[]): void {
    const there = new Set(machineIds);
    const { triedAt } = this.options;
    for (const machineId of [...triedAt.keys()]) if (!there.has(machineId)) triedAt.delete(machineId);
    for (const machineId of [...this.unfinished]) if (!there.has(machineId)) this.unfinished.delete(machineId);
  }

  begin(machineId: string): void {
    this.options.triedAt.set(machineId, this.options.now());
    this.unfinished.add(machineId);
    this.note();
  }

  settle(machineId: string): void {
    this.options.triedAt.delete(machineId);
    this.unfinished.delete(machineId);
    this.note();
  }

  private note(): void {
    this.options.progress.note(JSON.stringify([...this.unfinished].slice(-MOST_NOTED)));
  }
}

function parseNote(note: string | null): string[] {
  if (note === null) return [];
  try {
    const parsed: unknown = JSON.parse(note);
    return Array.isArray(parsed) ? parsed.filter((one): one is string => typeof one === 'string') : [];
  } catch {
    return [];
  }
}

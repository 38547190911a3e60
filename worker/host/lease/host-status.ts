import { freeRoom, sumOf, takenBy, type RoomSize } from '../../../domain/capacity/room.ts';
import type { LeaseStatus } from '../../../domain/host/state.ts';
import type { MachineProvider } from '../../../domain/machine/provider.ts';

/** Machines are listed again after a pause of this many times what the last list took. */
const PAUSE_FACTOR = 20;
const LONGEST_LIST_MS = 1500;

/**
 * What the heartbeats of this host's lease say. A list that fails or takes long holds up no heartbeat: what was known last
 * is said again.
 */
export function hostStatus(
  providers: readonly Pick<MachineProvider, 'list'>[],
  total: RoomSize,
): () => Promise<LeaseStatus> {
  let known: LeaseStatus = { free: total, machines: 0 };
  let listing: Promise<void> | null = null;
  let restUntil = 0;
  const list = async (): Promise<void> => {
    const begunAt = performance.now();
    const { signal } = new AbortController();
    try {
      const machines = (await Promise.all(providers.map((provider) => provider.list({ signal })))).flat();
      known = { free: freeRoom(total, sumOf(machines.map(takenBy))), machines: machines.length };
    } finally {
      const now = performance.now();
      restUntil = now + PAUSE_FACTOR * (now - begunAt);
      listing = null;
    }
  };
  return async () => {
    if (performance.now() >= restUntil) listing ??= list();
    const latest = listing?.catch(() => undefined);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LONGEST_LIST_MS);
    });
    await Promise.race([latest, late]);
    clearTimeout(timer);
    return known;
  };
}

import { freeRoom, sumOf, takenBy, type RoomSize } from '../../../domain/capacity/room.ts';
import type { LeaseStatus } from '../../../domain/host/state.ts';
import type { ImageCopy } from '../../../domain/machine/image-copies.ts';
import type { MachineProvider } from '../../../domain/machine/provider.ts';

/** What was read is read again after a pause of this many times what that took; there are few images and many machines. */
const PAUSE_FACTOR = { machines: 20, images: 4 } as const;
const LONGEST_LIST_MS = 1500;

type Listed = Pick<MachineProvider, 'list' | 'copies'>;

/**
 * What the heartbeats of this host's lease say. A list that fails or takes long holds up no heartbeat: what was known last
 * is said again.
 */
export function hostStatus(providers: readonly Listed[], total: RoomSize): () => Promise<LeaseStatus> {
  const { signal } = new AbortController();
  const room = readNowAndThen<LeaseStatus>({ free: total, machines: 0 }, PAUSE_FACTOR.machines, async () => {
    const machines = (await Promise.all(providers.map((provider) => provider.list({ signal })))).flat();
    return { free: freeRoom(total, sumOf(machines.map(takenBy))), machines: machines.length };
  });
  const images = readNowAndThen<ImageCopy[]>([], PAUSE_FACTOR.images, async () => {
    const copies = providers.map(({ copies: own }) => own?.list({ signal }) ?? Promise.resolve([]));
    return (await Promise.all(copies)).flat();
  });
  return async () => {
    const [status, copies] = await Promise.all([room(), images()]);
    return copies.length === 0 ? status : { ...status, images: copies };
  };
}

function readNowAndThen<Value>(first: Value, pauseFactor: number, read: () => Promise<Value>): () => Promise<Value> {
  let known = first;
  let reading: Promise<void> | null = null;
  let restUntil = 0;
  const readNow = async (): Promise<void> => {
    const begunAt = performance.now();
    try {
      known = await read();
    } finally {
      const now = performance.now();
      restUntil = now + pauseFactor * (now - begunAt);
      reading = null;
    }
  };
  return async () => {
    if (performance.now() >= restUntil) reading ??= readNow();
    const latest = reading?.catch(() => undefined);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LONGEST_LIST_MS);
    });
    await Promise.race([latest, late]);
    clearTimeout(timer);
    return known;
  };
}

/** Keeps the store true: a list at first, then what events name; and lists again where events cannot be had. */
import { ApiRefusal, answered } from '../../../client/api-client.ts';
import { api } from '../../api/api.ts';
import { followWhileSeen, type EventListener } from './event-stream.ts';
import { hasEnded, type Vm, type VmStore } from './vm-store.ts';

const PAGE_SIZE = 1000;
/** With events, deadlines that moved silently are healed by this. */
const RELIST_MS = 30_000;
/** Without events; and for as many VMs as make a list heavy. */
const POLL_MS = { few: 1000, many: 5000 } as const;
const MANY = 1000;
/** Events of a moment are read together. */
const GATHER_MS = 100;
/** From so many on a list is cheaper. */
const ONE_BY_ONE = 20;
/** How long a VM that has ended stays in sight with its reason. */
const ENDED_SHOWN_MS = 10 * 60_000;
const ENDED_KEPT = 200;

/** Follows until `signal` aborts. */
export function feed(store: VmStore, signal: AbortSignal): void {
  const changed = new Set<string>();
  const events = { isFlowing: false };
  let gathering: ReturnType<typeof setTimeout> | undefined;
  let relisting: Promise<void> | undefined;

  const relist = (): Promise<void> =>
    (relisting ??= list(store, signal).finally(() => {
      relisting = undefined;
    }));
  const read = async () => {
    gathering = undefined;
    const names = [...changed];
    changed.clear();
    if (names.length > ONE_BY_ONE) await relist();
    else await readEach(store, names);
  };
  const listener: EventListener = {
    changed: (name) => {
      changed.add(name);
      gathering ??= setTimeout(() => void read().catch(() => undefined), GATHER_MS);
    },
    lost: () => void relist().catch(() => undefined),
    flows: (now) => (events.isFlowing = now),
  };
  followWhileSeen(listener, signal);
  void (async () => {
    let listedAt = -Infinity;
    while (!signal.aborted) {
      const pollMs = store.list().length > MANY ? POLL_MS.many : POLL_MS.few;
      const isDue = Date.now() - listedAt >= (events.isFlowing && store.isLoaded() ? RELIST_MS : pollMs);
      if (isDue && document.visibilityState === 'visible') {
        listedAt = Date.now();
        await relist().catch(() => undefined);
        forgetOldEnds(store);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS.few));
    }
  })();
  signal.addEventListener('abort', () => clearTimeout(gathering));
}

async function list(store: VmStore, signal: AbortSignal): Promise<void> {
  const before = new Set(store.list().map(({ name }) => name));
  const vms: Vm[] = [];
  let pageToken: string | undefined;
  do {
    const query = { pageSize: PAGE_SIZE, ...(pageToken === undefined ? {} : { pageToken }) };
    const page = await answered(api.GET('/v1/vms', { params: { query }, signal }));
    vms.push(...page.vms);
    // The first page is something to look at while the rest comes.
    if (page.nextPageToken !== undefined) store.see(page.vms);
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  await readEach(store, store.seeAll(vms, before));
}

/** What became of these; one that nobody knows any more is forgotten. */
async function readEach(store: VmStore, names: readonly string[]): Promise<void> {
  await Promise.all(
    names.map(async (name) => {
      try {
        store.see([await answered(api.GET('/v1/vms/{name}', { params: { path: { name } } }))]);
      } catch (error) {
        if (error instanceof ApiRefusal && error.status === 404) store.forget([name]);
      }
    }),
  );
}

function forgetOldEnds(store: VmStore): void {
  const ended = store
    .list()
    .filter(hasEnded)
    .toSorted((one, other) => endOf(other) - endOf(one));
  const now = Date.now();
  const old = ended.filter((vm, index) => index >= ENDED_KEPT || now - endOf(vm) > ENDED_SHOWN_MS);
  if (old.length > 0) store.forget(old.map(({ name }) => name));
}

function endOf({ endedAt, updatedAt }: Vm): number {
  return Date.parse(endedAt ?? updatedAt);
}

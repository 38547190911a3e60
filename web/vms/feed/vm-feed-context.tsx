import { createContext, useContext, useEffect, useState, useSyncExternalStore, type ReactNode } from 'react';
import { feed } from './vm-feed.ts';
import { VmStore, type Vm } from './vm-store.ts';

const Store = createContext(new VmStore());

/** One feed for all pages, for as long as somebody is signed in. */
export function VmFeedProvider({ children }: { children: ReactNode }) {
  const [store] = useState(() => new VmStore());
  useEffect(() => {
    const stop = new AbortController();
    feed(store, stop.signal);
    return () => stop.abort();
  }, [store]);
  return <Store value={store}>{children}</Store>;
}

export function useVmStore(): VmStore {
  return useContext(Store);
}

/** All VMs that are known, and whether that is a whole list yet. */
export function useVms(): { vms: readonly Vm[]; isLoaded: boolean } {
  const store = useVmStore();
  const vms = useSyncExternalStore(store.subscribe, store.list);
  const isLoaded = useSyncExternalStore(store.subscribe, store.isLoaded);
  return { vms, isLoaded };
}

/** The VMs of the project as this page knows them, by name: whatever comes to know more of one puts it here. */
import type { components } from '../../../client/api-types.ts';

export type Vm = components['schemas']['Vm'];

/** Of those that a list lacks; each costs a request. */
const LOOKED_AT = 20;
const ENDED: readonly string[] = ['destroyed', 'failed'];

export function hasEnded({ state }: Pick<Vm, 'state'>): boolean {
  return ENDED.includes(state);
}

/** One list for everybody who looks; a change makes a new list, so that lists can be compared by identity. */
export class VmStore {
  readonly #byName = new Map<string, Vm>();
  readonly #listeners = new Set<() => void>();
  #list: readonly Vm[] = [];
  #isLoaded = false;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** All of them, in no order that means anything. */
  list = (): readonly Vm[] => this.#list;

  /** True once a first list was complete. */
  isLoaded = (): boolean => this.#isLoaded;

  get(name: string): Vm | undefined {
    return this.#byName.get(name);
  }

  /** Takes VMs that were read; what is older than the known changes nothing. */
  see(vms: readonly Vm[]): void {
    let isChanged = false;
    for (const vm of vms) isChanged = this.#put(vm) || isChanged;
    if (isChanged) this.#publish();
  }

  /**
   * Takes a whole list of those that live. Some of those that it lacks and that live as far as known are returned: somebody has
   * to look what became of them. After hours without events there may be thousands, and the others are forgotten: `before` has
   * the names that were known when the list began, so these are gone, and not too new to be in it.
   */
  seeAll(live: readonly Vm[], before: ReadonlySet<string>): string[] {
    const names = new Set(live.map(({ name }) => name));
    const missing = this.#list.filter((vm) => !hasEnded(vm) && !names.has(vm.name)).map(({ name }) => name);
    let isChanged = !this.#isLoaded;
    this.#isLoaded = true;
    for (const vm of live) isChanged = this.#put(vm) || isChanged;
    for (const name of missing.slice(LOOKED_AT)) {
      if (before.has(name)) isChanged = this.#byName.delete(name) || isChanged;
    }
    if (isChanged) this.#publish();
    return missing.slice(0, LOOKED_AT);
  }

  forget(names: readonly string[]): void {
    let isChanged = false;
    for (const name of names) isChanged = this.#byName.delete(name) || isChanged;
    if (isChanged) this.#publish();
  }

  #put(vm: Vm): boolean {
    const known = this.#byName.get(vm.name);
    if (known !== undefined && !isNews(vm, known)) return false;
    this.#byName.set(vm.name, vm);
    return true;
  }

  #publish(): void {
    this.#list = [...this.#byName.values()];
    for (const listener of this.#listeners) listener();
  }
}

/** Whether a view says something that the known one does not: it is of a newer life, or later in the same. */
function isNews(vm: Vm, known: Vm): boolean {
  if (vm.uid !== known.uid) return vm.createdAt >= known.createdAt;
  if (vm.updatedAt !== known.updatedAt) return vm.updatedAt > known.updatedAt;
  return vm.state !== known.state || vm.can.length !== known.can.length || vm.runId !== known.runId;
}

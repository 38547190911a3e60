import type { Vm } from '../../client/api-client.ts';
import type { ApiCalls } from './api-calls.ts';

/** A VM that has got another machine or state is noticed after this long, or at once where its address does not answer. */
const FRESH_MS = 1000;
const MAX_ENTRIES = 10_000;

interface Entry {
  until: number;
  vm: Promise<Vm | undefined>;
}

/** What the API said of VMs a moment ago: one request for all visitors of a VM at the same time. */
export class VmLookup {
  readonly #calls: Pick<ApiCalls, 'vm'>;
  readonly #now: () => number;
  readonly #entries = new Map<string, Entry>();

  constructor(calls: Pick<ApiCalls, 'vm'>, now: () => number = Date.now) {
    this.#calls = calls;
    this.#now = now;
  }

  /** @throws Refused where the API does not say. */
  find(project: string, name: string): Promise<Vm | undefined> {
    const key = `${project}/${name}`;
    const known = this.#entries.get(key);
    if (known !== undefined && known.until > this.#now()) return known.vm;
    const vm = this.#calls.vm(project, name);
    this.#keep(key, vm);
    vm.catch(() => this.#entries.delete(key));
    return vm;
  }

  /** What the API has just answered. */
  see(vm: Vm): void {
    this.#keep(`${vm.project}/${vm.name}`, Promise.resolve(vm));
  }

  forget(project: string, name: string): void {
    this.#entries.delete(`${project}/${name}`);
  }

  #keep(key: string, vm: Entry['vm']): void {
    this.#entries.delete(key);
    this.#entries.set(key, { until: this.#now() + FRESH_MS, vm });
    const oldest = this.#entries.keys().next().value;
    if (this.#entries.size > MAX_ENTRIES && oldest !== undefined) this.#entries.delete(oldest);
  }
}

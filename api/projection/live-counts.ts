import type { VmRecord } from '../vms/seen/vm-record.ts';

/** How many live VMs are alike in what metrics tell apart. */
export interface LiveCount {
  state: string;
  /** Empty for a VM without a template. */
  template: string;
  provider: string;
  vms: number;
  /** Those of them whose agent has been silent too long. */
  silent: number;
}

/** Counts live VMs as they come, change and go, so that nobody has to walk over all of them. */
export class LiveCounts {
  readonly #counts = new Map<string, LiveCount>();

  add(record: VmRecord): void {
    this.#change(record, 1);
  }

  remove(record: VmRecord): void {
    this.#change(record, -1);
  }

  all(): LiveCount[] {
    return [...this.#counts.values()];
  }

  #change({ closed, view }: VmRecord, by: 1 | -1): void {
    if (closed) return;
    const { state, provider } = view;
    const template = view.template?.name ?? '';
    const key = `${state} ${provider} ${template}`;
    const count = this.#counts.get(key) ?? { state, template, provider, vms: 0, silent: 0 };
    count.vms += by;
    if (view.health === 'unknown') count.silent += by;
    if (count.vms > 0) this.#counts.set(key, count);
    else this.#counts.delete(key);
  }
}

/** Which VMs a table shows, and in which order. */
import type { Vm } from '../feed/vm-store.ts';

export interface VmFilter {
  /** Words; each must be in the name, the template, the host, the address, the reason or a label. */
  text: string;
  state: string | null;
  template: string | null;
  /** Only those that somebody uses. */
  inUse: boolean;
}

export const SORT_KEYS = ['name', 'state', 'connections', 'createdAt', 'nextDeadline', 'template', 'host'] as const;
export type SortKey = (typeof SORT_KEYS)[number];

export interface VmSort {
  by: SortKey;
  isDescending: boolean;
}

/** Those that match, sorted; the same order of the same VMs whatever order they came in. */
export function shownVms(vms: readonly Vm[], filter: VmFilter, { by, isDescending }: VmSort): Vm[] {
  const wanted = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = vms.filter((vm) => {
    if (filter.state !== null && vm.state !== filter.state) return false;
    if (filter.template !== null && vm.template?.name !== filter.template) return false;
    if (filter.inUse && (vm.connections ?? 0) === 0) return false;
    return wanted.length === 0 || hasAll(vm, wanted);
  });
  const sign = isDescending ? -1 : 1;
  return shown.sort((one, other) => sign * compare(one, other, by) || (one.name < other.name ? -1 : 1));
}

function hasAll(vm: Vm, wanted: readonly string[]): boolean {
  const labels = Object.entries(vm.labels).map(([key, value]) => `${key}=${value}`);
  const about = [vm.name, vm.state, vm.template?.name, vm.host, vm.zone, vm.address?.ip, vm.reason, ...labels];
  const text = about.join(' ').toLowerCase();
  return wanted.every((word) => text.includes(word));
}

/** What is absent comes last. */
function compare(one: Vm, other: Vm, by: SortKey): number {
  const [a, b] = [valueOf(one, by), valueOf(other, by)];
  if (a === b) return 0;
  if (a === undefined) return 1;
  if (b === undefined) return -1;
  return a < b ? -1 : 1;
}

function valueOf(vm: Vm, by: SortKey): string | number | undefined {
  if (by === 'nextDeadline') return vm.nextDeadline?.at;
  if (by === 'template') return vm.template?.name;
  return vm[by];
}

/**
 * Which VM that is there already a create without a name may have, by `reuse` of its template. Pure: a replica of the API
 * chooses by what it last saw, and the workflow of the VM has the last word (domain/vm/take-back.ts).
 */
import { orderedText } from '../ordered-json.ts';
import type { Reuse } from '../template/state.ts';
import type { VmSpec } from '../vm/spec.ts';
import { hasTimeForAnother } from '../vm/take-back.ts';
import type { VmView } from '../vm/view.ts';

/** What a create wants that names nothing but its template. */
export interface Wanted {
  spec: VmSpec;
  reuse: Reuse;
  /** Whether machines of its provider can be reset. */
  canReset: boolean;
}

/** In this order: one that drains, then a machine that waits in a pool, then one that is stopped, then a new one. */
export type Rung = 'draining' | 'stopped';

/** What the choice goes by besides the VMs. */
export interface Circumstances {
  /** Epoch ms. */
  now: number;
  /** Ids of hosts that take no creates, for who empties a host wants nobody to be sent there, or that have no room. */
  closedHosts: ReadonlySet<string>;
}

/** Whether some create may be given the VM one day: what a replica keeps at hand. */
export function isOnOffer({ unnamed, state }: VmView): boolean {
  return unnamed === true && (state === 'draining' || state === 'stopped');
}

/** Whether what the create is given has to be reset first: only who shares a VM may meet what is in it. */
export function takesReset(rung: Rung, { reuse }: Pick<Wanted, 'reuse'>): boolean {
  return rung === 'stopped' || reuse === 'empty';
}

/** Those of the VMs that the create may be given, the first choice first: fewer users, then more of its life left. */
export function reusable(vms: readonly VmView[], rung: Rung, wanted: Wanted, circumstances: Circumstances): VmView[] {
  if (wanted.reuse === 'none' || (takesReset(rung, wanted) && !wanted.canReset)) return [];
  const isEnough = (vm: VmView): boolean => wanted.reuse === 'shared' || rung === 'stopped' || vm.connections === 0;
  return vms.filter((vm) => vm.state === rung && isEnough(vm) && fits(vm, wanted, circumstances)).sort(byChoice);
}

function fits(vm: VmView, { spec }: Wanted, { now, closedHosts }: Circumstances): boolean {
  if (!isOnOffer(vm) || vm.health !== 'ok') return false;
  if (vm.host !== undefined && closedHosts.has(vm.host)) return false;
  // What is secret is in no spec, so nobody can say that two secrets are the same.
  if (spec.sealed !== undefined || !isMadeAs(vm.spec, spec)) return false;
  return hasTimeForAnother({ spec: vm.spec, createdAt: Date.parse(vm.createdAt) }, now);
}

/** A create looks at every VM on offer, and a spec never changes: the text of each is made once. */
const texts = new WeakMap<VmSpec, string>();

function isMadeAs(made: VmSpec, wanted: VmSpec): boolean {
  const [is, shall] = [made.template, wanted.template];
  return is?.name === shall?.name && is?.version === shall?.version && textOf(made) === textOf(wanted);
}

function textOf(spec: VmSpec): string {
  let text = texts.get(spec);
  if (text === undefined) texts.set(spec, (text = orderedText(spec)));
  return text;
}

function byChoice(a: VmView, b: VmView): number {
  const users = (a.connections ?? 0) - (b.connections ?? 0);
  if (users !== 0) return users;
  if (a.createdAt !== b.createdAt) return a.createdAt > b.createdAt ? -1 : 1;
  return a.name < b.name ? -1 : Number(a.name > b.name);
}

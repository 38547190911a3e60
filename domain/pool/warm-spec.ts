/** What a warm machine is made from, and which VMs it can become. */
import { ordered } from '../ordered-json.ts';
import type { VmSpec } from '../vm/spec.ts';

/** What is told to a machine when it becomes a VM, or concerns its workflow alone: it need not be known when it is made. */
const TOLD_LATER = [
  'template',
  'description',
  'labels',
  'env',
  'sealed',
  'readiness',
  'idle',
  'softLifetimeSeconds',
  'maxLifetimeSeconds',
  'onLost',
] as const satisfies readonly (keyof VmSpec)[];

/**
 * The spec of a warm machine of a template: without a variable, and sealed, so that its agent waits for what it is told
 * before its app begins. The API signs this one, for `pool/<project>/<template>`.
 */
export function warmSpecOf(spec: VmSpec): VmSpec {
  return { ...spec, env: {}, sealed: { secretEnvNames: [], startupScript: false } };
}

/** Whether a machine made for one spec can become a VM of another: they differ in nothing that the machine is made from. */
export function canBecome(made: VmSpec, wanted: VmSpec): boolean {
  return JSON.stringify(shapeOf(made)) === JSON.stringify(shapeOf(wanted));
}

/** All that a machine is made from, as JSON that is the same for equal machines. */
export function shapeOf(spec: VmSpec): [string, unknown][] {
  return Object.entries(spec)
    .filter(([field, value]) => value !== undefined && !(TOLD_LATER as readonly string[]).includes(field))
    .map(([field, value]): [string, unknown] => [field, ordered(value)])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

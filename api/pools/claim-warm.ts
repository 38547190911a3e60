import { isWarmSettings } from '../../domain/pool/messages.ts';
import { canBecome } from '../../domain/pool/warm-spec.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';
import { vmWorkflowId, warmWorkflowId } from '../../domain/wire-names.ts';
import type { Adoptable } from '../../workflows/messages.ts';
import type { ApiContext } from '../api-context.ts';
import { whyUntold } from '../vms/create/refuse-unsupported.ts';

/** The VM that is about to be started. */
interface ClaimingVm {
  project: string;
  name: string;
  spec: VmSpec;
  idempotencyKeyHash: string | null;
  /** `never`: the name stands for an Idempotency-Key, and a VM that had it keeps it. */
  reuse: 'closedNameIsFree' | 'never';
}

type ClaimContext = Pick<ApiContext, 'pools' | 'projection' | 'startSignatures' | 'templates' | 'directory'>;

/**
 * A machine that waits in the pool of the template that the VM is made from, with the API's word that this VM may have it;
 * null where there is no such pool, its machines are made from something else, none waits, or the name is taken. Never rejects.
 */
export async function claimWarm(api: ClaimContext, vm: ClaimingVm): Promise<Adoptable | null> {
  const { template } = vm.spec;
  if (template === null || !hasPool(api, vm.project, template)) return null;
  const { pools, projection, startSignatures, directory } = api;
  const { project, name, spec, idempotencyKeyHash, reuse } = vm;
  const workflowId = vmWorkflowId(project, name);
  // A name that is taken is answered with its VM.
  if (projection.get(workflowId)?.closed === false) return null;
  // The VM may have been made by another replica a moment ago, and a machine that is granted in vain is destroyed.
  const seen = await Promise.all([pools.find(project, template.name), directory.latestRun(workflowId)]).catch(() => []);
  const [pool, latest] = seen;
  if (pool === undefined || pool.version !== template.version) return null;
  if (latest !== undefined && (latest.isOpen || reuse === 'never')) return null;
  if (pool.max === 0 || !canBecome(pool.spec, spec) || whyUntold(spec, 'its name') !== undefined) return null;
  // The same request gets the same machine by whichever replica, and so do creates that compete for one life of a name.
  const life = idempotencyKeyHash ?? `${template.version}#${latest?.runId ?? 'first'}`;
  const { version } = template;
  const machineId = await pools.claim(project, template.name, { id: `${workflowId}#${life}`, version });
  if (machineId === null) return null;
  const signature = startSignatures.sign({ workflowId, spec, adopts: machineId }, null);
  return { machineId, owner: warmWorkflowId(machineId), signature };
}

/** By this replica's copy of the template: a create from a template without a pool asks nobody. */
function hasPool({ templates }: ClaimContext, project: string, template: { name: string; version: number }): boolean {
  const copy = templates.copies.get(templates.workflowId(project, template.name));
  const warm: unknown = copy?.contents[template.version]?.warm;
  return isWarmSettings(warm) && warm.paused !== true;
}

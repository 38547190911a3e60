import type { TemplateContent } from '../../domain/template/state.ts';
import { warmSpecOf } from '../../domain/pool/warm-spec.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';
import { poolWorkflowId } from '../../domain/wire-names.ts';
import { descriptorOf } from '../../providers/lookup.ts';
import type { ApiContext } from '../api-context.ts';
import { refusePlainDelivery } from '../agents/plain-connection.ts';
import { ApiProblem } from '../http/errors/problem.ts';
import { whyUntold } from '../vms/create/refuse-unsupported.ts';

/**
 * What the pool of a template makes machines from, signed. A machine that waits is told later what it is, as one with sealed
 * input is. @throws ApiProblem `unsupportedOption`, `insecureTransport`.
 */
export function signedForPool(
  { settings, startSignatures }: Pick<ApiContext, 'settings' | 'startSignatures'>,
  { project, name, spec }: { project: string; name: string; spec: VmSpec },
): NonNullable<TemplateContent['pool']> {
  const { placement, capabilities } = descriptorOf(spec.provider);
  if (!capabilities.warmMachines) {
    throw new ApiProblem('unsupportedOption', `body.warm: ${spec.provider} does not support warm machines`);
  }
  const untold = whyUntold(spec, 'warm machines');
  if (untold !== undefined) throw new ApiProblem('unsupportedOption', `body.warm: ${untold}`);
  const warmSpec = warmSpecOf(spec);
  refusePlainDelivery(warmSpec, settings);
  const workflowId = poolWorkflowId(project, name, settings.temporal.controlTaskQueue);
  return { spec, signature: startSignatures.sign({ workflowId, spec: warmSpec }, null), placement };
}

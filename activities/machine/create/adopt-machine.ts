import type { AdoptMachineInput } from '../../../domain/machine/activities.ts';
import type { MachineFacts } from '../../../domain/machine/provider.ts';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import type { ActivityContext } from '../../activity-context.ts';
import type { MachineActivityDependencies } from '../dependencies.ts';
import { machineFactsOf } from '../machine-facts.ts';
import { requireSignedAdoption } from '../order/signed-start.ts';

/**
 * The machine gets the workflow that asks as its owner, where the API signed that this one may have it and it is still that
 * of the owner which offered it. Its link is opened anew: what its agent says concerns the new owner. Again is fine.
 * Errors: `notSigned`, `machineEnded`, `badSpec` for a provider whose machines keep their owner.
 */
export async function adoptMachine(
  dependencies: MachineActivityDependencies,
  input: AdoptMachineInput,
  context: ActivityContext,
): Promise<MachineFacts> {
  const { provider, links, queue, issueBootstrap } = dependencies;
  const { machineId, from, uid, spec, signature: startSignature } = input;
  const { to, madeFor } = requireSignedAdoption(dependencies, input, context.workflowId);
  if (provider.adopt === undefined) {
    throw new ProviderError('badSpec', `a machine of ${provider.name} keeps the owner that it was made for`);
  }
  // Of an attempt that was given up nobody hears: the machine may have been given back by now.
  await context.confirm();
  // Worth something once the machine itself names its new owner, and not before.
  const agentBootstrap = issueBootstrap?.({ workflowId: to, machineId, startSignature }) ?? null;
  const adoption = { machineId, from, to, uid, startSignature, madeFor, spec, agentBootstrap };
  const machine = await provider.adopt(adoption, context);
  const { silenceTimeoutSeconds } = spec.idle;
  links.reopen({ machineId, workflowId: to, agent: machine.agent, silenceTimeoutSeconds });
  return machineFactsOf(machine, queue, dependencies.placement?.zone);
}

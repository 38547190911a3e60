import { condition, getExternalWorkflowHandle, log } from '@temporalio/workflow';
import { createOutcome } from '../../domain/vm/outcome.ts';
import { createEndedSignal, type VmInput } from '../messages.ts';
import type { VmLife } from './life.ts';

/** Says once to the template of the VM what became of its first start, where that template wants to know. */
export async function reportOutcome(life: VmLife, { reportsTo, resume }: VmInput): Promise<void> {
  // A life that goes on in a fresh history was ready once, and has said so.
  if (reportsTo === undefined || resume !== undefined) return;
  await condition(() => createOutcome(life.vm) !== null);
  const outcome = createOutcome(life.vm);
  if (outcome === null || outcome === 'nothing') return;
  const { workflowId, version } = reportsTo;
  try {
    await getExternalWorkflowHandle(workflowId).signal(createEndedSignal, { version, outcome });
  } catch (error) {
    log.info('the template of the VM is gone and learns nothing of its start', { workflowId, error: String(error) });
  }
}

import type { DeleteImageInput, MadeImage, MakeImageInput } from '../../domain/machine/activities.ts';
import type { MachineImages, MachineProvider } from '../../domain/machine/provider.ts';
import { ProviderError } from '../../domain/machine/provider-error.ts';
import { parseImageWorkflowId, parseVmWorkflowId } from '../../domain/wire-names.ts';
import type { ActivityContext } from '../activity-context.ts';
import type { MachineActivityDependencies } from './dependencies.ts';
import { keptAtIt } from './kept-at-it.ts';
import { requireOwner } from './order/signed-start.ts';

/**
 * Resolves when the image of the stopped machine is whole; again for one that is there is fine, and one that fails or is
 * cancelled leaves none. Errors: `machineEnded`, `machineRuns`, `diskFull`, `notSigned`.
 */
export async function makeImage(
  { provider, room, queue = '' }: MachineActivityDependencies,
  { machineId, imageId, family }: MakeImageInput,
  context: ActivityContext,
): Promise<MadeImage> {
  const machine = await provider.describe(machineId, context);
  if (machine === undefined) throw new ProviderError('machineEnded', `${machineId} is not there any more`);
  requireOwner(machine, context.workflowId);
  // One that was given up must make nothing of a machine that was started since.
  await context.confirm();
  const made = await imagesOf(provider).create({ name: imageId, family, machineId }, context);
  // Before the machine is destroyed, whose disk is then free for others.
  await room?.recount();
  return { sizeBytes: made.sizeBytes ?? null, createdAt: made.createdAt, host: machine.host, queue };
}

/**
 * Resolves when the image is gone. Errors: `notSigned` where the workflow is neither a family of the image's project nor the VM
 * that had it made.
 */
export async function deleteImage(
  { provider, room }: MachineActivityDependencies,
  { imageId, machineId }: DeleteImageInput,
  context: ActivityContext,
): Promise<void> {
  const images = imagesOf(provider);
  const image = (await images.list(context)).find(({ name }) => name === imageId);
  if (image === undefined && !(await mayBeOnItsWay(provider, { imageId, machineId }, context))) return;
  if (image !== undefined) requireProject(image.owner, context.workflowId);
  await keptAtIt(() => images.delete(imageId, context));
  await room?.recount();
}

/** A cloud may still come to make what a try that was given up has asked for: the machine's own VM takes that back too. */
async function mayBeOnItsWay(
  provider: MachineProvider,
  { imageId, machineId }: DeleteImageInput,
  context: ActivityContext,
): Promise<boolean> {
  if (!imageId.startsWith(`${machineId}-`)) return false;
  const machine = await provider.describe(machineId, context);
  return machine !== undefined && machine.labels.owner === context.workflowId;
}

/** What an activity is asked is a claim; only the id of the workflow that it runs for is none. */
function requireProject(owner: string | undefined, workflowId: string | undefined): void {
  // A VM takes back what it had made and nobody keeps.
  if (owner !== undefined && owner === workflowId) return;
  const family = parseImageWorkflowId(workflowId ?? '');
  if (family !== undefined && parseVmWorkflowId(owner ?? '')?.project === family.project) return;
  throw new ProviderError('notSigned', `notSigned: ${workflowId ?? '(none)'} is no family of the image's project`);
}

function imagesOf({ name, images }: MachineProvider): MachineImages {
  if (images !== undefined) return images;
  throw new ProviderError('badSpec', `${name} can make no images of machines`);
}

import {
  WithStartWorkflowOperation,
  WorkflowIdConflictPolicy,
  WorkflowNotFoundError,
  type Client,
} from '@temporalio/client';
import type { ImageMessages } from '../../activities/control/image-activities.ts';
import { publishedFamilies } from '../../config/published-families.ts';
import type { ImageUse } from '../../domain/image/activities.ts';
import { imageWorkflowId, vmWorkflowId, WORKFLOW_TYPE } from '../../domain/wire-names.ts';
import { beginImageUpdate, imageFailedUpdate, keepImageUpdate, sweepImagesUpdate } from '../../workflows/messages.ts';
import type { runImageFamily } from '../../workflows/image/family.ts';
import { imagesOfVm } from './published-vm.ts';

/** A family that takes longer to say what goes is left to the next sweep. */
const SWEEP_SECONDS = 10;

/** By updates that start the family where it is not there. Errors of the client pass. */
export function temporalImageMessages(client: Client, controlTaskQueue: string): ImageMessages {
  const idOf = (project: string, family: string): string => imageWorkflowId(project, family, controlTaskQueue);
  const start = (project: string, family: string): WithStartWorkflowOperation<typeof runImageFamily> =>
    new WithStartWorkflowOperation<typeof runImageFamily>(WORKFLOW_TYPE.image, {
      workflowId: idOf(project, family),
      taskQueue: controlTaskQueue,
      args: [{ project, family }],
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
      staticSummary: `Images ${family} of project ${project}`,
    });
  return {
    begin: async (project, family, beginning) => {
      const startWorkflowOperation = start(project, family);
      await client.workflow.executeUpdateWithStart(beginImageUpdate, { args: [beginning], startWorkflowOperation });
    },
    keep: (project, family, image) =>
      client.workflow.executeUpdateWithStart(keepImageUpdate, {
        args: [image],
        startWorkflowOperation: start(project, family),
      }),
    fail: async (project, family, failure) => {
      const startWorkflowOperation = start(project, family);
      await client.workflow.executeUpdateWithStart(imageFailedUpdate, { args: [failure], startWorkflowOperation });
    },
    useOf: (project, vm, imageId) => useOf(client, vmWorkflowId(project, vm), { imageId, controlTaskQueue }),
    families: () => publishedFamilies(client, controlTaskQueue),
    sweep: (project, family, policy) =>
      client.withDeadline(Date.now() + SWEEP_SECONDS * 1000, () =>
        client.workflow.getHandle(idOf(project, family)).executeUpdate(sweepImagesUpdate, { args: [policy] }),
      ),
  };
}

/** A describe is strongly consistent: a VM that was started a moment ago is seen. One that cannot be read may have it. */
async function useOf(
  client: Client,
  workflowId: string,
  { imageId, controlTaskQueue }: { imageId: string; controlTaskQueue: string },
): Promise<ImageUse> {
  try {
    const { status, memo, taskQueue } = await client.workflow.getHandle(workflowId).describe();
    // A VM of another deployment in the namespace.
    if (taskQueue !== controlTaskQueue) return 'free';
    if (status.name !== 'RUNNING' && status.name !== 'PAUSED' && status.name !== 'CONTINUED_AS_NEW') return 'free';
    const images = imagesOfVm(memo);
    if (images === undefined || images.startedFrom === imageId) return 'started';
    return images.pending === imageId ? 'making' : 'free';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'free';
    throw error;
  }
}

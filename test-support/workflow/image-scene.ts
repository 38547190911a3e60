/** VMs whose machines can be turned into images: a park of machines, and what keeps the images of a project. */
import type { Client } from '@temporalio/client';
import { createImageActivities, type ImageLimits } from '../../activities/control/image-activities.ts';
import type { FamilyImage } from '../../domain/image/state.ts';
import type { ImageFamilyView } from '../../domain/image/view.ts';
import { imageWorkflowId, machineTaskQueue } from '../../domain/wire-names.ts';
import { temporalImageMessages } from '../../worker/temporal/temporal-image-messages.ts';
import { imageFamilyQuery, keptImagesQuery } from '../../workflows/messages.ts';
import type { TestServer } from '../temporal-server.ts';
import type { FakeMachines } from './fake-machines.ts';
import { runWorker } from './vm-harness.ts';

export interface ImageScene {
  /** Runs what keeps images, until the returned function is called. */
  startKeeping: (limits?: ImageLimits) => Promise<() => Promise<void>>;
  family: (family: string) => Promise<ImageFamilyView>;
  kept: (family: string) => Promise<FamilyImage[]>;
}

/** `queue`: the control task queue of the park. */
export function imageScene(server: TestServer, queue: string, park: FakeMachines): ImageScene {
  park.imageQueue = machineTaskQueue('local', queue);
  const handle = (family: string) => server.client.workflow.getHandle(imageWorkflowId('default', family, queue));
  const client: Client = server.client;
  return {
    startKeeping: (limits = { maxPerProject: 1000 }) =>
      runWorker(server, {
        taskQueue: queue,
        activities: createImageActivities(temporalImageMessages(client, queue), limits),
      }),
    family: (family) => handle(family).query(imageFamilyQuery),
    kept: (family) => handle(family).query(keptImagesQuery),
  };
}

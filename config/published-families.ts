/** The families of images of a deployment, as their workflows publish them in their memos. */
import type { Client } from '@temporalio/client';
import { z } from 'zod';
import { IMAGE_ORIGINS, IMAGE_STATES } from '../domain/image/state.ts';
import type { ImageFamilyView } from '../domain/image/view.ts';
import { imageWorkflowId, MEMO, WORKFLOW_TYPE } from '../domain/wire-names.ts';
import { runningWorkflows } from './temporal/running-workflows.ts';

const time = z.iso.datetime();

/** The memo may be of another version of Ephemera, so it is checked before it counts. */
const familySchema = z.looseObject({
  project: z.string(),
  family: z.string(),
  images: z.array(
    z.looseObject({
      imageId: z.string(),
      name: z.string(),
      state: z.enum(IMAGE_STATES),
      origin: z.enum(IMAGE_ORIGINS),
      vm: z.string(),
      createdAt: time,
      dirtySince: time.optional(),
    }),
  ),
  making: z.array(z.looseObject({ imageId: z.string(), since: time })).optional(),
  session: z.looseObject({ name: z.string(), closedAt: time, image: z.string() }).nullable(),
  updatedAt: time,
});

/** Undefined: nothing was published, or nothing that can be read. */
export function familyOfMemo(memo: Record<string, unknown> | undefined): ImageFamilyView | undefined {
  return familySchema.safeParse(memo?.[MEMO.image]).data as ImageFamilyView | undefined;
}

/** Those that are there, about a second old. Rejects where Temporal does not answer. */
export async function* publishedFamilies(client: Client, controlTaskQueue: string): AsyncIterable<ImageFamilyView> {
  const query = runningWorkflows(WORKFLOW_TYPE.image, controlTaskQueue);
  for await (const { memo, workflowId } of client.workflow.list({ query })) {
    const view = familyOfMemo(memo);
    // A memo is a claim of its workflow, whose id says which family it is.
    if (view !== undefined && workflowId === imageWorkflowId(view.project, view.family, controlTaskQueue)) yield view;
  }
}

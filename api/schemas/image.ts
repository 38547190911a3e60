import { z } from 'zod';
import { IMAGE_NAME, IMAGE_ORIGINS, type ImageOrigin, type ImageState } from '../../domain/image/state.ts';
import { choice } from '../../spec/choice.ts';
import { nameSchema } from '../../spec/spec-fields.ts';
import { queueTimeoutSeconds } from './request.ts';

const imageNameSchema = z.string().regex(IMAGE_NAME, 'small letters, digits and hyphens, 80 at most');

export const imagePathSchema = z.strictObject({
  name: imageNameSchema.describe('Name of the image, in the project of the key.'),
});

export const snapshotBodySchema = z
  .strictObject({
    imageName: imageNameSchema.optional().describe('Unique in the project. Default: the family and a number.'),
    family: nameSchema
      .optional()
      .describe('The family that the image belongs to. Default: that of the name of the VM.'),
  })
  .meta({ id: 'Snapshot', examples: [{ imageName: 'golden-7', family: 'golden' }] });

const force = z
  .boolean()
  .optional()
  .meta({ description: 'Though the VM has users, whom it cuts off. Default: false.' });

export const snapshotQuerySchema = z.strictObject({ force, queueTimeoutSeconds });

export const closeQuerySchema = z.strictObject({ force, queueTimeoutSeconds });

const IMAGE_STATE_TEXT = choice<ImageState | 'pending'>('What can be done with it.', {
  pending: 'it is being made, or will be once its machine is stopped',
  ready: 'VMs can start from it',
  dirty: 'a later close has taken its place',
  failed: 'it was not made; `detail` says why, and nothing is left of it',
  deleting: 'it is being removed where it is',
});

const ORIGIN_TEXT = choice<ImageOrigin>('What it was made for.', {
  close: 'its VM was closed',
  snapshot: 'somebody asked for a snapshot',
});

export const imageSchema = z
  .object({
    name: z.string().describe('Its name; its id where it was not made, or is not yet.'),
    imageId: z.string().describe('As its provider knows it.'),
    family: z.string().describe('The line of images that it belongs to; a VM that is closed has one of its own name.'),
    state: z.enum(['pending', 'ready', 'dirty', 'failed', 'deleting']).describe(IMAGE_STATE_TEXT),
    origin: z.enum(IMAGE_ORIGINS).describe(ORIGIN_TEXT),
    vm: z.string().describe('Name of the VM that it was made from.'),
    provider: z.string().optional().describe('Its provider; absent where it was not made.'),
    host: z.string().optional().describe('The host that alone has it; absent in a cloud.'),
    sizeBytes: z.int().optional().describe('What it takes; absent where the provider does not say.'),
    createdAt: z.iso.datetime().describe('When it was made, asked for, or failed.'),
    ageSeconds: z.int().describe('How long ago that was.'),
    dirtySince: z.iso.datetime().optional().describe('Since when a later close has its place; absent while none has.'),
    deletedAfter: z.iso
      .datetime()
      .optional()
      .describe(
        'When it goes by itself, unless a VM that lives began with it; absent where it stays: the last one of a family or session always does.',
      ),
    detail: z.string().optional().describe('Why it was not made.'),
    usedBy: z.array(z.string()).describe('Names of the live VMs that started from it.'),
  })
  .meta({ id: 'Image', description: 'An image of the disk of a VM, which other VMs can start from.' });
export type ApiImage = z.infer<typeof imageSchema>;

export const imageListSchema = z
  .object({ images: z.array(imageSchema).describe('Those of the project, by family, oldest first.') })
  .meta({ id: 'ImageList', description: 'The images of a project.' });

export const sessionSchema = z
  .object({
    name: z.string().describe('The name that was closed, and can be reopened.'),
    family: z.string().describe('The family of its images.'),
    image: z.string().describe('Name of the image that a reopen takes: its newest one that is ready.'),
    images: z.int().describe('How many images there are of it.'),
    sizeBytes: z.int().optional().describe('What the newest one takes; absent where the provider does not say.'),
    host: z.string().optional().describe('The host that has it; absent in a cloud.'),
    closedAt: z.iso.datetime().describe('When it was closed last.'),
    ageSeconds: z.int().describe('How long ago that was.'),
    live: z.boolean().describe('Whether a VM of this name lives now: then it can be reopened after its end.'),
  })
  .meta({ id: 'Session', description: 'A name that was closed, with what is kept of it.' });
export type ApiSession = z.infer<typeof sessionSchema>;

export const sessionListSchema = z
  .object({ sessions: z.array(sessionSchema).describe('Those of the project, by name.') })
  .meta({ id: 'SessionList', description: 'The names of a project that were closed.' });

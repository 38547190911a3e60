import { z } from 'zod';
import {
  COPY_NAME,
  COPY_ORIGINS,
  IMAGE_KINDS,
  type CopyOrigin,
  type ImageKind,
} from '../../domain/machine/image-copies.ts';
import { choice } from '../../spec/choice.ts';
import { hostStateSchema } from './host.ts';

export const machineImagePathSchema = z.strictObject({
  name: z
    .string()
    .regex(COPY_NAME, '1 to 63 of a-z, 0-9 and "-", no "-" at either end')
    .describe('Name of the machine image.'),
});

const copySchema = z.object({
  host: z.string().describe('Id of the host.'),
  state: hostStateSchema,
  origin: z.enum(COPY_ORIGINS).describe(
    choice<CopyOrigin>('How it came there.', {
      registered: 'somebody registered it there, and it stays until it is removed',
      fetched: 'from another host, and it makes room for others when no machine there has it',
    }),
  ),
  machines: z.int().describe('Machines of that host whose disks lie over it, as it said last.'),
});

const versionSchema = z.object({
  version: z.string().describe('The same on every host; `name@version` as the `image` of a VM means this one alone.'),
  kind: z
    .enum(IMAGE_KINDS)
    .describe(choice<ImageKind>('What it is.', { qcow2: 'a disk image', container: 'made of a container image' })),
  sha256: z.string().describe('Of its content, by which every host that fetches it checks it.'),
  sizeBytes: z.int().describe('What it takes on a host.'),
  diskGb: z.int().describe('The least disk of a VM of it.'),
  addedAt: z.iso.datetime().describe('When it was registered.'),
  url: z.string().optional().describe('Where it can be had too; absent: only from hosts that have it.'),
  hosts: z.array(copySchema).describe('The hosts that have it.'),
});

export const machineImageSchema = z
  .object({
    name: z.string().describe('What specs name as `image`.'),
    provider: z.string().describe('The provider whose machines boot it.'),
    latest: z.string().describe('The version that new machines get; those that are there keep theirs.'),
    versions: z.array(versionSchema).describe('Those that hosts have, the latest first.'),
  })
  .meta({ id: 'MachineImage', description: 'An image that somebody registered, which machines boot.' });
export type ApiMachineImage = z.infer<typeof machineImageSchema>;

export const machineImageListSchema = z
  .object({ images: z.array(machineImageSchema).describe('Each image, by name.') })
  .meta({ id: 'MachineImageList', description: 'The machine images of the deployment.' });

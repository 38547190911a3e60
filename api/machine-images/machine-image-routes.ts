import type { ApiContext } from '../api-context.ts';
import { ApiProblem } from '../http/errors/problem.ts';
import { keyedRoute } from '../http/route.ts';
import {
  machineImageListSchema,
  machineImagePathSchema,
  machineImageSchema,
  type ApiMachineImage,
} from '../schemas/machine-image.ts';
import { machineImages } from './machine-image-views.ts';
import { removeFromHost } from './remove-from-host.ts';

const TAG = 'Machine images';

export const listMachineImagesRoute = keyedRoute({
  method: 'get',
  path: '/v1/machine-images',
  operationId: 'listMachineImages',
  tag: TAG,
  summary: 'The images that machines of own hosts boot',
  description:
    'Somebody registered each of them on a host (`npm run image -- add`), from where other hosts fetch it when a machine of ' +
    'theirs needs it. The image that comes with Ephemera is on every host and not in this list.',
  access: 'viewer',
  replies: { 200: { description: 'As hosts said last, some seconds ago at most.', schema: machineImageListSchema } },
  errors: ['temporalUnavailable'],
  handle: async (_, api) => ({ status: 200, body: { images: machineImages(await api.hosts.known()) } }),
});

export const getMachineImageRoute = keyedRoute({
  method: 'get',
  path: '/v1/machine-images/{name}',
  operationId: 'getMachineImage',
  tag: TAG,
  summary: 'One machine image, with its versions and the hosts that have them',
  access: 'viewer',
  params: machineImagePathSchema,
  replies: { 200: { description: 'As hosts said last, some seconds ago at most.', schema: machineImageSchema } },
  errors: ['machineImageNotFound', 'temporalUnavailable'],
  handle: async ({ params: { name } }, api) => ({ status: 200, body: await existing(api, name) }),
});

export const deleteMachineImageRoute = keyedRoute({
  method: 'delete',
  path: '/v1/machine-images/{name}',
  operationId: 'deleteMachineImage',
  tag: TAG,
  summary: 'Remove every version of a machine image from every host',
  description:
    'While a machine has one of its versions, also a stopped one, nothing is removed: 409 `machineImageInUse`. Nor while a host ' +
    'that has it cannot be asked, for it would bring it back. When one host fails in between, the others have removed it: repeat it.',
  access: 'admin',
  params: machineImagePathSchema,
  replies: { 200: { description: 'No host has it any more; as it was before.', schema: machineImageSchema } },
  errors: ['machineImageNotFound', 'machineImageInUse', 'imageHostAway', 'hostKeyMismatch', 'temporalUnavailable'],
  handle: async ({ params: { name }, gone }, api) => {
    const image = await existing(api, name);
    const copies = image.versions.flatMap(({ hosts }) => hosts);
    const users = copies.filter(({ machines }) => machines > 0).map(({ host }) => host);
    if (users.length > 0) {
      throw new ApiProblem('machineImageInUse', `Machines on ${[...new Set(users)].join(', ')} have the image ${name}`);
    }
    const away = copies.find(({ state }) => state === 'away' || state === 'lost');
    if (away !== undefined) {
      throw new ApiProblem('imageHostAway', `Host ${away.host}, which has the image ${name}, is ${away.state}`);
    }
    // Where it was registered first: nobody fetches it from there meanwhile.
    const keepers = copies.filter(({ origin }) => origin === 'registered');
    const hosts = new Set([...keepers, ...copies].map(({ host }) => host));
    for (const host of hosts) await removeFromHost(api, host, name, gone);
    return { status: 200, body: image };
  },
});

async function existing(api: ApiContext, name: string): Promise<ApiMachineImage> {
  const image = machineImages(await api.hosts.known()).find((one) => one.name === name);
  if (image === undefined) throw new ApiProblem('machineImageNotFound', `No host has an image ${name}`);
  return image;
}

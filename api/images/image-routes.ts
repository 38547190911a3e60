import { isImageFor } from '../../domain/vm/imaging.ts';
import { keptImages } from '../../domain/image/retention.ts';
import { closeSignal, closeUpdate, snapshotSignal, snapshotUpdate } from '../../workflows/messages.ts';
import type { ApiContext } from '../api-context.ts';
import { ApiProblem } from '../http/errors/problem.ts';
import { keyedRoute, type KeyedRequest, type MadeForLater } from '../http/route.ts';
import {
  closeQuerySchema,
  imageListSchema,
  imagePathSchema,
  imageSchema,
  sessionListSchema,
  snapshotBodySchema,
  snapshotQuerySchema,
  type ApiImage,
} from '../schemas/image.ts';
import { createHeadersSchema, createQuerySchema, DEFAULT_WAIT_SECONDS, vmPathSchema } from '../schemas/requests.ts';
import { vmSchema } from '../schemas/vm.ts';
import { acceptPower, acceptReopen } from '../requests/accept.ts';
import { LATER_ACTION_REPLIES, LATER_REPLY } from '../requests/later-replies.ts';
import { laterHeadersSchema } from '../schemas/request.ts';
import { isStopped, type VmRecord } from '../vms/seen/vm-record.ts';
import { askWorkflow } from '../vms/power/ask-power.ts';
import { awaitReady, isOnItsWay } from '../vms/waits/await-ready.ts';
import { liveVm } from '../vms/power/power-routes.ts';
import { vmPath, vmReply } from '../vms/seen/vm-reply.ts';
import { imagesOf, sessionsOf, usersOf } from './image-views.ts';
import { reopen } from './reopen.ts';

const TAG = 'Images and sessions';
/** Images of a family that people have to tidy up themselves: dirty ones do not count. */
const MAX_SNAPSHOTS = 50;
/** How long a reopen that waits for nothing else gives a life that is being closed. */
const ENDING_SECONDS = 5;

export const closeVmRoute = keyedRoute({
  method: 'post',
  path: '/v1/vms/{name}/close',
  operationId: 'closeVm',
  tag: TAG,
  summary: 'Keep the disk of a VM in an image, and end it',
  description:
    'Its machine is stopped, an image is made of its disk in the family of its name, and when that is kept the machine is ' +
    'destroyed: the VM ends as `closed`. `reopen`, or a create of its name, brings it back with its disk. An image that ' +
    'cannot be made ends nothing: the VM is `stopped` with its disk, `detail` says why, and the last good image stays. ' +
    'With users it answers 409 `vmInUse` unless it is forced. Repeating it is fine; a `start` before the image is kept ' +
    'takes it back.',
  access: 'operator',
  params: vmPathSchema,
  query: closeQuerySchema,
  headers: laterHeadersSchema,
  replies: LATER_ACTION_REPLIES,
  errors: ['unknownVm', 'actionNotAllowed', 'unsupportedAction', 'vmInUse', 'temporalUnavailable'],
  later: {
    accept: ({ project, params }, api) => acceptPower(api, project, params.name, 'close'),
    isDone: ({ closed, reason }) => closed && reason === 'closed',
  },
  handle: async ({ project, params, query }, api) => {
    const record = await liveVm(api, project, params.name, 'close');
    const options = { uid: record.view.uid, ...(query.force === true ? { force: true } : {}) };
    const handle = api.directory.handle(record.workflowId);
    const reply = await askWorkflow(api, record, 'close', {
      ask: () => handle.executeUpdate(closeUpdate, { args: [options] }),
      leave: () => handle.signal(closeSignal, options),
    });
    return vmReply(api, reply.status, reply.record);
  },
});

export const snapshotVmRoute = keyedRoute({
  method: 'post',
  path: '/v1/vms/{name}/snapshot',
  operationId: 'snapshotVm',
  tag: TAG,
  summary: 'Make an image of the disk of a VM, which goes on',
  description:
    'A VM that runs is stopped for it and started again, so that what is on its disk is whole; one that is stopped stays so. ' +
    'With users it answers 409 `vmInUse` unless it is forced. `pendingImage` of the VM, and GET /v1/images, show it until ' +
    'it is `ready`; one that was not made is `failed` there and says why. Asked for later it makes one image, however often ' +
    'the request is begun again, and names it in its `result`.',
  access: 'operator',
  params: vmPathSchema,
  query: snapshotQuerySchema,
  headers: laterHeadersSchema,
  body: snapshotBodySchema,
  replies: LATER_ACTION_REPLIES,
  errors: [
    ...(['unknownVm', 'actionNotAllowed', 'unsupportedAction', 'vmInUse'] as const),
    ...(['imageNameTaken', 'tooManyImages', 'temporalUnavailable'] as const),
  ],
  later: {
    accept: ({ project, params }, api) => acceptPower(api, project, params.name, 'snapshot'),
    made: snapshotMade,
  },
  handle: async (request, api) => {
    const { project, params, query, body, acceptedAs } = request;
    const record = await liveVm(api, project, params.name, 'snapshot');
    const { imageName, family = params.name } = body;
    const isAgain = isBeingMade(record, acceptedAs) || (await snapshotMade(request, api)) !== undefined;
    if (isAgain) return vmReply(api, 200, record);
    await refuseImage(api, project, family, imageName);
    const options = {
      ...{ uid: record.view.uid, family },
      ...(imageName === undefined ? {} : { name: imageName }),
      ...(acceptedAs === undefined ? {} : { request: acceptedAs }),
      ...(query.force === true ? { force: true } : {}),
    };
    const handle = api.directory.handle(record.workflowId);
    const reply = await askWorkflow(api, record, 'snapshot', {
      ask: () => handle.executeUpdate(snapshotUpdate, { args: [options] }),
      leave: () => handle.signal(snapshotSignal, options),
    });
    return vmReply(api, reply.status, reply.record);
  },
});

export const reopenVmRoute = keyedRoute({
  method: 'post',
  path: '/v1/vms/{name}/reopen',
  operationId: 'reopenVm',
  tag: TAG,
  summary: 'Bring back a VM that was closed, by its name alone',
  description:
    'A new VM of the name with the spec and the secrets that it had, whose disk begins with the newest image of its family: ' +
    '`startedFrom: image`. An image of a host of ours can start there alone. A VM of the name that is being closed is ' +
    `waited for: at most \`timeoutSeconds\` with \`?wait=ready\`, ${ENDING_SECONDS} s without.`,
  access: 'operator',
  params: vmPathSchema,
  query: createQuerySchema,
  headers: createHeadersSchema,
  replies: {
    200: { description: 'The request with this Idempotency-Key reopened it before.', schema: vmSchema },
    201: { description: 'The VM is new.', schema: vmSchema, headers: { Location: 'Path of the VM.' } },
    202: {
      description:
        'Asked to wait, and the VM was not ready in time; it goes on starting. Or the request is done later, as it prefers.',
      ...LATER_REPLY,
    },
  },
  errors: [
    ...(['neverClosed', 'vmLive', 'vmEnding', 'sessionUnreadable', 'imageHostLost'] as const),
    ...([
      'optionNotAllowed',
      'noMatchingHost',
      'endedBeforeReady',
      'idempotencyConflict',
      'providerUnavailable',
      'temporalUnavailable',
    ] as const),
  ],
  later: { wait: 'ready', accept: ({ project, params: { name } }, api) => acceptReopen(api, project, name) },
  handle: async ({ caller, project, params: { name }, query, headers, gone }, api) => {
    const waits = query.wait === 'ready';
    const seconds = waits ? (query.timeoutSeconds ?? DEFAULT_WAIT_SECONDS) : ENDING_SECONDS;
    const time = { until: performance.now() + seconds * 1000, gone };
    const idempotencyKey = headers['idempotency-key'];
    const { record, isRepeat } = await reopen(api, { project, name, createdBy: caller.id, idempotencyKey, time });
    const location = vmPath(name);
    const status = isRepeat ? 200 : 201;
    if (!waits || record.closed || isStopped(record)) return vmReply(api, status, record, { location });
    const ready = await awaitReady(api, record, time);
    return vmReply(api, isOnItsWay(ready) ? 202 : status, ready, { location });
  },
});

export const listSessionsRoute = keyedRoute({
  method: 'get',
  path: '/v1/sessions',
  operationId: 'listSessions',
  tag: TAG,
  summary: 'The names that were closed and can be reopened',
  description: 'Kept by the families of their images, however long ago they were closed.',
  access: 'viewer',
  replies: { 200: { description: 'All of them, at most a second old.', schema: sessionListSchema } },
  errors: ['temporalUnavailable'],
  handle: async ({ project }, api) => ({ status: 200, body: { sessions: await sessionsOf(api, project) } }),
});

export const listImagesRoute = keyedRoute({
  method: 'get',
  path: '/v1/images',
  operationId: 'listImages',
  tag: TAG,
  summary: 'The images that VMs were closed into, and snapshots',
  access: 'viewer',
  replies: { 200: { description: 'All of them, at most a second old.', schema: imageListSchema } },
  errors: ['temporalUnavailable'],
  handle: async ({ project }, api) => ({ status: 200, body: { images: await imagesOf(api, project) } }),
});

export const deleteImageRoute = keyedRoute({
  method: 'delete',
  path: '/v1/images/{name}',
  operationId: 'deleteImage',
  tag: TAG,
  summary: 'Delete an image',
  description:
    'Kept before it is answered; the image is removed where it is, as soon as its host can be asked. One that a live VM ' +
    'started from, or is starting from, is 409 `imageInUse`. With its last image that is ready a session ends: it cannot be reopened any more.',
  access: 'operator',
  params: imagePathSchema,
  replies: {
    202: {
      description: 'It is being removed, or is gone already.',
      schema: imageSchema,
      headers: { Location: 'Path of the list of images.' },
    },
  },
  errors: ['imageNotFound', 'imageInUse', 'temporalUnavailable'],
  handle: async ({ project, params: { name } }, api) => {
    api.images.forget();
    const image = (await imagesOf(api, project)).find((one) => one.name === name);
    if (image === undefined) {
      throw new ApiProblem('imageNotFound', `There is no image ${name} in the project of this key`);
    }
    if (image.state === 'pending') throw new ApiProblem('imageInUse', `${name} is being made of ${image.vm}`);
    const users = image.usedBy.length > 0 ? image.usedBy : await namesakesFrom(api, project, image);
    if (users.length > 0) {
      throw new ApiProblem('imageInUse', `${name} is the disk that ${users.join(', ')} began with`);
    }
    const family = await api.images.delete(project, image.family, [image.imageId]);
    const left = family?.images.find(({ imageId }) => imageId === image.imageId);
    if (left !== undefined && left.state !== 'deleting' && left.state !== 'failed') {
      throw new ApiProblem('imageInUse', `A start of ${image.vm} has just begun with ${name}`);
    }
    const body = { ...image, state: 'deleting' as const, usedBy: [] };
    return { status: 202, body, headers: { location: '/v1/images' } };
  },
});

/** Whether an earlier try of a request for later had the VM make an image, which it is about now. */
function isBeingMade({ view }: VmRecord, acceptedAs: string | undefined): boolean {
  return (
    acceptedAs !== undefined && view.pendingImage !== undefined && isImageFor(view.pendingImage.imageId, acceptedAs)
  );
}

/** The image that a request for later made, by this try or an earlier one. @throws ApiProblem `notDone`. */
async function snapshotMade(
  {
    project,
    params,
    body,
    acceptedAs,
  }: Pick<
    KeyedRequest<{ name: string }, unknown, unknown, { family?: string | undefined }>,
    'project' | 'params' | 'body' | 'acceptedAs'
  >,
  api: ApiContext,
): Promise<MadeForLater | undefined> {
  if (acceptedAs === undefined) return undefined;
  const family = await api.images.find(project, body.family ?? params.name);
  const image = family?.images.find(({ imageId }) => isImageFor(imageId, acceptedAs));
  if (image?.state === 'failed') {
    throw new ApiProblem('notDone', `No image was made of ${params.name}: ${image.detail ?? 'nobody said why'}`);
  }
  return image && { name: image.name, imageId: image.imageId };
}

/** The VM that began with the image as Temporal knows it now: another replica may have reopened it a moment ago. */
async function namesakesFrom(
  api: ApiContext,
  project: string,
  { vm, imageId }: Pick<ApiImage, 'vm' | 'imageId'>,
): Promise<string[]> {
  const found = await api.directory.describe(project, vm);
  if (found === undefined || found.record.closed) return [];
  return usersOf(imageId, [found.record]);
}

/** Names are unique in the project, also among images that are being made. @throws ApiProblem. */
async function refuseImage(
  api: ApiContext,
  project: string,
  family: string,
  imageName: string | undefined,
): Promise<void> {
  api.images.forget();
  const images = await imagesOf(api, project);
  if (imageName !== undefined && images.some(({ name }) => name === imageName)) {
    throw new ApiProblem('imageNameTaken', `There is an image ${imageName} in the project of this key`);
  }
  const { maxPerProject } = api.settings.images;
  if (keptImages(images) >= maxPerProject) {
    const text = `The project of this key has ${maxPerProject} images, which are all it may have`;
    throw new ApiProblem('tooManyImages', text);
  }
  const snapshots = images.filter((image) => image.family === family && image.state !== 'dirty');
  if (snapshots.length < MAX_SNAPSHOTS) return;
  throw new ApiProblem('tooManyImages', `The family ${family} has ${MAX_SNAPSHOTS} images, which are all it can have`);
}

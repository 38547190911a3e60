/** Images and sessions as the API shows them, put together from families and from what this replica knows of VMs. */
import { expiryTimesOf } from '../../domain/image/retention.ts';
import { newestReady } from '../../domain/image/state.ts';
import type { ImageFamilyView, ImageView } from '../../domain/image/view.ts';
import { vmWorkflowId } from '../../domain/wire-names.ts';
import type { ApiContext } from '../api-context.ts';
import type { ApiImage, ApiSession } from '../schemas/image.ts';
import type { VmRecord } from '../vms/seen/vm-record.ts';

type Known = Pick<ApiContext, 'images' | 'projection' | 'settings' | 'now'>;

/** The images of a project, those that are being made among them. */
export async function imagesOf({ images, projection, settings, now }: Known, project: string): Promise<ApiImage[]> {
  const families = await images.list(project);
  const live = projection.live(project);
  const at = now();
  const kept = families.flatMap((family) => {
    const expiries = expiryTimesOf(family, settings.images);
    return family.images.map((image) =>
      apiImage(family, image, { live, now: at, expiry: expiries.get(image.imageId) }),
    );
  });
  const ids = new Set(kept.map(({ imageId }) => imageId));
  const pending = live.flatMap((record) => pendingImage(record, at)).filter(({ imageId }) => !ids.has(imageId));
  return [...kept, ...pending].sort((a, b) => (a.family < b.family ? -1 : a.family > b.family ? 1 : 0));
}

/** The names of a project that were closed and can be reopened. */
export async function sessionsOf({ images, projection, now }: Known, project: string): Promise<ApiSession[]> {
  const families = await images.list(project);
  return families.flatMap(({ family, session, images: all }): ApiSession[] => {
    const newest = session === null ? undefined : newestReady(all, session.name);
    if (session === null || newest === undefined) return [];
    const { name, closedAt } = session;
    return [
      {
        ...{ name, family, image: newest.name, closedAt, ageSeconds: secondsSince(closedAt, now()) },
        images: all.filter(({ state }) => state !== 'failed').length,
        ...(newest.sizeBytes === undefined ? {} : { sizeBytes: newest.sizeBytes }),
        ...(newest.host === undefined ? {} : { host: newest.host }),
        live: projection.get(vmWorkflowId(project, name))?.closed === false,
      },
    ];
  });
}

interface ShownWith {
  live: readonly VmRecord[];
  /** Epoch ms. */
  now: number;
  /** When it goes by itself. */
  expiry: string | undefined;
}

function apiImage(
  { family }: Pick<ImageFamilyView, 'family'>,
  { imageId, name, state, origin, vm, provider, host, sizeBytes, createdAt, dirtySince, detail }: ImageView,
  { live, now, expiry }: ShownWith,
): ApiImage {
  return {
    ...{ name, imageId, family, state, origin, vm, createdAt, ageSeconds: secondsSince(createdAt, now) },
    ...(provider === undefined ? {} : { provider }),
    ...(host === undefined ? {} : { host }),
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    ...(dirtySince === undefined ? {} : { dirtySince }),
    ...(expiry === undefined ? {} : { deletedAfter: expiry }),
    ...(detail === undefined ? {} : { detail }),
    usedBy: usersOf(imageId, live),
  };
}

/** Names of the live VMs whose disk began with the image: their machines may be made from it again. */
export function usersOf(imageId: string, live: readonly VmRecord[]): string[] {
  return live.filter(({ view }) => view.spec.startFrom?.imageId === imageId).map(({ view }) => view.name);
}

function pendingImage({ view }: VmRecord, now: number): ApiImage[] {
  const { pendingImage: pending, name: vm, provider, updatedAt: createdAt } = view;
  if (pending === undefined) return [];
  const { imageId, family, name = imageId, closes } = pending;
  return [
    {
      ...{ name, imageId, family, state: 'pending', origin: closes ? 'close' : 'snapshot', vm, provider, createdAt },
      ageSeconds: secondsSince(createdAt, now),
      usedBy: [],
    },
  ];
}

function secondsSince(time: string, now: number): number {
  return Math.max(0, Math.round((now - Date.parse(time)) / 1000));
}

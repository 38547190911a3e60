import { isoTime } from '../iso-time.ts';
import { plainInMarkdown } from '../plain-in-markdown.ts';
import { newestReady, type FamilyImage, type ImageFamily, type ImageOrigin, type ImageState } from './state.ts';

/** An image as lists tell it; times as RFC 3339. */
export interface ImageView {
  imageId: string;
  /** Its id for one that was not made. */
  name: string;
  state: ImageState;
  origin: ImageOrigin;
  vm: string;
  provider?: string;
  host?: string;
  sizeBytes?: number;
  createdAt: string;
  dirtySince?: string;
  /** Why it was not made. */
  detail?: string;
}

/** What leaves the workflow of a family for lists: JSON only, without specs and what is sealed. */
export interface ImageFamilyView {
  project: string;
  family: string;
  images: ImageView[];
  /** Images that were begun, and of which nothing more was said. Absent: none. */
  making?: { imageId: string; since: string }[];
  /** `image`: the id of the one that the session is reopened from. */
  session: { name: string; closedAt: string; image: string } | null;
  updatedAt: string;
}

export function imageFamilyView({
  project,
  family,
  images,
  failures,
  making = [],
  session,
  updatedAt,
}: ImageFamily): ImageFamilyView {
  const newest = session === null ? undefined : newestReady(images, session.name);
  return {
    project,
    family,
    images: [
      ...images.map(imageView),
      ...failures.map(({ imageId, origin, vm, at, detail }): ImageView => ({
        ...{ imageId, name: imageId, state: 'failed', origin, vm, createdAt: isoTime(at), detail },
      })),
    ],
    ...(making.length === 0 ? {} : { making: making.map(({ imageId, at }) => ({ imageId, since: isoTime(at) })) }),
    session:
      session === null || newest === undefined
        ? null
        : { name: session.name, closedAt: isoTime(session.closedAt), image: newest.imageId },
    updatedAt: isoTime(updatedAt),
  };
}

function imageView({
  imageId,
  name,
  state,
  origin,
  vm,
  provider,
  host,
  sizeBytes,
  createdAt,
  dirtySince,
}: FamilyImage): ImageView {
  return {
    ...{ imageId, name, state, origin, vm, provider, createdAt: isoTime(createdAt) },
    ...(host === null ? {} : { host }),
    ...(sizeBytes === null ? {} : { sizeBytes }),
    ...(dirtySince === undefined ? {} : { dirtySince: isoTime(dirtySince) }),
  };
}

/** What a person who opens the family in the Temporal Web UI reads first. Markdown. */
export function imageFamilyDetails({ family, project, images, session }: ImageFamilyView): string {
  const rows = images.map(
    ({ name, state, vm, createdAt, detail }) =>
      `- **${name}**: ${state}, of VM ${vm}, ${createdAt}${detail === undefined ? '' : `: ${plainInMarkdown(detail)}`}`,
  );
  const closed = session === null ? [] : [`**${session.name}** was closed at ${session.closedAt} and can be reopened.`];
  return [`Images **${family}** of project ${project}`, ...closed, rows.join('\n')].join('\n\n');
}

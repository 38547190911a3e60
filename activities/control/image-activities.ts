/** What the workflows of VMs, of families and of sweeps ask of control workers for the images of machines. */
import { log } from '@temporalio/activity';
import type {
  ExpiredImages,
  ImageKeepingActivities,
  ImageSweepActivities,
  ImageUse,
  ImageUseActivities,
} from '../../domain/image/activities.ts';
import type { ImageFailure } from '../../domain/image/messages.ts';
import { hasSomethingDue, keptImages, type ImagePolicy } from '../../domain/image/retention.ts';
import type { ImageBeginning, ImageRecord } from '../../domain/image/state.ts';
import type { ImageFamilyView } from '../../domain/image/view.ts';
import { ProviderError } from '../../domain/machine/provider-error.ts';
import { inParallel } from '../../lib/waiting/in-parallel.ts';
import { SharedRead } from '../../lib/waiting/shared-read.ts';
import { runAsActivity } from '../run-activity.ts';

/** Tells families of images, starts those that are not there, and asks VMs for what they began with. */
export interface ImageMessages {
  begin: (project: string, family: string, beginning: ImageBeginning) => Promise<void>;
  /** Resolves with the name that the image has there. */
  keep: (project: string, family: string, image: ImageRecord) => Promise<{ name: string }>;
  fail: (project: string, family: string, failure: ImageFailure) => Promise<void>;
  useOf: (project: string, vm: string, imageId: string) => Promise<ImageUse>;
  /** The families that are there. */
  families: () => AsyncIterable<ImageFamilyView>;
  /** Resolves with the ids of images that go. */
  sweep: (project: string, family: string, policy: ImagePolicy) => Promise<string[]>;
}

const LIST_SHARED_MS = 1000;
/** Max concurrent families that are asked. */
const CONCURRENCY = 20;

export interface ImageLimits {
  /** As many images may be kept of one project. */
  maxPerProject: number;
}

export function createImageActivities(
  messages: ImageMessages,
  limits: ImageLimits,
): ImageKeepingActivities & ImageUseActivities & ImageSweepActivities {
  const { keep, fail, useOf } = messages;
  const families = new SharedRead(() => all(messages.families()));
  return {
    beginImage: runAsActivity(
      async ({ project, family, beginning }: { project: string; family: string; beginning: ImageBeginning }) => {
        await refuseFullProject(families, limits, { project, imageId: beginning.imageId });
        await messages.begin(project, family, beginning);
      },
    ),
    keepImage: runAsActivity(({ project, family, image }: { project: string; family: string; image: ImageRecord }) =>
      keep(project, family, image),
    ),
    noteImageFailure: runAsActivity(
      ({ project, family, failure }: { project: string; family: string; failure: ImageFailure }) =>
        fail(project, family, failure),
    ),
    findImageUse: runAsActivity(({ project, vm, imageId }: { project: string; vm: string; imageId: string }) =>
      useOf(project, vm, imageId),
    ),
    expireImages: runAsActivity(({ policy }: { policy: ImagePolicy }, { signal }) => expire(messages, policy, signal)),
  };
}

/** Many VMs that are closed at once are counted once; lists follow within a moment, so that a few more may be made. */
async function refuseFullProject(
  families: SharedRead<ImageFamilyView[]>,
  { maxPerProject }: ImageLimits,
  { project, imageId }: { project: string; imageId: string },
): Promise<void> {
  const known = await families.get(LIST_SHARED_MS);
  const images = known.flatMap((family) => (family.project === project ? family.images : []));
  if (keptImages(images, imageId) < maxPerProject) return;
  throw new ProviderError('tooManyImages', `project ${project} has ${maxPerProject} images, which are all it may have`);
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** Only families that show something to be deleted are asked: the others would have their histories filled. */
async function expire(messages: ImageMessages, policy: ImagePolicy, signal: AbortSignal): Promise<ExpiredImages> {
  const due: ImageFamilyView[] = [];
  let families = 0;
  for await (const family of messages.families()) {
    families += 1;
    if (hasSomethingDue(family, policy, Date.now())) due.push(family);
  }
  const report: ExpiredImages = { families, leaving: [], failed: 0 };
  await inParallel(due, CONCURRENCY, async ({ project, family }) => {
    signal.throwIfAborted();
    try {
      const leaving = await messages.sweep(project, family, policy);
      report.leaving.push(...leaving);
      if (leaving.length > 0) log.info('images that are kept no longer are deleted', { project, family, leaving });
    } catch (error) {
      signal.throwIfAborted();
      report.failed += 1;
      log.warn('a family of images is left to a later sweep', { project, family, error });
    }
  });
  return report;
}

import { log, metricMeter } from '@temporalio/workflow';
import type { ImageFamilyEvent } from '../../domain/image/events.ts';
import { next } from '../../domain/image/next.ts';
import type { ImageFamily } from '../../domain/image/state.ts';
import { METRICS } from '../../domain/metrics.ts';
import type { Happened } from '../happened.ts';

/** Holds the one copy of a family; `next` decides what events mean. */
export class FamilyRecord {
  /** What everybody can see of it. */
  shown: ImageFamily | undefined;
  #family: ImageFamily;

  constructor(family: ImageFamily) {
    this.#family = family;
  }

  get family(): ImageFamily {
    return this.#family;
  }

  get published(): boolean {
    return this.shown === this.#family;
  }

  record(event: Happened<ImageFamilyEvent>): void {
    const before = this.#family;
    this.#family = next(before, { ...event, at: Date.now() });
    if (this.#family === before) return;
    if (event.kind === 'deleted') countDeleted(before, event.imageId);
    const { project, family, images } = this.#family;
    log.info('the family of images changed', { project, family, event: event.kind, images: images.length });
  }
}

/** The meter is silent during a replay, so nothing counts twice. */
function countDeleted({ project, family, images }: ImageFamily, imageId: string): void {
  const image = images.find((one) => one.imageId === imageId);
  if (image === undefined) return;
  const name = 'ephemera_images_deleted_total';
  const { leaving: reason = 'requested', provider, vm } = image;
  log.info('an image was deleted', { project, family, imageId, vm, reason });
  metricMeter.createCounter(name, undefined, METRICS[name].help).add(1, { reason, provider });
}

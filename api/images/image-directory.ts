/** The families of images of this deployment, as their workflows publish them, and what is asked of those. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowUpdateFailedError, type Client, type WorkflowHandle } from '@temporalio/client';
import { familyOfMemo, publishedFamilies } from '../../config/published-families.ts';
import { isImageRecord } from '../../domain/image/messages.ts';
import { newestReady, type FamilyImage } from '../../domain/image/state.ts';
import type { ImageFamilyView } from '../../domain/image/view.ts';
import { imageWorkflowId } from '../../domain/wire-names.ts';
import { SharedRead } from '../../lib/waiting/shared-read.ts';
import { deleteImagesUpdate, keptImagesQuery, releaseImageSignal, takeImageUpdate } from '../../workflows/messages.ts';
import { isUpdateDropped, isWorkflowGone } from '../http/errors/temporal-errors.ts';

const CALL_SECONDS = 5;
/** Pause before an update is sent again that a family dropped on its way to a fresh history; doubled, for each one holds that up. */
const AGAIN_MS = 50;
/** One list answers everybody who asks a replica within this time. */
const LIST_SHARED_MS = 1000;

export interface TakenImage {
  image: FamilyImage;
  /** The start is there, or was given up. */
  release: () => void;
}

export class ImageDirectory {
  readonly #client: Client;
  readonly #controlTaskQueue: string;
  readonly #listed = new SharedRead(() => this.#within(() => this.#listNow()));

  constructor(client: Client, controlTaskQueue: string) {
    this.#client = client;
    this.#controlTaskQueue = controlTaskQueue;
  }

  /** The families of a project by name, at most a second old. */
  async list(project: string): Promise<ImageFamilyView[]> {
    return (await this.#listed.get(LIST_SHARED_MS)).filter((known) => known.project === project);
  }

  /** Whoever lists next gets what Temporal lists then. */
  forget(): void {
    this.#listed.forget();
  }

  /** A family as it is now, or undefined where there is none. Works without any worker. */
  async find(project: string, family: string): Promise<ImageFamilyView | undefined> {
    try {
      const { status, memo } = await this.#within(() => this.#handle(project, family).describe());
      const view = status.name === 'RUNNING' ? familyOfMemo(memo) : undefined;
      return view?.project === project && view.family === family ? view : undefined;
    } catch (error) {
      if (isWorkflowGone(error)) return undefined;
      throw error;
    }
  }

  /** What is kept of the images of a family, as its workflow says: claims until their signatures are checked. */
  async kept(project: string, family: string): Promise<FamilyImage[]> {
    try {
      const images = await this.#within(() => this.#handle(project, family).query(keptImagesQuery));
      return images.filter(isImageRecord);
    } catch (error) {
      if (isWorkflowGone(error)) return [];
      throw error;
    }
  }

  /**
   * The newest image of the VM's own, which nothing deletes until that VM is started or `release` is called. Undefined where
   * there is none. A claim until its signature is checked.
   */
  async take(project: string, family: string, vm: string): Promise<TakenImage | undefined> {
    const token = randomUUID();
    const release = (): void => {
      const released = this.#within(() => this.#handle(project, family).signal(releaseImageSignal, { token }));
      // It ends by itself.
      released.catch(() => undefined);
    };
    try {
      const image = await this.#answered(() =>
        this.#handle(project, family).executeUpdate(takeImageUpdate, { args: [{ vm, token }] }),
      );
      return isImageRecord(image) ? { image, release } : undefined;
    } catch (error) {
      if (isWorkflowGone(error)) return undefined;
      if (!(error instanceof WorkflowUpdateFailedError)) throw error;
      // The family ends, or its worker is of before and knows no such update.
      const image = newestReady(await this.kept(project, family), vm);
      return image && { image, release: () => undefined };
    }
  }

  /**
   * Resolves once the family has written down which of them go: those in use are not `deleting`. Undefined where it ended with
   * its last image meanwhile.
   */
  async delete(project: string, family: string, imageIds: string[]): Promise<ImageFamilyView | undefined> {
    this.#listed.forget();
    try {
      return await this.#answered(() =>
        this.#handle(project, family).executeUpdate(deleteImagesUpdate, { args: [{ imageIds }] }),
      );
    } catch (error) {
      // An update of a family that ends fails, whether it was taken or not: lists show it for a moment longer.
      if (isWorkflowGone(error) || error instanceof WorkflowUpdateFailedError) return undefined;
      throw error;
    }
  }

  async #listNow(): Promise<ImageFamilyView[]> {
    const found: ImageFamilyView[] = [];
    for await (const view of publishedFamilies(this.#client, this.#controlTaskQueue)) found.push(view);
    return found.sort((a, b) => (a.family < b.family ? -1 : 1));
  }

  #id(project: string, family: string): string {
    return imageWorkflowId(project, family, this.#controlTaskQueue);
  }

  #handle(project: string, family: string): WorkflowHandle {
    return this.#client.workflow.getHandle(this.#id(project, family));
  }

  /** Sends an update again that the family dropped because it was about to go on in a fresh history. */
  async #answered<Result>(update: () => Promise<Result>): Promise<Result> {
    const until = Date.now() + CALL_SECONDS * 1000;
    for (let pauseMs = AGAIN_MS; ; pauseMs *= 2) {
      try {
        return await this.#client.withDeadline(until, update);
      } catch (error) {
        if (!isUpdateDropped(error) || Date.now() + pauseMs >= until) throw error;
        await sleep(pauseMs);
      }
    }
  }

  #within<Result>(call: () => Promise<Result>): Promise<Result> {
    return this.#client.withDeadline(Date.now() + CALL_SECONDS * 1000, call);
  }
}

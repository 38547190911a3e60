/** Public images, and the snapshots of droplets. */
import { notFound, unprocessable } from './api-error.ts';
import { secondsNow } from './actions.ts';
import type { IMAGES } from './catalogue.ts';
import type { DiskFiles, Droplet, Image, Snapshot } from './resources.ts';

export class Images {
  readonly public: Image[];
  readonly snapshots = new Map<number, Snapshot>();
  private nextId = 67_500_000;

  constructor(images: typeof IMAGES, regions: readonly string[]) {
    this.public = images.map((image) => ({
      ...image,
      type: 'base',
      public: true,
      regions: [...regions],
      created_at: '2026-04-23T18:37:44Z',
      size_gigabytes: 2.36,
      description: '',
      status: 'available',
      error_message: '',
    }));
  }

  all(): Image[] {
    return [...this.public, ...this.snapshots.values()];
  }

  /** By its number, or by the slug of a public one. */
  get(wanted: string | number): Image {
    const image = this.all().find(({ id, slug }) => `${id}` === `${wanted}` || (slug !== null && slug === wanted));
    if (image === undefined) throw notFound();
    return image;
  }

  /** The image that a droplet is to be made of. */
  usable(wanted: string | number, region: string, diskGb: number): Image {
    const image = this.all().find(({ id, slug }) => id === Number(wanted) || (slug !== null && slug === wanted));
    if (image === undefined) throw unprocessable('image: You specified an invalid image for Droplet creation.');
    if (!image.regions.includes(region)) {
      throw unprocessable('image: The image you specified is not available in the selected region.');
    }
    if (image.min_disk_size > diskGb) {
      throw unprocessable(`size: The image you specified requires a disk of ${image.min_disk_size} GB.`);
    }
    return image;
  }

  snapshot(id: string): Snapshot {
    const snapshot = this.snapshots.get(Number(id));
    if (snapshot === undefined) throw notFound();
    return snapshot;
  }

  /** What is on the disk of a droplet that is made of it. */
  filesOf(image: Image): DiskFiles {
    return new Map(this.snapshots.get(image.id)?.files);
  }

  make(name: string, droplet: Droplet): Snapshot {
    const bytes = [...droplet.files.values()].reduce((sum, content) => sum + content.length, 0);
    const snapshot: Snapshot = {
      id: this.nextId++,
      name,
      type: 'snapshot',
      distribution: droplet.image.distribution,
      slug: null,
      public: false,
      regions: [droplet.region],
      created_at: secondsNow(),
      min_disk_size: droplet.size.disk,
      size_gigabytes: Number((0.5 + bytes / 1e9).toFixed(2)),
      description: '',
      status: 'available',
      error_message: '',
      dropletId: droplet.id,
      files: new Map(droplet.files),
    };
    this.snapshots.set(snapshot.id, snapshot);
    return snapshot;
  }
}

/** The images of a project: how they come to be from disks, are deprecated and go, as strictly as Compute Engine does it. */
import { ApiError, alreadyExists, notFound, notReady } from './api-error.ts';
import { LINK_BASE, type OperationEngine } from './operation-engine.ts';
import { checkLabels, checkName } from './resource-rules.ts';
import type { DiskFiles, DiskResource, Image, Instance, Operation, OperationError } from './resources.ts';

const MAX_DESCRIPTION = 2048;

/** The project that images are in. */
export interface ImagePlace {
  readonly engine: OperationEngine;
  readonly options: { project: string };
  readonly disks: ReadonlyMap<string, DiskResource>;
  readonly instances: ReadonlyMap<string, Instance>;
  require: (permission: string, path: string) => void;
}

export class ImageModel {
  readonly images = new Map<string, Image>();
  /** Most images of the project; the operation of one more fails. */
  quota = Infinity;
  /** Errors with which the next images end as FAILED, as those do that Compute Engine has begun. */
  readonly failures: OperationError[] = [];
  /** Images made in all. */
  made = 0;
  readonly #model: ImagePlace;
  readonly #files = new Map<Image, DiskFiles>();

  constructor(model: ImagePlace) {
    this.#model = model;
  }

  add(project: string, name: string, family?: string, more: Partial<Image> = {}, files: DiskFiles = new Map()): Image {
    const { engine } = this.#model;
    const image: Image = {
      kind: 'compute#image',
      id: engine.newId(),
      name,
      ...(family === undefined ? {} : { family }),
      status: 'READY',
      creationTimestamp: engine.now().toISOString(),
      diskSizeGb: '10',
      archiveSizeBytes: `${sizeOf(files)}`,
      selfLink: `${LINK_BASE}/projects/${project}/global/images/${name}`,
      ...more,
    };
    this.images.set(`${project}/${name}`, image);
    this.#files.set(image, files);
    return image;
  }

  /** A copy of what a disk begins with. */
  filesOf(image: Image): DiskFiles {
    return new Map(this.#files.get(image));
  }

  /** The image of a path, or the newest of a family that is not deprecated. @throws ApiError 404 */
  resolve(path: string): Image {
    const [, project = '', inFamily, name = ''] =
      /^(?:.*\/)?projects\/([^/]+)\/global\/images\/(family\/)?([^/]+)$/.exec(path) ?? [];
    if (inFamily === undefined) {
      const image = this.images.get(`${project}/${name}`);
      if (image === undefined) throw notFound(path);
      if (image.deprecated?.state === 'OBSOLETE' || image.deprecated?.state === 'DELETED') {
        throw new ApiError(400, 'invalid', `Image '${path}' is ${image.deprecated.state}`);
      }
      if (image.status !== 'READY') throw notReady(path);
      return image;
    }
    const newest = [...this.images]
      .filter(([key, image]) => key.startsWith(`${project}/`) && image.family === name)
      .filter(([, { deprecated, status }]) => !deprecated && status === 'READY')
      .map(([, image]) => image)
      .at(-1);
    if (newest === undefined) throw notFound(path);
    return newest;
  }

  get(project: string, name: string): Image {
    const path = `projects/${project}/global/images/${name}`;
    this.#model.require('compute.images.get', path);
    const image = this.images.get(`${project}/${name}`);
    if (image === undefined) throw notFound(path);
    return image;
  }

  /** Those of the model's own project. */
  list(): Image[] {
    this.#model.require('compute.images.list', `projects/${this.#model.options.project}`);
    return this.own();
  }

  /** As a test sees them, who needs no permission. */
  own(): Image[] {
    const { project } = this.#model.options;
    return [...this.images].filter(([key]) => key.startsWith(`${project}/`)).map(([, image]) => image);
  }

  insert(body: Partial<Image>, requestId: string | null, force: boolean): Operation {
    const { project } = this.#model.options;
    const path = `projects/${project}/global/images/${body.name ?? ''}`;
    const targetLink = `${LINK_BASE}/${path}`;
    this.#model.require('compute.images.create', path);
    const repeated = this.#model.engine.repeated(requestId, targetLink);
    if (repeated !== undefined) return repeated;
    const { name } = body;
    checkName(name);
    if (body.family !== undefined) checkName(body.family, 'resource.family');
    checkLabels(body.labels);
    if (body.labels !== undefined) this.#model.require('compute.images.setLabels', path);
    if ((body.description ?? '').length > MAX_DESCRIPTION)
      throw new ApiError(400, 'invalid', 'description is too long');
    if (this.images.has(`${project}/${name}`)) throw alreadyExists(path);
    const disk = body.sourceDisk === undefined ? undefined : this.#sourceDisk(body.sourceDisk, force);
    if (disk === undefined) this.resolve(body.sourceImage ?? '');
    const work = this.#insertWork(name, path, body, disk);
    return this.#model.engine.start({ operationType: 'insert', targetLink, requestId, ...work });
  }

  #insertWork(name: string, path: string, body: Partial<Image>, disk: DiskResource | undefined) {
    const { project } = this.#model.options;
    let image: Image | undefined;
    return {
      begin: (): OperationError | undefined => {
        const message = `The resource '${path}' already exists`;
        if (this.images.has(`${project}/${name}`)) return { code: 'RESOURCE_ALREADY_EXISTS', message };
        if (this.own().length >= this.quota) {
          return { code: 'QUOTA_EXCEEDED', message: `Quota 'IMAGES' exceeded.  Limit: ${this.quota} globally.` };
        }
        const size = disk === undefined ? {} : { diskSizeGb: `${disk.sizeGb}` };
        image = this.add(project, name, body.family, { ...body, ...size, status: 'PENDING' }, new Map(disk?.files));
        const bytes = image.archiveSizeBytes ?? '0';
        delete image.archiveSizeBytes;
        const failure = this.failures.shift();
        if (failure !== undefined) image.status = 'FAILED';
        else Object.assign(image, { archived: bytes });
        return failure;
      },
      finish: (): undefined => {
        if (image === undefined) return;
        const { archived, ...rest } = image as Image & { archived?: string };
        delete (image as Image & { archived?: string }).archived;
        Object.assign(image, { ...rest, status: 'READY', archiveSizeBytes: archived ?? '0' });
        this.made += 1;
      },
    };
  }

  deprecate(image: Image, { state = '', replacement }: { state?: string; replacement?: string }): Operation {
    this.#model.require('compute.images.deprecate', image.selfLink);
    if (!['ACTIVE', 'DEPRECATED', 'OBSOLETE', 'DELETED'].includes(state)) {
      throw new ApiError(400, 'invalid', `Invalid value for field 'resource.state': '${state}'.`);
    }
    const finish = (): undefined => {
      if (state === 'ACTIVE') delete image.deprecated;
      else image.deprecated = { state, ...(replacement ? { replacement } : {}) };
    };
    const start = { operationType: 'deprecate', targetLink: image.selfLink, requestId: null };
    return this.#model.engine.start({ ...start, finish });
  }

  delete(image: Image): Operation {
    this.#model.require('compute.images.delete', image.selfLink);
    if (image.status === 'PENDING') throw notReady(image.selfLink);
    const finish = (): undefined => {
      this.images.delete(`${this.#model.options.project}/${image.name}`);
    };
    const start = { operationType: 'delete', targetLink: image.selfLink, requestId: null };
    return this.#model.engine.start({ ...start, finish });
  }

  /** A disk that an instance may still write to makes no image, unless that is forced. */
  #sourceDisk(sourceDisk: string, force: boolean): DiskResource {
    const [, zone = '', name = ''] = /zones\/([^/]+)\/disks\/([^/]+)$/.exec(sourceDisk) ?? [];
    this.#model.require('compute.disks.useReadOnly', sourceDisk);
    const disk = this.#model.disks.get(`${zone}/${name}`);
    if (disk === undefined) throw notFound(sourceDisk);
    const statuses = disk.users.map((user) => this.#model.instances.get(`${zone}/${user}`)?.status ?? 'TERMINATED');
    if (force || statuses.every((status) => status === 'TERMINATED')) return disk;
    const message = `The disk '${sourceDisk}' is in use by a running instance`;
    throw new ApiError(400, 'resourceInUseByAnotherResource', message);
  }
}

function sizeOf(files: DiskFiles): number {
  return [...files].reduce((sum, [path, content]) => sum + path.length + content.length, 1024);
}

import { ProviderError } from '../../../domain/machine/provider-error.ts';
import { containerOf } from '../../cloud/container-image.ts';
import { NAME_PREFIX } from '../../cloud/resource-names.ts';

/**
 * What the image `vm-server` of the built-in template is made from: the startup script puts vm-server on it, and
 * its packages have a Node.js that is new enough.
 */
export const DEFAULT_IMAGE = 'projects/ubuntu-os-cloud/global/images/family/ubuntu-minimal-2604-lts-amd64';

/** What containers run on: an image with nothing but a container runtime, kept up to date by Google. */
const CONTAINER_HOST_IMAGE = 'projects/cos-cloud/global/images/family/cos-stable';

const NAME = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const PROJECT = /^[a-z]([-a-z0-9.:]*[a-z0-9])?$/;

/**
 * The image that a spec names: `vm-server`, `container:IMAGE`, `NAME`, `family/NAME`, `PROJECT/NAME`,
 * `PROJECT/family/NAME` or the whole path `projects/…`. A family stands for its newest image that is not deprecated.
 * @throws ProviderError `badSpec`
 */
export function imagePathOf(image: string, ownProject: string): string {
  if (image === 'vm-server') return DEFAULT_IMAGE;
  if (containerOf(image) !== null) return CONTAINER_HOST_IMAGE;
  const short = /^projects\/([^/]+)\/global\/images\/(.+)$/.exec(image);
  const parts = short === null ? image.split('/') : short.slice(1).flatMap((part) => part.split('/'));
  const name = parts.pop() ?? '';
  const family = parts.at(-1) === 'family' ? `${parts.pop() ?? ''}/` : '';
  const project = parts.pop() ?? ownProject;
  if (parts.length === 0 && NAME.test(name) && PROJECT.test(project)) {
    return `projects/${project}/global/images/${family}${name}`;
  }
  const forms = 'NAME, family/NAME, PROJECT/NAME, PROJECT/family/NAME or projects/…';
  throw new ProviderError('badSpec', `field image: ${JSON.stringify(image)} is no image; write ${forms}`);
}

/**
 * An image of a machine is the disk of somebody's users: a machine begins with it by `startFrom` alone, which is checked.
 * @throws ProviderError `badSpec`
 */
export function refuseKeptDisk(image: string, ownProject: string): void {
  const path = imagePathOf(image, ownProject);
  const name = path.split('/').at(-1) ?? '';
  if (!path.startsWith(`projects/${ownProject}/`) || !name.startsWith(NAME_PREFIX)) return;
  const text = `${JSON.stringify(image)} is what a VM was closed into: reopen that VM, or create one of its name`;
  throw new ProviderError('badSpec', `field image: ${text}`);
}

import { ProviderError } from '../../../domain/machine/provider-error.ts';
import { containerOf } from '../../cloud/container-image.ts';
import { NAME_PREFIX } from '../../cloud/resource-names.ts';
import type { ImageReference } from '../calls/azure-api.ts';
import { OWN_SERVER } from '../place.ts';
import { resourceId, type ResourceGroup } from './resource-ids.ts';

/**
 * What the image `vm-server` of the built-in template is made from, unless the settings name another: its packages have a
 * Node.js that is new enough.
 */
export const DEFAULT_IMAGE = 'Canonical:ubuntu-26_04-lts:minimal:latest';

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}$/;
// Nothing that Azure might read otherwise: whether it takes `%65` for an `e` is not known here.
const WHOLE =
  /^\/subscriptions\/[0-9a-fA-F-]{36}\/resourceGroups\/[\p{L}\p{N}_().-]+\/providers\/Microsoft\.Compute\/(images\/\w[\w.-]*|galleries\/\w[\w.-]*\/images\/\w[\w.-]*(\/versions\/\w[\w.-]*)?)$/iu;
/** Images of machines, of whatever deployment. */
const KEPT = new RegExp(`/Microsoft\\.Compute/images/${NAME_PREFIX}`, 'i');

/**
 * The image that a spec names: `vm-server`, `container:IMAGE`, `PUBLISHER:OFFER:SKU:VERSION` of the marketplace, `NAME` of a
 * managed image, `GALLERY/DEFINITION` or `GALLERY/DEFINITION/VERSION` of the deployment's resource group, or a whole id.
 * @throws ProviderError `badSpec`
 */
export function imageReferenceOf(image: string, group: ResourceGroup, plainImage: string): ImageReference {
  if (image === 'vm-server' || containerOf(image) !== null) return imageReferenceOf(plainImage, group, DEFAULT_IMAGE);
  const [publisher, offer, sku, version, ...more] = image.split(':');
  if (publisher !== undefined && offer !== undefined && sku !== undefined && version !== undefined) {
    const parts = [publisher, offer, sku, version];
    if (more.length === 0 && parts.every((part) => NAME.test(part))) return { publisher, offer, sku, version };
  } else if (WHOLE.test(image)) return { id: image };
  else {
    const [gallery = '', definition, numbered, ...rest] = image.split('/');
    const named = [gallery, definition, numbered].filter((part) => part !== undefined);
    if (rest.length === 0 && named.every((part) => NAME.test(part))) {
      return { id: ownImageId(group, gallery, definition, numbered) };
    }
  }
  const forms = 'PUBLISHER:OFFER:SKU:VERSION, NAME, GALLERY/DEFINITION, GALLERY/DEFINITION/VERSION or /subscriptions/…';
  throw new ProviderError('badSpec', `field image: ${JSON.stringify(image)} is no image; write ${forms}`);
}

/** True for what can be the image of `vm-server`. */
export function isImageReference(text: string): boolean {
  try {
    imageReferenceOf(text, OWN_SERVER, DEFAULT_IMAGE);
    return text !== 'vm-server' && containerOf(text) === null;
  } catch {
    return false;
  }
}

/**
 * An image of a machine is the disk of somebody's users: a machine begins with it by `startFrom` alone, which is checked.
 * @throws ProviderError `badSpec`
 */
export function refuseKeptDisk(image: string, group: ResourceGroup, plainImage: string): void {
  const { id } = imageReferenceOf(image, group, plainImage);
  if (id === undefined || !KEPT.test(id)) return;
  const text = `${JSON.stringify(image)} is what a VM was closed into: reopen that VM, or create one of its name`;
  throw new ProviderError('badSpec', `field image: ${text}`);
}

function ownImageId(group: ResourceGroup, first: string, definition?: string, version?: string): string {
  if (definition === undefined) return resourceId(group, 'Microsoft.Compute/images', first);
  const whole = `${resourceId(group, 'Microsoft.Compute/galleries', first)}/images/${definition}`;
  return version === undefined ? whole : `${whole}/versions/${version}`;
}

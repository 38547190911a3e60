import { ProviderError } from '../../domain/machine/provider-error.ts';
import { containerOf } from '../cloud/container-image.ts';

/** What a spec's image is on DigitalOcean. A family is the newest image that carries its tag. */
export type DropletImage =
  { kind: 'ours' } | { kind: 'slug'; slug: string } | { kind: 'id'; id: number } | { kind: 'family'; family: string };

/**
 * `vm-server`, `container:IMAGE`, a slug, the id of an image or snapshot, or `family/NAME`.
 * @throws ProviderError `badSpec`
 */
export function imageOf(image: string): DropletImage {
  if (image === 'vm-server' || containerOf(image) !== null) return { kind: 'ours' };
  if (/^\d{1,12}$/.test(image)) return { kind: 'id', id: Number(image) };
  const family = /^family\/([a-z0-9][a-z0-9-]{0,62})$/.exec(image)?.[1];
  if (family !== undefined) return { kind: 'family', family };
  if (/^[a-z0-9][a-z0-9.-]{0,80}$/.test(image)) return { kind: 'slug', slug: image };
  const forms = 'a slug such as debian-13-x64, the id of an image or snapshot, family/NAME or container:IMAGE';
  throw new ProviderError('badSpec', `field image: ${JSON.stringify(image)} is no image; write ${forms}`);
}

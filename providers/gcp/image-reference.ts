import { ProviderError } from '../../domain/provider-error.ts';

/** What the image `vm-server` of the built-in template is made from: the startup script puts vm-server on it. */
export const DEFAULT_IMAGE = 'projects/ubuntu-os-cloud/global/images/family/ubuntu-minimal-2404-lts-amd64';

const PART = '[a-z]([-a-z0-9]*[a-z0-9])?';
const PROJECT = '[a-z]([-a-z0-9.:]*[a-z0-9])?';
const FULL = new RegExp(`^projects/${PROJECT}/global/images/(family/)?${PART}$`);
const SHORT = new RegExp(`^(?:(?<project>${PROJECT})/)?(?<family>family/)?(?<name>${PART})$`);

/**
 * The image that a spec names: `vm-server`, `NAME`, `family/NAME`, `PROJECT/NAME`, `PROJECT/family/NAME` or the
 * whole path `projects/…`. A family stands for its newest image that is not deprecated.
 * @throws ProviderError `badSpec`
 */
export function imagePathOf(image: string, ownProject: string): string {
  if (image === 'vm-server') return DEFAULT_IMAGE;
  if (FULL.test(image)) return image;
  const found = SHORT.exec(image)?.groups;
  if (found === undefined) {
    const forms = 'NAME, family/NAME, PROJECT/NAME, PROJECT/family/NAME or projects/…';
    throw new ProviderError('badSpec', `field image: ${JSON.stringify(image)} is no image; write ${forms}`);
  }
  return `projects/${found['project'] ?? ownProject}/global/images/${found['family'] ?? ''}${found['name'] ?? ''}`;
}

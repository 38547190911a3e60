import type { DescribeImagesCommandInput } from '@aws-sdk/client-ec2';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import { containerOf } from '../../cloud/container-image.ts';

/**
 * What the image `vm-server` and containers run on unless the settings name another one: Canonical's, whose packages have a
 * Node.js that is new enough.
 */
export const DEFAULT_IMAGE = '099720109477/ubuntu-minimal/images/hvm-ssd-gp3/ubuntu-*-26.04-amd64-minimal-*';

/** The tag by which an image of one's own belongs to a family. */
export const FAMILY_TAG = 'family';

const AMI = /^ami-[0-9a-f]{8,17}$/;
const FAMILY = /^family\/([A-Za-z0-9][\w.-]{0,62})$/;
const NAME = /^(self|amazon|aws-marketplace|\d{12})\/([\w()[\] ./'@*?-]{3,128})$/;

/**
 * The question for the image that a spec names: `vm-server`, `container:IMAGE`, `ami-…`, `family/NAME` for the newest image of
 * the account with that tag, or `OWNER/NAME` with `*` in the name for the newest of them.
 * @throws ProviderError `badSpec`
 */
export function imageQuestion(image: string, ownImage: string | null): DescribeImagesCommandInput {
  if (image === 'vm-server' || containerOf(image) !== null) return questionOf(ownImage ?? DEFAULT_IMAGE);
  return questionOf(image);
}

function questionOf(image: string): DescribeImagesCommandInput {
  if (AMI.test(image)) return { ImageIds: [image] };
  const [, family] = FAMILY.exec(image) ?? [];
  const state = { Name: 'state', Values: ['available'] };
  if (family !== undefined)
    return { Owners: ['self'], Filters: [{ Name: `tag:${FAMILY_TAG}`, Values: [family] }, state] };
  const [, owner, name] = NAME.exec(image) ?? [];
  if (owner !== undefined && name !== undefined) {
    return { Owners: [owner], Filters: [{ Name: 'name', Values: [name] }, state] };
  }
  const forms = 'ami-…, family/NAME, or OWNER/NAME with * in it, where OWNER is self, amazon or an account';
  throw new ProviderError('badSpec', `field image: ${JSON.stringify(image)} is no image; write ${forms}`);
}

/** Whether the settings may name it as the image of machines. */
export function isImageReference(text: string): boolean {
  return AMI.test(text) || FAMILY.test(text) || NAME.test(text);
}

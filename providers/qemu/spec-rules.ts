import type { VmSpec } from '../../domain/vm/spec.ts';
import type { SpecRefusal } from '../descriptor.ts';
import { BUILT_IN_IMAGE } from './capabilities.ts';

/** What a spec says of a guest that its image cannot do; undefined where it can. */
export function refusalOf({ image, userData }: Pick<VmSpec, 'image' | 'userData'>): SpecRefusal | undefined {
  if (userData === undefined || image !== BUILT_IN_IMAGE) return undefined;
  const problem = `the image ${BUILT_IN_IMAGE} has no cloud-init; use an image of your own (npm run image -- add), or startupScript`;
  return { code: 'unsupportedOption', field: 'userData', problem };
}

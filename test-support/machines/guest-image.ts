import { HOST_KIT } from '../../commands/image/host-kit.ts';
import type { QemuImage } from '../../providers/qemu/image/image-files.ts';
import { ensureImage as ensureImageWith } from '../../providers/qemu/image/make-image.ts';

/** The image of this checkout that guests boot from, made where it is missing. */
export function ensureImage(): Promise<QemuImage> {
  return ensureImageWith(HOST_KIT, { refresh: false });
}

import { beforeAll, describe } from 'vitest';
import type { QemuImage } from '../../providers/qemu/image-files.ts';
import { ensureImage } from '../../scripts/image.ts';
import { describeProvider } from './provider-contract.ts';
import { qemuHarness, whyNoGuests } from './qemu-harness.ts';

describe.skipIf(whyNoGuests())('real guests', () => {
  let image: QemuImage;
  beforeAll(async () => {
    image = await ensureImage();
  }, 180_000);

  describeProvider('qemu', () => qemuHarness(image));
});

import { beforeAll, describe } from 'vitest';
import type { QemuImage } from '../../../providers/qemu/image/image-files.ts';
import { ensureImage } from '../../../test-support/machines/guest-image.ts';
import { describeMachinesOfBefore, forgetOwnerInManifest } from '../../../test-support/machines/machines-of-before.ts';
import { describeProvider } from '../../../test-support/machines/provider-contract.ts';
import { qemuHarness, whyNoGuests } from '../../../test-support/machines/qemu-harness.ts';

describe.skipIf(whyNoGuests())('real guests', () => {
  let image: QemuImage;
  beforeAll(async () => {
    image = await ensureImage();
  }, 180_000);

  describeProvider('qemu', () => qemuHarness(image));
  describeMachinesOfBefore('qemu', () => qemuHarness(image), forgetOwnerInManifest);
});

import type { QemuAccelerator, Settings } from '../config/settings.ts';
import type { MachineProvider } from '../domain/machine-provider.ts';
import { ProviderError } from '../domain/provider-error.ts';
import { chooseAccelerator } from '../providers/qemu/accelerator.ts';
import { qemuImageIn, type QemuImage } from '../providers/qemu/image-files.ts';
import { EMULATION, type Accelerator } from '../providers/qemu/machine-order.ts';
import { createQemuProvider } from '../providers/qemu/qemu-provider.ts';

/** The qemu provider with this host's image and what its guests can run with. Errors: `imageMissing`. */
export async function createQemuProviderOfThisHost(settings: Settings): Promise<MachineProvider> {
  const { stateDir, deployment, hostId, qemu } = settings;
  if (qemu.imageDir === null) {
    throw new ProviderError('imageMissing', 'set EPHEMERA_QEMU_IMAGE_DIR to what `npm run image` prints');
  }
  const image = qemuImageIn(qemu.imageDir);
  const accelerator = await acceleratorOf(qemu.accelerator, image, stateDir);
  return createQemuProvider({ stateDir, deployment, hostId, image, accelerator });
}

async function acceleratorOf(asked: QemuAccelerator, image: QemuImage, cacheDir: string): Promise<Accelerator> {
  switch (asked) {
    case 'auto':
      return (await chooseAccelerator({ image, cacheDir })).accelerator;
    case 'tcg':
      return EMULATION;
    case 'kvm-microvm':
      return { kind: 'kvm', machine: 'microvm' };
    case 'kvm-q35':
      return { kind: 'kvm', machine: 'q35' };
  }
}

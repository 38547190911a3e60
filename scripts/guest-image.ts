/** What `npm start` and the tests set up for real virtual machines before a worker needs it. */
import { dirname } from 'node:path';
import type { QemuAccelerator, Settings } from '../config/settings.ts';
import { chooseAccelerator } from '../providers/qemu/accelerator.ts';
import { findHypervisor } from '../providers/qemu/hypervisor.ts';
import type { Accelerator } from '../providers/qemu/machine-order.ts';
import { ensureImage } from './image.ts';
import { cacheDirectory } from './temporal-cli.ts';
import { step } from './terminal.ts';

/** The settings with the image and the accelerator of this host. Rejects with what is missing and how to get it. */
export async function withGuestImage(settings: Settings): Promise<Settings> {
  if (!settings.providers.includes('qemu')) return settings;
  await step('QEMU', async ({ note }) => {
    const { path, version } = await findHypervisor();
    note(`${path} ${version}`);
  });
  if (settings.qemu.imageDir !== null) return settings;
  const image = await ensureImage();
  const accelerator = await step('acceleration', async ({ note }) => {
    if (settings.qemu.accelerator !== 'auto') return settings.qemu.accelerator;
    const found = await chooseAccelerator({ image, cacheDir: cacheDirectory() });
    note(found.why);
    return nameOf(found.accelerator);
  });
  return { ...settings, qemu: { imageDir: dirname(image.kernel), accelerator } };
}

function nameOf({ kind, machine }: Accelerator): QemuAccelerator {
  return kind === 'tcg' ? 'tcg' : `kvm-${machine}`;
}

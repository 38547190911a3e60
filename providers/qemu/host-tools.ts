import { dirname } from 'node:path';
import type { HostKit, HostTools } from '../host-tools.ts';
import { chooseAccelerator } from './accelerator.ts';
import { findHypervisor } from './hypervisor.ts';
import { addImage } from './image/add-image.ts';
import { checkImage } from './image/image-files.ts';
import { ensureImage } from './image/make-image.ts';
import { listRegistered, registeredImagesDir, removeRegistered } from './image/registered-images.ts';
import { findNetwork, type GuestNetworkKind } from './network/find-network.ts';
import { qemuMachinesDir, type Accelerator } from './machine/machine-manifest.ts';
import type { QemuAccelerator, QemuSettings } from './settings.ts';

/** QEMU, the image with a kernel, and what guests run with on this computer. */
export const hostTools: HostTools<QemuSettings> = {
  prepare,
  findMissing,
  makeImage: async (kit, options) => dirname((await ensureImage(kit, options)).kernel),
  addImage: (stateDir, name, source, options) => addImage(registeredImagesDir(stateDir), name, source, options),
  listImages: (stateDir) => listRegistered(registeredImagesDir(stateDir)),
  removeImage: (stateDir, name) => removeRegistered(registeredImagesDir(stateDir), name, qemuMachinesDir(stateDir)),
};

async function prepare(own: QemuSettings, kit: HostKit): Promise<QemuSettings> {
  await kit.step('QEMU', async ({ note }) => note(await hypervisorFound()));
  const network = await kit.step('network of guests', async ({ note }) => {
    if (own.network === 'user') return own.network;
    const found = await findNetwork();
    note(networkText(found));
    // The API hears of it too, and refuses what guests here cannot have.
    return own.network === 'auto' ? found.kind : own.network;
  });
  if (own.imageDir !== null) return { ...own, network };
  const image = await ensureImage(kit, { refresh: false });
  const accelerator = await kit.step('acceleration', async ({ note }) => {
    if (own.accelerator !== 'auto') return own.accelerator;
    const found = await chooseAccelerator({ image, cacheDir: kit.cacheDir });
    note(found.why);
    return nameOf(found.accelerator);
  });
  return { ...own, imageDir: dirname(image.kernel), accelerator, network };
}

async function findMissing(kit: HostKit, { again }: { again: boolean }): Promise<string[]> {
  const missing: string[] = [];
  const find = async (name: string, work: () => Promise<string>): Promise<boolean> => {
    try {
      await kit.step(name, async ({ note }) => note(await work()));
      return true;
    } catch (error) {
      missing.push((error as Error).message);
      return false;
    }
  };
  const hasHypervisor = await find('QEMU', hypervisorFound);
  const hasImage = await find('Image for virtual machines', async () => {
    const image = await ensureImage(kit, { refresh: false });
    const { kernelVersion, nodeVersion } = await checkImage(image);
    return `Linux ${kernelVersion}, Node ${nodeVersion}, ${dirname(image.kernel)}`;
  });
  if (hasHypervisor && hasImage) {
    await find('Acceleration', async () => {
      const image = await ensureImage(kit, { refresh: false });
      const { accelerator, why } = await chooseAccelerator({ image, cacheDir: kit.cacheDir, again });
      return `${accelerator.kind === 'kvm' ? 'KVM' : 'none'}; ${why}`;
    });
  }
  // Guests run without one, so nothing is missing.
  await kit.step('Network of guests', async ({ note }) => note(networkText(await findNetwork())));
  return missing;
}

function networkText(found: GuestNetworkKind): string {
  if (found.kind === 'namespace') return 'a network namespace for each, with UDP and egress';
  return `the user network of QEMU, without UDP and egress, for ${found.why}`;
}

async function hypervisorFound(): Promise<string> {
  const { path, version } = await findHypervisor();
  return `${path} ${version}`;
}

function nameOf({ kind, machine }: Accelerator): QemuAccelerator {
  return kind === 'tcg' ? 'tcg' : `kvm-${machine}`;
}

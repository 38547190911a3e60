import type { MachineProvider } from '../../domain/machine/provider.ts';
import { ProviderError } from '../../domain/machine/provider-error.ts';
import type { ProviderParts } from '../descriptor.ts';
import { chooseAccelerator } from './accelerator.ts';
import { qemuImageIn, type QemuImage } from './image/image-files.ts';
import { EMULATION, type Accelerator } from './machine/machine-manifest.ts';
import { findNetwork, type GuestNetworkKind } from './network/find-network.ts';
import { createQemuProvider } from './qemu-provider.ts';
import { egressNetworksOf, type QemuAccelerator, type QemuSettings } from './settings.ts';

/** The provider with this host's image and what its guests can run with. Errors: `imageMissing`. */
export async function create({ own, ...parts }: ProviderParts<QemuSettings>): Promise<MachineProvider> {
  const { stateDir, deployment, hostId, addresses = [], imagePeers, imageCacheBytes } = parts;
  if (own.imageDir === null) {
    throw new ProviderError('imageMissing', 'set EPHEMERA_QEMU_IMAGE_DIR to what `npm run image` prints');
  }
  const image = qemuImageIn(own.imageDir);
  const accelerator = await acceleratorOf(own.accelerator, image, stateDir);
  const network = await networkOf(own.network);
  return createQemuProvider({
    ...{ stateDir, deployment, hostId, image, accelerator, imagePeers, network, addresses },
    egressNetworks: egressNetworksOf(own),
    ...(imageCacheBytes === undefined ? {} : { imageCacheBytes }),
  });
}

/** Rejects with `networkUnavailable` where one is asked for that this computer does not give. */
async function networkOf(asked: QemuSettings['network']): Promise<GuestNetworkKind> {
  if (asked === 'user') return { kind: 'user', why: 'EPHEMERA_QEMU_NETWORK is user' };
  const found = await findNetwork();
  if (asked === 'auto' || found.kind === 'namespace') return found;
  throw new ProviderError('networkUnavailable', `EPHEMERA_QEMU_NETWORK is namespace, but ${found.why}`);
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

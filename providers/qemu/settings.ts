import { z } from 'zod';
import { parseNetworkText } from '../../domain/network/egress.ts';
import type { Network } from '../../domain/network/ipv4.ts';
import { setting, type SettingTree, type ValuesOf } from '../../lib/settings/setting.ts';
import { list, oneOf, text } from '../../lib/settings/values.ts';
import type { ProviderSettings } from '../descriptor.ts';

/** `auto`: KVM where a guest really boots with it, else software emulation. */
const QEMU_ACCELERATORS = ['auto', 'tcg', 'kvm-microvm', 'kvm-q35'] as const;

/** `auto`: a network namespace for each guest where the computer allows it, else the user network of QEMU. */
const QEMU_NETWORKS = ['auto', 'namespace', 'user'] as const;

const network = z
  .string()
  .refine((written) => parseNetworkText(written) !== undefined, 'is no network such as 10.1.0.0/16');

const TREE = {
  /** Directory of the image for guests; null when the host has none. */
  imageDir: setting(text, {
    about: 'directory of the image for guests, as npm run image prints it',
    shownDefault: 'the image that npm run image makes',
  }),
  accelerator: setting(oneOf(QEMU_ACCELERATORS), { about: 'auto, tcg, kvm-microvm or kvm-q35', default: 'auto' }),
  network: setting(oneOf(QEMU_NETWORKS), {
    about: 'auto, namespace (a network of its own for each guest: UDP, egress) or user (neither)',
    default: 'auto',
  }),
  /** As they are written. */
  egressNetworks: setting(list(network, 0), {
    about:
      'private networks, and others that hosts are directly on, that the egress of a spec may name, as 10.1.0.0/16,192.168.7.0/24',
    default: [],
    shownDefault: 'none: guests reach no private network, whatever their spec says',
    namesWrongItem: true,
  }),
} satisfies SettingTree;

export type QemuAccelerator = (typeof QEMU_ACCELERATORS)[number];
export type QemuSettings = ValuesOf<typeof TREE>;

export const QEMU_SETTINGS: ProviderSettings = {
  tree: TREE,
  onlyWhenOffered: false,
  contradictions: () => [],
};

/** Networks that the egress of a spec may name. */
export function egressNetworksOf({ egressNetworks }: Pick<QemuSettings, 'egressNetworks'>): Network[] {
  return egressNetworks.map(parseNetworkText).filter((network) => network !== undefined);
}

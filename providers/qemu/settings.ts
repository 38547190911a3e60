import { setting, type SettingTree, type ValuesOf } from '../../lib/settings/setting.ts';
import { oneOf, text } from '../../lib/settings/values.ts';
import type { ProviderSettings } from '../descriptor.ts';

/** `auto`: KVM where a guest really boots with it, else software emulation. */
const QEMU_ACCELERATORS = ['auto', 'tcg', 'kvm-microvm', 'kvm-q35'] as const;

/** `auto`: a network namespace for each guest where the computer allows it, else the user network of QEMU. */
const QEMU_NETWORKS = ['auto', 'namespace', 'user'] as const;

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
} satisfies SettingTree;

export type QemuAccelerator = (typeof QEMU_ACCELERATORS)[number];
export type QemuSettings = ValuesOf<typeof TREE>;

export const QEMU_SETTINGS: ProviderSettings = {
  tree: TREE,
  onlyWhenOffered: false,
  contradictions: () => [],
};

/** The command line of QEMU. Every user of the host can read it: nothing secret is on it. */
import { join } from 'node:path';
import { GUEST_ASSIGNMENT_NAME, GUEST_LINK_PORT } from '../../../domain/machine/guest-machine.ts';
import type { Hypervisor } from '../hypervisor.ts';
import type { QemuImage } from '../image/image-files.ts';
import { forwards } from '../network/guest-network.ts';
import { diskPath } from './machine-disk.ts';
import {
  QEMU_MACHINE_FILE,
  isOfOwnImage,
  socketsOf,
  type Accelerator,
  type MachineDisk,
  type QemuManifest,
} from './machine-manifest.ts';

/** The name of the network in QEMU's own commands. */
export const NETWORK_ID = 'net0';
export const LINK_ID = 'link0';

/** The user `nobody`, of guests that were made before each had a user of its own. */
const NOBODY = 65_534;

/** By default translated code may take 1 GB besides the guest's memory; a boot needs no more processor time with this. */
const TRANSLATION_CACHE_MB = 64;

const KERNEL_ARGUMENTS = [
  'console=ttyS0',
  'quiet',
  'loglevel=4',
  // A guest that panics or ends restarts by a triple fault, which every machine has; QEMU then ends (-no-reboot).
  'panic=-1',
  'reboot=t',
];

export interface CommandLineInput {
  dir: string;
  manifest: QemuManifest;
  image: QemuImage;
  hypervisor: Hypervisor;
  /** Whether QEMU is started by root and must leave that. */
  asRoot: boolean;
}

/** The arguments after the program. The machine starts stopped, so that nothing runs before its address is claimed. */
export function qemuArguments({ dir, manifest, image, hypervisor, asRoot }: CommandLineInput): string[] {
  const sockets = socketsOf(dir);
  const file = (name: string): string => quoted(join(dir, name));
  const { kind, machine } = manifest.accelerator;
  return [
    ...['-name', manifest.labels.machineId, '-S'],
    ...['-nodefaults', '-no-user-config', '-display', 'none'],
    ...['-M', machine === 'microvm' ? 'microvm,acpi=on' : machine],
    ...['-accel', kind === 'tcg' ? `tcg,tb-size=${TRANSLATION_CACHE_MB}` : kind],
    ...['-cpu', kind === 'kvm' ? 'host' : 'max'],
    ...['-m', `${manifest.memoryMb}`, '-smp', `${manifest.cpus}`],
    ...(isOfOwnImage(manifest) ? bootFromDisk(dir, manifest, image) : bootKernel(dir, manifest, image)),
    ...['-fw_cfg', `name=${GUEST_ASSIGNMENT_NAME},file=${file(QEMU_MACHINE_FILE.assignment)}`],
    ...['-chardev', `file,id=console0,path=${file(QEMU_MACHINE_FILE.console)},append=on`],
    ...['-serial', 'chardev:console0'],
    ...['-netdev', `user,id=${NETWORK_ID},ipv6=off${networkOptions(manifest)}`],
    // Nobody boots from the network; looking for somebody who does takes seconds.
    ...device('virtio-net', machine, `netdev=${NETWORK_ID}${machine === 'microvm' ? '' : ',romfile='}`),
    ...device('virtio-serial', machine),
    ...['-chardev', `socket,id=${LINK_ID},path=${quoted(sockets.agent)},server=on,wait=off`],
    ...['-device', `virtserialport,chardev=${LINK_ID},name=${GUEST_LINK_PORT}`],
    ...device('virtio-rng', machine),
    ...['-qmp', `unix:${quoted(sockets.qmp)},server=on,wait=off`],
    ...confinement(hypervisor, asRoot ? (manifest.uid ?? NOBODY) : null),
  ];
}

/**
 * In a namespace of its own the guest's network is not restricted, for QEMU would drop its datagrams then: what it reaches is
 * what the namespace lets out. In the network of the host a guest reaches every service on loopback without `restrict`.
 */
function networkOptions({ network, ports }: QemuManifest): string {
  return network === 'namespace' ? forwards(ports) : ',restrict=on';
}

/** The built-in image, or a container image. A restart of the guest is its end. */
function bootKernel(dir: string, { accelerator, disk, container }: QemuManifest, image: QemuImage): string[] {
  const initrd = container === undefined ? image.initrd : image.containerInitrd;
  const boot = ['-no-reboot', '-kernel', image.kernel, '-initrd', initrd, '-append', kernelArguments(accelerator)];
  const drives: Drive[] = disk === null ? [] : [{ ...writable(dir, disk), serial: 'disk' }];
  if (container !== undefined) {
    drives.push(
      { id: 'image0', path: container.root, format: 'raw', more: 'readonly=on', serial: 'image' },
      { id: 'node0', path: image.node, format: 'raw', more: 'readonly=on', serial: 'node' },
    );
  }
  return [...boot, ...drives.flatMap((one) => drive(one, accelerator.machine))];
}

/** An image of the user's: its own loader boots it, and it may restart as it likes. */
function bootFromDisk(dir: string, { accelerator: { machine }, disk }: QemuManifest, image: QemuImage): string[] {
  if (disk === null) throw new Error('a machine of an own image has a disk');
  const volumes = [
    { id: 'seed0', path: join(dir, QEMU_MACHINE_FILE.seed) },
    { id: 'agent0', path: image.agent },
    { id: 'node0', path: image.node },
  ];
  return [
    // Without a screen the loader writes to the console.
    ...['-machine', 'graphics=off'],
    ...drive({ ...writable(dir, disk), bootIndex: 0 }, machine),
    ...volumes.flatMap((volume) => drive({ ...volume, format: 'raw', more: 'readonly=on' }, machine)),
  ];
}

interface Drive {
  id: string;
  path: string;
  /** Always said: QEMU would guess it from the content, which a guest may have written. */
  format: MachineDisk['format'];
  more: string;
  /** Place in the order in which disks are tried at boot. */
  bootIndex?: number;
  /** By which the guest knows it, whatever its place on the bus. */
  serial?: string;
}

function writable(dir: string, disk: MachineDisk): Drive {
  return { id: 'disk0', path: diskPath(dir, disk), format: disk.format, more: 'discard=unmap' };
}

function drive({ id, path, format, more, bootIndex, serial }: Drive, machine: Accelerator['machine']): string[] {
  const order = bootIndex === undefined ? '' : `,bootindex=${bootIndex}`;
  const known = serial === undefined ? '' : `,serial=${serial}`;
  return [
    ...['-drive', `if=none,id=${id},format=${format},file=${quoted(path)},${more}`],
    ...device('virtio-blk', machine, `drive=${id}${order}${known}`),
  ];
}

/**
 * Without KVM and on a busy host a guest's processor stands still for longer than the kernel's measurements at boot take:
 * it finds its timer broken and panics, or its time counter 20 to 85 times too slow, by which its clock then runs too fast.
 * So it measures neither, and its clock is the HPET, which a microvm does not have.
 */
const UNMEASURED: Readonly<Record<Accelerator['machine'], readonly string[]>> = {
  microvm: ['no_timer_check', 'tsc_early_khz=2400000'],
  q35: ['no_timer_check', 'tsc_early_khz=2400000', 'tsc=unstable'],
};

function kernelArguments({ kind, machine }: Accelerator): string {
  return [...KERNEL_ARGUMENTS, ...(kind === 'tcg' ? UNMEASURED[machine] : [])].join(' ');
}

/** A microvm has its devices on a bus of their own. */
function device(name: string, machine: Accelerator['machine'], more?: string): string[] {
  return [
    '-device',
    [`${name}-${machine === 'microvm' ? 'device' : 'pci'}`, ...(more === undefined ? [] : [more])].join(','),
  ];
}

/**
 * What QEMU may ask of the host's kernel. Started by root it changes to a user without rights first, which the
 * filter has to let through; afterwards no program can be started that would give rights back.
 */
function confinement({ hasRunWith }: Hypervisor, uid: number | null): string[] {
  const elevation = uid === null ? 'deny' : 'allow';
  const sandbox = ['-sandbox', `on,obsolete=deny,spawn=deny,resourcecontrol=deny,elevateprivileges=${elevation}`];
  if (uid === null) return sandbox;
  return [...sandbox, ...(hasRunWith ? ['-run-with', `user=${uid}:${uid}`] : ['-runas', `${uid}:${uid}`])];
}

/** QEMU takes a comma in a value when it is doubled. */
function quoted(path: string): string {
  return path.replaceAll(',', ',,');
}

/**
 * What the directory of a machine holds (`<state dir>/machines-qemu/<machineId>/`), beside the files it shares
 * with local machines: `machine.json`, `process.json`, `address.json`, `console.log`.
 */
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { LOCAL_MACHINE_FILE } from '../../../domain/machine/local-machine.ts';
import type { MachineLabels } from '../../../domain/machine/provider.ts';
import type { Egress } from '../../../domain/network/egress.ts';
import type { PortSpec } from '../../../domain/vm/spec.ts';
import { readChecked } from '../../host/files/checked-file.ts';
import { jsonText, socketPathOf } from '../../host/files/machine-files.ts';
import { labelsSchema, portsSchema } from '../../host/files/machine-schemas.ts';
import { replaceFile } from '../../../lib/files/atomic-file.ts';

/** Where the machines of this provider are. */
export function qemuMachinesDir(stateDir: string): string {
  return join(stateDir, 'machines-qemu');
}

export const QEMU_MACHINE_FILE = {
  /** {@link QemuManifest}, written once. */
  manifest: LOCAL_MACHINE_FILE.manifest,
  console: LOCAL_MACHINE_FILE.console,
  address: LOCAL_MACHINE_FILE.address,
  /** GuestAssignment (domain/machine/guest-machine.ts), mode 0600: the guest reads it as a firmware file. */
  assignment: 'assignment.json',
  /** What QEMU itself says. */
  log: 'qemu.log',
  disk: { qcow2: 'disk.qcow2', raw: 'disk.raw' },
  /** The disk of the image of a machine that it started from, over which its own lies; gone after a reset. */
  keptDisk: 'base.qcow2',
  /** Volume with which cloud-init of an own image gets its identity. */
  seed: 'seed.iso',
  /** {@link BootTry} that runs. */
  boot: 'boot.json',
  /** Written once, when the guest's agent opened its link. */
  booted: 'booted.json',
} as const;

/** What a machine is made from; never changes. */
export interface QemuManifest {
  labels: MachineLabels;
  createdAt: number;
  host: string;
  /** Of the start that it was made for. */
  startSignature?: string;
  /** Of one that waits for its VM: by which VMs it may be adopted. */
  madeFor?: string;
  /** It has sealed input. */
  awaitsAssignment?: boolean;
  ports: PortSpec[];
  /** For its cloud-init; only where it boots an own image. */
  userData?: string;
  cpus: number;
  memoryMb: number;
  disk: MachineDisk | null;
  /** Where it boots a container image: of what its root is, under the disk. */
  container?: MachineContainer;
  accelerator: Accelerator;
  /** User and group of its QEMU, where root starts that. */
  uid?: number;
  /** It has a network of its own; absent: the user network of QEMU, which takes no datagrams and lets nothing out. */
  network?: 'namespace';
  /** What it reaches from there; absent: nothing. */
  egress?: Egress;
}

/** The container image of a machine. */
export interface MachineContainer {
  /** As the spec names it. */
  image: string;
  /** Its files, read-only and shared by all its machines. */
  root: string;
  /** Of that file: what was written above other files means nothing to these. */
  sha256: string;
}

/** The disk of a machine. */
export interface MachineDisk {
  format: 'qcow2' | 'raw';
  sizeGb: number;
  /**
   * The registered image that it boots, and lies over unless there is a kept disk; null: it is blank or lies over a kept
   * disk, and the built-in image boots.
   */
  base: { image: string; path: string } | null;
  /** The host makes it; else it begins blank. */
  fileSystem?: 'ext4';
}

/** Whether the machine boots a registered image, of which little is known: when it is up, and how often it restarts. */
export function isOfOwnImage({ disk }: Pick<QemuManifest, 'disk'>): boolean {
  return disk !== null && disk.base !== null;
}

/** What runs the guest's instructions, and the kind of computer it sees. */
export interface Accelerator {
  kind: 'kvm' | 'tcg';
  machine: 'microvm' | 'q35';
}

/**
 * Software emulation, which works everywhere. The clock of a microvm without KVM is only as right as a guess of
 * the processor's speed; q35 has timers to measure it by, and boots as fast.
 */
export const EMULATION: Accelerator = { kind: 'tcg', machine: 'q35' };

/** One try of a guest to boot. */
export interface BootTry {
  /** From 1. */
  number: number;
  /** It was the last one, and QEMU was ended. */
  hung?: true;
  /** Epoch ms. */
  startedAt: number;
}

/** Sockets of a machine: in its directory, or beside each other in a short one. */
export function socketsOf(dir: string): { agent: string; qmp: string; shortDir: string | null } {
  const { path, shortDir } = socketPathOf(dir);
  return { agent: path, qmp: join(dirname(path), 'qmp.sock'), shortDir };
}

const diskSchema = z.looseObject({
  format: z.enum(['qcow2', 'raw']),
  sizeGb: z.number(),
  base: z.looseObject({ image: z.string(), path: z.string() }).nullable(),
  fileSystem: z.literal('ext4').exactOptional(),
}) satisfies z.ZodType<MachineDisk>;

const acceleratorKindSchema = z.enum(['kvm', 'tcg']);
const acceleratorSchema = z.looseObject({ kind: acceleratorKindSchema, machine: z.enum(['microvm', 'q35']) });

function acceleratorOfKind(kind: Accelerator['kind']): Accelerator {
  return { kind, machine: 'q35' };
}

const manifestSchema = z
  .looseObject({
    labels: labelsSchema,
    createdAt: z.number(),
    host: z.string(),
    startSignature: z.string().exactOptional(),
    madeFor: z.string().exactOptional(),
    awaitsAssignment: z.boolean().exactOptional(),
    ports: portsSchema,
    userData: z.string().exactOptional(),
    cpus: z.number(),
    memoryMb: z.number(),
    disk: diskSchema.nullish(),
    container: z.looseObject({ image: z.string(), root: z.string(), sha256: z.string() }).exactOptional(),
    // Manifests written before a disk was described had its size alone.
    diskGb: z.number().nullish(),
    uid: z.int().min(1).exactOptional(),
    network: z.literal('namespace').exactOptional(),
    egress: z.union([z.boolean(), z.array(z.string())]).exactOptional(),
    // The first manifests had its kind alone.
    accelerator: z.union([acceleratorSchema, acceleratorKindSchema.transform(acceleratorOfKind)]).default(EMULATION),
  })
  .transform((manifest) => ({ ...manifest, disk: manifest.disk ?? diskOfSize(manifest.diskGb) }));

function diskOfSize(sizeGb: number | null | undefined): MachineDisk | null {
  return typeof sizeGb === 'number' ? { format: 'raw', sizeGb, base: null } : null;
}

const bootTrySchema = z.looseObject({
  number: z.number(),
  hung: z.literal(true).exactOptional(),
  startedAt: z.number(),
}) satisfies z.ZodType<BootTry>;

/** What the machine in `dir` is made from; undefined when nobody wrote it. Errors: `hostFailure`. */
export async function readManifest(dir: string): Promise<QemuManifest | undefined> {
  return readChecked(join(dir, QEMU_MACHINE_FILE.manifest), manifestSchema);
}

/** Errors: `hostFailure`. */
export async function readBootTry(dir: string): Promise<BootTry | undefined> {
  return readChecked(join(dir, QEMU_MACHINE_FILE.boot), bootTrySchema);
}

/** Errors: `hostFailure`. */
export async function hasBooted(dir: string): Promise<boolean> {
  return (await readChecked(join(dir, QEMU_MACHINE_FILE.booted), z.looseObject({}))) !== undefined;
}

/** A reader of the file sees all of it or what was there before. */
export async function replaceJson(dir: string, name: string, value: unknown): Promise<void> {
  await replaceFile(join(dir, name), jsonText(value));
}

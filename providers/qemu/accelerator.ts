/**
 * What can run a guest's instructions here. A device file says little: it may open where no guest ever boots, so
 * KVM counts only when a real guest booted with it, once for each host, kernel and QEMU.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { cpus, hostname, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BUILT_IN_TEMPLATES, wholeSpec } from '../../spec/templates.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';
import { PROVIDER_NAME } from './capabilities.ts';
import { findHypervisor } from './hypervisor.ts';
import type { QemuImage } from './image/image-files.ts';
import {
  EMULATION,
  QEMU_MACHINE_FILE,
  hasBooted,
  qemuMachinesDir,
  type Accelerator,
} from './machine/machine-manifest.ts';
import { createQemuProvider } from './qemu-provider.ts';
import { replaceFile } from '../../lib/files/atomic-file.ts';

/** With KVM a guest takes two seconds; one that takes this long gains nothing over software emulation. */
const PROBE_SECONDS = 12;
const PROBE_LOOK_EVERY_MS = 200;
/** Findings that were written with other words are looked for anew. */
const FINDING_VERSION = 2;

export interface AcceleratorFinding {
  accelerator: Accelerator;
  /** One sentence for a person. */
  why: string;
}

export interface AcceleratorSearch {
  image: QemuImage;
  /** Where findings are kept. */
  cacheDir: string;
  qemuPath?: string;
  /** Look anew although a finding is kept. */
  again?: boolean;
}

/** The best accelerator with which a guest boots here. Rejects when there is no QEMU, see {@link findHypervisor}. */
export async function chooseAccelerator(search: AcceleratorSearch): Promise<AcceleratorFinding> {
  const { version } = await findHypervisor(search.qemuPath);
  const closed = await whyKvmIsClosed();
  if (closed !== undefined) return { accelerator: EMULATION, why: `${closed}: guests run by software emulation` };
  const path = join(search.cacheDir, `accelerator-${await hostKey(version)}.json`);
  const kept = search.again ? undefined : await readFinding(path);
  if (kept !== undefined) return kept;
  const finding = await probe(search);
  await mkdir(search.cacheDir, { recursive: true });
  await replaceFile(path, `${JSON.stringify(finding, null, 2)}\n`);
  return finding;
}

/** In the manifest in which they start faster. */
const WITH_KVM: readonly Accelerator[] = [
  { kind: 'kvm', machine: 'microvm' },
  { kind: 'kvm', machine: 'q35' },
];

async function whyKvmIsClosed(): Promise<string | undefined> {
  try {
    await access('/dev/kvm', constants.R_OK | constants.W_OK);
    return undefined;
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return missing ? 'there is no /dev/kvm' : 'this user may not open /dev/kvm (add it to the group kvm)';
  }
}

async function probe(search: AcceleratorSearch): Promise<AcceleratorFinding> {
  const failures: string[] = [];
  for (const accelerator of WITH_KVM) {
    const { seconds, failure } = await tryBoot(search, accelerator);
    if (failure === undefined) {
      return { accelerator, why: `a guest booted with KVM (${accelerator.machine}) in ${seconds.toFixed(1)} s` };
    }
    failures.push(inWords(failure));
  }
  const reasons = [...new Set(failures)].join('; ');
  return { accelerator: EMULATION, why: `/dev/kvm opens, but ${reasons}: guests run by software emulation` };
}

/** How long a guest took until it had booted, or until it was given up and why. */
async function tryBoot(
  { image, qemuPath }: AcceleratorSearch,
  accelerator: Accelerator,
): Promise<{ seconds: number; failure?: string }> {
  const stateDir = await mkdtemp(join(tmpdir(), 'ephemera-probe-'));
  const { signal } = new AbortController();
  const begunAt = Date.now();
  const secondsGone = (): number => (Date.now() - begunAt) / 1000;
  const provider = createQemuProvider({
    ...{ stateDir, deployment: 'probe', hostId: 'probe', image, accelerator },
    ...{ bootDeadlineSeconds: PROBE_SECONDS, bootTries: 1 },
    ...(qemuPath === undefined ? {} : { qemuPath }),
  });
  const machineId = 'm-probe';
  const dir = join(qemuMachinesDir(stateDir), machineId);
  const spec = probeSpec();
  try {
    await provider.create({ machineId, spec, owner: 'vm/probe/probe', agentBootstrap: null }, { signal });
    while (secondsGone() < PROBE_SECONDS) {
      if (await hasBooted(dir)) return { seconds: secondsGone() };
      if ((await provider.describe(machineId, { signal }))?.status !== 'running') {
        return { seconds: secondsGone(), failure: `QEMU ended: ${await qemuSaid(dir)}` };
      }
      await sleep(PROBE_LOOK_EVERY_MS);
    }
    return { seconds: secondsGone(), failure: `no guest booted with it within ${PROBE_SECONDS} s` };
  } catch (error) {
    // A QEMU that cannot use KVM at all ends at once, and says why.
    return { seconds: secondsGone(), failure: oneLine((error as Error).message) };
  } finally {
    await provider.destroy(machineId, { signal });
    await rm(stateDir, { recursive: true, force: true });
  }
}

/** What a failure of QEMU's own code means for a person; the texts of the rest say it themselves. */
export function inWords(failure: string): string {
  if (!/Assertion|failed to set MSR|\bcore dumped\b/.test(failure)) return failure;
  return (
    'QEMU breaks off when a guest uses it, as in a virtual machine whose host does not pass on what a guest of its own ' +
    'needs (nested virtualization)'
  );
}

async function qemuSaid(dir: string): Promise<string> {
  const text = oneLine(await readFile(join(dir, QEMU_MACHINE_FILE.log), 'utf8').catch(() => ''));
  return text === '' ? 'it said nothing' : text;
}

function oneLine(text: string): string {
  return text.trim().replaceAll(/\s*\n\s*/g, '; ');
}

/** Tells this host, its kernel and its QEMU from every other one whose cache directory it may share. */
async function hostKey(qemuVersion: string): Promise<string> {
  const machineId = await readFile('/etc/machine-id', 'utf8').catch(() => hostname());
  const facts = [FINDING_VERSION, machineId, release(), cpus()[0]?.model, qemuVersion];
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 16);
}

async function readFinding(path: string): Promise<AcceleratorFinding | undefined> {
  try {
    const { accelerator, why } = JSON.parse(await readFile(path, 'utf8')) as Partial<AcceleratorFinding>;
    return accelerator !== undefined && typeof why === 'string' ? { accelerator, why } : undefined;
  } catch {
    return undefined;
  }
}

/** The built-in machine, without a port that somebody may have taken. */
function probeSpec(): VmSpec {
  return wholeSpec({ ...BUILT_IN_TEMPLATES.chat.spec, provider: PROVIDER_NAME, ports: [] });
}

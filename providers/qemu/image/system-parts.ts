/** What an image is made from: a kernel and a busybox of Debian, fetched without root, and this computer's Node. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, realpath, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import type { HostKit } from '../../host-tools.ts';

const run = promisify(execFile);

const KERNEL_PACKAGE = 'linux-image-cloud-amd64';
const BUSYBOX_PACKAGE = 'busybox-static';

/** In the order in which they load; those a machine has no device for do no harm. */
const MODULES = [
  ...['virtio_ring', 'virtio', 'virtio_mmio', 'virtio_pci_modern_dev', 'virtio_pci_legacy_dev', 'virtio_pci'],
  ...['failover', 'net_failover', 'virtio_net', 'virtio_console', 'virtio_blk', 'virtio-rng', 'qemu_fw_cfg'],
] as const;
/** File systems of container images and of the volume with Node, after those. */
const CONTAINER_MODULES = ['squashfs', 'overlay', 'cdrom', 'isofs'] as const;

export interface KernelModule {
  name: string;
  content: Uint8Array;
}

export interface SystemParts {
  kernelVersion: string;
  kernel: Uint8Array;
  busybox: Uint8Array;
  modules: readonly KernelModule[];
  /** Those that guests of container images load besides. */
  containerModules: readonly KernelModule[];
}

/**
 * The kernel, its modules and busybox, from `directory` or fetched into it. Once fetched they stay, so that an
 * image does not change under running VMs; `refresh` fetches the distribution's newest.
 */
export async function systemParts(directory: string, refresh: boolean, kit: HostKit): Promise<SystemParts> {
  if (refresh || !existsSync(directory)) {
    await kit.step('Fetch the kernel and busybox of Debian for virtual machines', (report) =>
      fetchParts(directory, report),
    );
  }
  const boot = join(directory, 'root', 'boot');
  const kernelFile = (await readdir(boot)).find((name) => name.startsWith('vmlinuz-'));
  if (kernelFile === undefined)
    throw new ProviderError('imageMissing', `${boot} holds no kernel: run \`npm run image -- --refresh\``);
  const kernelVersion = kernelFile.slice('vmlinuz-'.length);
  const moduleFiles = await filesBelow(join(directory, 'root', 'lib', 'modules', kernelVersion));
  const moduleOf = async (name: string): Promise<KernelModule> => {
    const path = moduleFiles.find((file) => basename(file) === `${name}.ko`);
    if (path === undefined)
      throw new ProviderError('imageMissing', `the kernel ${kernelVersion} has no module ${name}`);
    return { name, content: await readFile(path) };
  };
  return {
    kernelVersion,
    kernel: await readFile(join(boot, kernelFile)),
    busybox: await readFile(join(directory, 'root', 'bin', 'busybox')),
    modules: await Promise.all(MODULES.map(moduleOf)),
    containerModules: await Promise.all(CONTAINER_MODULES.map(moduleOf)),
  };
}

async function fetchParts(directory: string, report: { note: (text: string) => void }): Promise<void> {
  await mkdir(join(directory, '..'), { recursive: true });
  const draft = await mkdtemp(`${directory}.`);
  try {
    const kernelPackage = await newestKernelPackage();
    for (const name of [kernelPackage, BUSYBOX_PACKAGE]) await download(name, draft);
    for (const file of (await readdir(draft)).filter((name) => name.endsWith('.deb'))) {
      await run('dpkg', ['-x', join(draft, file), join(draft, 'root')]);
      await rm(join(draft, file));
    }
    await rm(directory, { recursive: true, force: true });
    await rename(draft, directory);
    report.note(kernelPackage);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** The package that holds the kernel: the one of a fixed name only depends on it. */
async function newestKernelPackage(): Promise<string> {
  const text = await run('apt-cache', ['depends', '--no-recommends', '--no-suggests', KERNEL_PACKAGE], {
    env: { ...process.env, LC_ALL: 'C' },
  }).then(({ stdout }) => stdout, missing(`the package list knows no ${KERNEL_PACKAGE}`));
  const found = /Depends: (linux-image-[\w.+-]+)/.exec(text)?.[1];
  if (found === undefined)
    throw new ProviderError('imageMissing', needs(`the package list knows no ${KERNEL_PACKAGE}`));
  return found;
}

async function download(name: string, directory: string): Promise<void> {
  // With pauses between them, so that a mirror which is away for a moment costs time and nothing else.
  const args = ['--option', 'Acquire::Retries=5', 'download', name];
  await run('apt-get', args, { cwd: directory }).catch(missing(`apt-get cannot download ${name}`));
}

function missing(what: string): (error: unknown) => never {
  return (error) => {
    const { stderr, message } = error as { stderr?: string; message: string };
    throw new ProviderError('imageMissing', `${needs(what)}\n${(stderr ?? message).trim()}`, { cause: error });
  };
}

function needs(what: string): string {
  return (
    `An image for virtual machines is made from packages of Debian (12 or newer, amd64) with apt-get and dpkg: ${what}.\n` +
    'Run `sudo apt-get update` where the package lists are empty. On another system build the image on a Debian\n' +
    'machine or container with `npm run image` and copy the directory it prints to the same place here.'
  );
}

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** The Node that runs this, and the libraries it loads, each with the path at which it looks for them. */
export async function nodeFiles(): Promise<{ node: string; libraries: string[] }> {
  const { program, libraries } = await programFiles(process.execPath);
  return { node: program, libraries };
}

/** This computer's Perl, which is part of every Debian: it starts the programs of container images. */
export async function perlFiles(): Promise<{ perl: string; libraries: string[] }> {
  const { program, libraries } = await programFiles('/usr/bin/perl');
  return { perl: program, libraries };
}

async function programFiles(path: string): Promise<{ program: string; libraries: string[] }> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new ProviderError('imageMissing', needs(`this is ${process.platform} on ${process.arch}`));
  }
  const program = await realpath(path).catch(missing(`there is no ${path}`));
  const { stdout } = await run('ldd', [program]).catch(() => ({ stdout: '' }));
  const libraries = [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, library = '']) => library);
  return { program, libraries };
}

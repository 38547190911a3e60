/** `npm run image -- add NAME FILE.qcow2`, `… list`, `… remove NAME`: disk images that machines of this host can boot. */
import { SettingsError, loadSettings } from '../config/load-settings.ts';
import { ProviderError } from '../domain/provider-error.ts';
import {
  addDiskImage,
  diskImagesDir,
  listDiskImages,
  removeDiskImage,
  type DiskImage,
} from '../providers/qemu/disk-images.ts';
import { qemuMachinesDir } from '../providers/qemu/machine-order.ts';
import { usageLines, type Help } from './help.ts';
import { ScriptError, say, step } from './terminal.ts';

export const IMAGE_HELP: Help = {
  command: 'npm run image',
  about:
    'The image that virtual machines boot from: vm-server with a kernel, and disk images of your own with cloud-init.',
  usage: ['[--refresh]', 'add NAME FILE.qcow2 [settings]', 'list [settings]', 'remove NAME [settings]'],
  flags: [
    ['add NAME FILE.qcow2', 'registers a disk image with cloud-init under a name'],
    ['list', 'the registered images'],
    ['remove NAME', 'forgets one that no machine has'],
    ['--refresh', "makes the image vm-server with the distribution's newest kernel (default: the one fetched before)"],
  ],
  examples: [
    ['npm run image', 'makes the image vm-server where it is missing, and says where it is'],
    ['npm run image -- add debian debian-12-genericcloud-amd64.qcow2', 'an image of your own'],
  ],
  settings: 'some',
};

/** Does one of the commands. @throws ScriptError with what is wrong and what to do. */
export async function diskImageCommand(command: string, args: readonly string[]): Promise<void> {
  const firstFlag = args.findIndex((word) => word.startsWith('--'));
  const words = firstFlag === -1 ? args : args.slice(0, firstFlag);
  const stateDir = stateDirOf(args.slice(words.length));
  const images = diskImagesDir(stateDir);
  const [name, file] = words;
  try {
    if (command === 'add' && name !== undefined && file !== undefined && words.length === 2) {
      const image = await step(`Check and copy ${file}`, () => addDiskImage(images, name, file));
      say(line(image));
    } else if (command === 'list' && words.length === 0) {
      const registered = await listDiskImages(images);
      for (const image of registered) say(line(image));
      if (registered.length === 0) {
        say('No image is registered here. Register one: npm run image -- add NAME FILE.qcow2');
      }
    } else if (command === 'remove' && name !== undefined && words.length === 1) {
      await removeDiskImage(images, name, qemuMachinesDir(stateDir));
      say(`The image ${name} is removed.`);
    } else {
      throw new ScriptError(usageLines(IMAGE_HELP));
    }
  } catch (error) {
    if (error instanceof ProviderError) throw new ScriptError(`${error.code}: ${error.message}`, { cause: error });
    throw error;
  }
}

function line({ name, sizeGb, addedAt }: DiskImage): string {
  return `${name}: ${sizeGb} GB, registered ${addedAt}; create a VM with "provider": "qemu", "image": "${name}"`;
}

function stateDirOf(argv: readonly string[]): string {
  try {
    return loadSettings({ argv, env: process.env, cwd: process.cwd() }).stateDir;
  } catch (error) {
    if (error instanceof SettingsError) throw new ScriptError(error.message);
    throw error;
  }
}

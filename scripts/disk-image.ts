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
import { ScriptError, say, step } from './terminal.ts';

export const IMAGE_USAGE = `npm run image                          make the image vm-server, and say where it is (--refresh: with the newest kernel)
npm run image -- add NAME FILE.qcow2   register a disk image with cloud-init under a name
npm run image -- list                  the registered images
npm run image -- remove NAME           forget one that no machine has
Flags like those of npm start, such as --state-dir, may follow.`;

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
      throw new ScriptError(IMAGE_USAGE);
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

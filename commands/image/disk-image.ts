/** `npm run image -- add NAME FILE.qcow2`, `… list`, `… remove NAME`: disk images that machines of this host can boot. */
import { SettingsError, loadSettings } from '../../config/load-settings.ts';
import type { RegisteredImage } from '../../providers/host-tools.ts';
import { usageLines } from '../terminal/help.ts';
import { ScriptError, say, step } from '../terminal/terminal.ts';
import { orScriptError, virtualMachines } from './host-kit.ts';
import { IMAGE_HELP } from './image-help.ts';

/** Does one of the commands. @throws ScriptError with what is wrong and what to do. */
export async function diskImageCommand(command: string, args: readonly string[]): Promise<void> {
  const firstFlag = args.findIndex((word) => word.startsWith('--'));
  const words = firstFlag === -1 ? args : args.slice(0, firstFlag);
  const stateDir = stateDirOf(args.slice(words.length));
  const [name, file] = words;
  const { provider, tools } = await virtualMachines();
  const line = ({ name: image, sizeGb, addedAt }: RegisteredImage): string =>
    `${image}: ${sizeGb} GB, registered ${addedAt}; create a VM with "provider": "${provider.name}", "image": "${image}"`;
  if (command === 'add' && name !== undefined && file !== undefined && words.length === 2) {
    const adding = step(`Check and copy ${file}`, () => tools.addImage(stateDir, name, file));
    say(line(await orScriptError(adding)));
  } else if (command === 'list' && words.length === 0) {
    const registered = await orScriptError(tools.listImages(stateDir));
    for (const image of registered) say(line(image));
    if (registered.length === 0) {
      say('No image is registered here. Register one: npm run image -- add NAME FILE.qcow2');
    }
  } else if (command === 'remove' && name !== undefined && words.length === 1) {
    await orScriptError(tools.removeImage(stateDir, name));
    say(`The image ${name} is removed.`);
  } else {
    throw new ScriptError(usageLines(IMAGE_HELP));
  }
}

function stateDirOf(argv: readonly string[]): string {
  try {
    return loadSettings({ argv, env: process.env, cwd: process.cwd() }).stateDir;
  } catch (error) {
    if (error instanceof SettingsError) throw new ScriptError(error.message);
    throw error;
  }
}

/** `npm run image -- add NAME SOURCE`, `… list`, `… remove NAME`: images of people that machines can boot. */
import { SettingsError, loadSettings } from '../../config/load-settings.ts';
import type { RegisteredImage } from '../../providers/host-tools.ts';
import { usageLines } from '../terminal/help.ts';
import { ScriptError, say, step } from '../terminal/terminal.ts';
import { orScriptError, virtualMachines } from './host-kit.ts';
import { IMAGE_HELP } from './image-help.ts';

/** Of this command alone: a login for a registry is no setting of a deployment. */
const NOT_SETTINGS = ['EPHEMERA_REGISTRY_USER', 'EPHEMERA_REGISTRY_PASSWORD'];
const PLAIN_HTTP = '--plain-http';
const SHA256 = '--sha256';

/** Does one of the commands. @throws ScriptError with what is wrong and what to do. */
export async function diskImageCommand(command: string, args: readonly string[]): Promise<void> {
  const { words, flags, plainHttp, sha256 } = parsed(args);
  const stateDir = stateDirOf(flags);
  const [name, source] = words;
  const { provider, tools } = await virtualMachines();
  const line = ({ name: image, version, sizeGb, addedAt }: RegisteredImage): string =>
    `${image} (${version}): ${sizeGb} GB, registered ${addedAt}; create a VM with "provider": "${provider.name}", "image": "${image}"`;
  if (command === 'add' && name !== undefined && source !== undefined && words.length === 2) {
    const adding = step(`Check and take ${source}`, ({ doing }) => {
      const onProgress = (received: number, total: number): void =>
        doing(`${megabytes(received)} of ${megabytes(total)} MB have come`);
      const checked = sha256 === undefined ? {} : { sha256 };
      return tools.addImage(stateDir, name, source, { env: process.env, plainHttp, onProgress, ...checked });
    });
    say(line(await orScriptError(adding)));
  } else if (command === 'list' && words.length === 0) {
    const registered = await orScriptError(tools.listImages(stateDir));
    for (const image of registered) say(line(image));
    if (registered.length === 0) {
      say('No image is registered here. Register one: npm run image -- add NAME SOURCE');
    }
  } else if (command === 'remove' && name !== undefined && words.length === 1) {
    await orScriptError(tools.removeImage(stateDir, name));
    say(`The image ${name} is removed from this host.`);
  } else {
    throw new ScriptError(usageLines(IMAGE_HELP));
  }
}

interface Parsed {
  words: string[];
  /** Of settings. */
  flags: string[];
  plainHttp: boolean;
  sha256: string | undefined;
}

function parsed(args: readonly string[]): Parsed {
  const firstFlag = args.findIndex((word) => word.startsWith('--'));
  const words = firstFlag === -1 ? [...args] : args.slice(0, firstFlag);
  const flags = args.slice(words.length);
  const plainHttp = flags.includes(PLAIN_HTTP);
  const at = flags.indexOf(SHA256);
  const sha256 = at < 0 ? undefined : flags[at + 1];
  if (at >= 0 && !/^[0-9a-f]{64}$/i.test(sha256 ?? ''))
    throw new ScriptError(`${SHA256}: write 64 hex digits behind it`);
  const isOwn = (_word: string, place: number): boolean => at >= 0 && (place === at || place === at + 1);
  const ofSettings = flags.filter((word, place) => word !== PLAIN_HTTP && !isOwn(word, place));
  return { words, flags: ofSettings, plainHttp, sha256 };
}

function megabytes(bytes: number): number {
  return Math.ceil(bytes / 1e6);
}

function stateDirOf(argv: readonly string[]): string {
  try {
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !NOT_SETTINGS.includes(name)));
    return loadSettings({ argv, env, cwd: process.cwd() }).stateDir;
  } catch (error) {
    if (error instanceof SettingsError) throw new ScriptError(error.message);
    throw error;
  }
}

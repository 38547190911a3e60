/**
 * `npm run image`: what virtual machines on this computer boot from, made where it is missing. With `add`, `list` or
 * `remove`: images of one's own.
 */
import { diskImageCommand } from './image/disk-image.ts';
import { HOST_KIT, orScriptError, virtualMachines } from './image/host-kit.ts';
import { IMAGE_HELP } from './image/image-help.ts';
import { answerHelp, usageLines } from './terminal/help.ts';
import { ScriptError, runScript, say } from './terminal/terminal.ts';

await runScript(async () => {
  const argv = process.argv.slice(2);
  const [command, ...rest] = argv;
  answerHelp(argv, IMAGE_HELP);
  if (command !== undefined && !command.startsWith('-')) return diskImageCommand(command, rest);
  const unknown = argv.find((word) => word !== '--refresh');
  if (unknown !== undefined) throw new ScriptError(`${unknown} is no flag of npm run image\n${usageLines(IMAGE_HELP)}`);
  const { tools } = await virtualMachines();
  const directory = await orScriptError(tools.makeImage(HOST_KIT, { refresh: argv.includes('--refresh') }));
  say(`The image for virtual machines is ready: ${directory}`);
});

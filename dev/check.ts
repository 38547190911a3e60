/** `npm run check`: everything that can be said about the code without starting it, and the unit tests. */
import { resolve } from 'node:path';
import { staticGates, unitTestGate } from './checks.ts';
import { answerHelp, type Help } from '../commands/terminal/help.ts';
import { runGates } from '../commands/terminal/run-command.ts';
import { runScript } from '../commands/terminal/terminal.ts';

const ROOT = resolve(import.meta.dirname, '..');

const HELP: Help = {
  command: 'npm run check',
  about: 'Everything that can be said about the code without starting it, and the unit tests.',
  usage: [''],
  examples: [['npm run check', 'one line for each gate; the output of those that fail']],
};

await runScript(async () => {
  answerHelp(process.argv, HELP);
  await runGates([...staticGates(ROOT), unitTestGate(ROOT)], ROOT);
});

/** `npm run demo`: a whole life of a VM; starts what is not running and stops it again. */
import { readFile } from 'node:fs/promises';
import { settingsOfThisProcess } from '../config/load-settings.ts';
import { DemoApi } from './demo/demo-client.ts';
import { liveOneLife } from './demo/demo-life.ts';
import { answerHelp, type Help } from './terminal/help.ts';
import { withDeployment } from './start/borrowed-deployment.ts';
import type { RunFile } from './start/run-file.ts';
import { coloured, runScript, say } from './terminal/terminal.ts';

const HELP: Help = {
  command: 'npm run demo',
  about:
    'Shows a whole life of a VM: create, chat with two clients, idle, destroyed, timeline. Uses what runs on the state ' +
    'directory, else starts it and stops it again.',
  usage: ['[settings]'],
  examples: [
    ['npm run demo', 'with what runs already, or all defaults'],
    ['npm run demo -- --provider qemu', 'in a real virtual machine'],
    ['npm run demo -- --state-dir /srv/ephemera', 'with what runs there'],
  ],
  settings: 'some',
};

await runScript(main);

async function main(): Promise<void> {
  answerHelp(process.argv, HELP);
  const { stateDir } = settingsOfThisProcess();
  await withDeployment({ stateDir, argv: process.argv.slice(2), what: 'the demo' }, demonstrate);
}

async function demonstrate(run: RunFile): Promise<void> {
  const key = (await readFile(run.keyFile, 'utf8')).trim();
  const startedAt = Date.now();
  say(`\n${coloured('A whole life of a VM', 'bold')}`);
  await liveOneLife(new DemoApi(run.apiUrl, key));
  say(`${coloured('✓', 'green')} demo: all as it should be, in ${((Date.now() - startedAt) / 1000).toFixed(1)} s\n`);
}

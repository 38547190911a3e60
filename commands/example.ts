/** `npm run example -- NAME`: plays an example of examples/ on the API that runs here; starts what is not running. */
import { readFile } from 'node:fs/promises';
import { EXAMPLES } from '../examples/catalogue.ts';
import type { Example } from '../examples/stage.ts';
import { settingsOfArguments, takeOwnFlags } from './terminal/own-flags.ts';
import { LiveStage } from './example/live-stage.ts';
import { withDeployment } from './start/borrowed-deployment.ts';
import { answerHelp, usageLines, type Help } from './terminal/help.ts';
import { coloured, duration, runScript, say, ScriptError } from './terminal/terminal.ts';

const HELP: Help = {
  command: 'npm run example',
  about:
    'Plays an example of examples/ step by step. Uses what runs on the state directory, else starts it and stops it again; ' +
    'what an example made is removed at its end.',
  usage: ['', 'NAME [--keep] [settings]'],
  flags: [['--keep', 'leaves VMs and templates of the example there, and what was started running (default: removed)']],
  examples: [
    ['npm run example', 'lists the examples'],
    ['npm run example -- word-count', 'plays one'],
    ['npm run example -- word-count --keep', 'plays it, and leaves its service there to be looked at'],
  ],
  settings: 'some',
};

await runScript(main);

async function main(): Promise<void> {
  answerHelp(process.argv, HELP);
  const flags = takeOwnFlags(process.argv.slice(2), { switches: ['keep'] });
  const [name, ...rest] = flags.rest;
  if (name === undefined) {
    sayAll();
    return;
  }
  const example = EXAMPLES.find((one) => one.name === name);
  if (example === undefined) {
    const known = EXAMPLES.map((one) => one.name).join(', ');
    throw new ScriptError(`there is no example ${name}: say one of ${known}\n${usageLines(HELP)}`);
  }
  const { stateDir } = settingsOfArguments(rest, HELP);
  const keeps = flags.switches.has('keep');
  await withDeployment({ stateDir, argv: rest, what: `the example ${name}` }, async (run, wait) => {
    await play(example, { url: run.apiUrl, key: (await readFile(run.keyFile, 'utf8')).trim(), keeps });
    if (keeps) await wait();
  });
}

function sayAll(): void {
  const width = Math.max(...EXAMPLES.map(({ name }) => name.length));
  for (const { name, about } of EXAMPLES) say(`  ${coloured(name.padEnd(width), 'bold')}  ${about}`);
  say('\nnpm run example -- NAME plays one; examples/NAME/README.md tells about it.');
}

async function play(
  example: Example,
  { url, key, keeps }: { url: string; key: string; keeps: boolean },
): Promise<void> {
  const startedAt = Date.now();
  say(`\n${coloured(example.about, 'bold')}`);
  const stage = new LiveStage({ url, key });
  let isWhole = false;
  try {
    await example.play(stage);
    isWhole = true;
  } finally {
    if (keeps && isWhole) stage.sayWhatIsLeft();
    else await stage.remove();
  }
  say(`${coloured('✓', 'green')} ${example.name}: all as it should be, in ${duration(Date.now() - startedAt)}\n`);
}

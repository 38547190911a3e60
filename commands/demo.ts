/** `npm run demo`: a whole life of a VM; starts what is not running and stops it again. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { settingsOfThisProcess } from '../config/load-settings.ts';
import { DemoApi } from './demo/demo-client.ts';
import { liveOneLife } from './demo/demo-life.ts';
import { answerHelp, type Help } from './terminal/help.ts';
import { readLiveRunFile, type RunFile } from './start/run-file.ts';
import { ScriptError, coloured, runScript, say } from './terminal/terminal.ts';

const ROOT = resolve(import.meta.dirname, '..');
const POLL_MS = 200;
/** The first start of all may build Temporal. */
const START_DEADLINE_MS = 20 * 60_000;
const STOP_DEADLINE_MS = 20_000;

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
  const running = await readLiveRunFile(stateDir);
  if (running !== undefined) {
    say(`using what already runs: ${running.apiUrl}`);
    await demonstrate(running);
    return;
  }
  say('nothing runs here yet: starting it for the demo\n');
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', join(import.meta.dirname, 'start.ts'), ...process.argv.slice(2)],
    // The channel ends the start with this process, however that ended (commands/terminal/terminal.ts).
    { cwd: ROOT, stdio: ['inherit', 'inherit', 'inherit', 'ipc'] },
  );
  stopWithSignals(child);
  try {
    await demonstrate(await awaitStarted(child, stateDir));
  } finally {
    await stop(child);
  }
}

async function demonstrate(run: RunFile): Promise<void> {
  const key = (await readFile(run.keyFile, 'utf8')).trim();
  const startedAt = Date.now();
  say(`\n${coloured('A whole life of a VM', 'bold')}`);
  await liveOneLife(new DemoApi(run.apiUrl, key));
  say(`${coloured('✓', 'green')} demo: all as it should be, in ${((Date.now() - startedAt) / 1000).toFixed(1)} s\n`);
}

async function awaitStarted(child: ChildProcess, stateDir: string): Promise<RunFile> {
  const until = Date.now() + START_DEADLINE_MS;
  while (Date.now() < until) {
    if (hasEnded(child)) throw new ScriptError('it did not start; see above why');
    const run = await readLiveRunFile(stateDir);
    if (run?.startedBy.pid === child.pid && run !== undefined) return run;
    await sleep(POLL_MS);
  }
  throw new ScriptError(`it did not start in ${START_DEADLINE_MS / 60_000} minutes`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
  await ended;
  clearTimeout(force);
}

function stopWithSignals(child: ChildProcess): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      void stop(child).then(() => process.exit(130));
    });
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

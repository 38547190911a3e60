/** For scripts that need a deployment: the one that runs on the state directory, else one that is started for them. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CODE_ROOT, IS_CHECKOUT } from '../../lib/processes/checkout.ts';
import { ScriptError, say } from '../terminal/terminal.ts';
import { readLiveRunFile, type RunFile } from './run-file.ts';

const POLL_MS = 200;
/** The first start of all may build Temporal. */
const START_DEADLINE_MS = 20 * 60_000;
const STOP_DEADLINE_MS = 20_000;

export interface Borrower {
  stateDir: string;
  /** Arguments for a start: flags of settings. */
  argv: readonly string[];
  /** Who needs it, as in "starting it for the demo". */
  what: string;
}

/**
 * Does the work on what runs. What was started for it is stopped afterwards; `untilStopped` waits until somebody stops it,
 * and comes back at once where it ran before.
 * @throws ScriptError where it does not start.
 */
export async function withDeployment(
  { stateDir, argv, what }: Borrower,
  work: (run: RunFile, untilStopped: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const running = await readLiveRunFile(stateDir);
  if (running !== undefined) {
    say(`using what already runs: ${running.apiUrl}`);
    await work(running, () => Promise.resolve());
    return;
  }
  say(`nothing runs here yet: starting it for ${what}\n`);
  const child = spawn(
    process.execPath,
    [...startProgram(), ...argv],
    // The channel ends the start with this process, however that ended (commands/terminal/terminal.ts).
    { cwd: CODE_ROOT, stdio: ['inherit', 'inherit', 'inherit', 'ipc'] },
  );
  stopWithSignals(child);
  try {
    await work(await awaitStarted(child, stateDir), async () => {
      say('Ctrl-C stops it; machines go on.');
      if (!hasEnded(child)) await once(child, 'exit');
    });
  } finally {
    await stop(child);
  }
}

/** What Node runs as `npm start`. */
function startProgram(): string[] {
  if (IS_CHECKOUT) return ['--import', 'tsx', join(CODE_ROOT, 'commands/start.ts')];
  return [join(CODE_ROOT, 'dist/commands.start.mjs')];
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

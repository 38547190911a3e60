/** Commands and terminals in a VM. */
import { constants } from 'node:os';
import type { Command } from 'commander';
import type { CommandExit, CommandStart } from '../../client/ephemera.ts';
import {
  command,
  Interrupted,
  orDidYouMean,
  withDeployment,
  withSession,
  type Cli,
  type CommonOptions,
  type Session,
} from '../context.ts';
import { CliError, EXIT, exitCodeOf } from '../exit-codes.ts';
import { note } from '../output/print.ts';
import { numberOf, pairs } from '../vms/spec-options.ts';
import { takeTerminal } from './terminal.ts';

interface ExecOptions extends CommonOptions {
  env?: string[];
  workdir?: string;
  timeout?: string;
  tty?: boolean;
  stdin?: boolean;
  keepAlive?: boolean;
}

const SHELL = 'if command -v bash >/dev/null 2>&1; then exec bash -i; else exec sh -i; fi';

const collect = (value: string, before: string[] = []): string[] => [...before, value];

export function execCommand(cli: Cli): Command {
  const one = command('exec', 'Runs a command in a VM, with its input, its output and its exit code.', [
    ['ephemera exec lobby uname -a', 'no shell is between'],
    ['ephemera exec lobby -- sh -c "df -h /; uptime"', 'a line of shell'],
    ['ephemera exec lobby cat /etc/hosts > hosts', 'output goes through whole'],
    ['ephemera exec -t lobby top', 'with a terminal'],
  ])
    .passThroughOptions()
    .argument('<name>', 'the VM')
    .argument('<command...>', 'program and arguments')
    .option('-t, --tty', 'gives it a terminal (default: pipes)')
    .option('-n, --no-stdin', 'gives it no input (default: standard input)')
    .option('-e, --env <NAME=VALUE>', 'a variable; as often as needed (default: none)', collect)
    .option('-C, --workdir <DIR>', 'where it runs (default: / of the VM)')
    .option('--timeout <SECONDS>', 'it is killed after this, with exit code 124 (default: never)')
    .option('--keep-alive', 'counts as a user of the VM while it runs (default: off)');
  return withDeployment(one).action((name: string, words: string[], options: ExecOptions) =>
    withSession(cli, options, (session) => runIn(session, name, words, options)),
  );
}

export function shellCommand(cli: Cli): Command {
  const one = command('shell', 'Opens a terminal in a VM; Enter ~ . hangs up.', [
    ['ephemera shell lobby', 'bash, or sh where there is none'],
    ['ephemera shell -C /srv lobby top', 'another program, elsewhere; flags come before the name'],
  ])
    .alias('ssh')
    .passThroughOptions()
    .argument('<name>', 'the VM')
    .argument('[command...]', 'program and arguments (default: a shell)')
    .option('-e, --env <NAME=VALUE>', 'a variable; as often as needed (default: none)', collect)
    .option('-C, --workdir <DIR>', 'where it begins (default: / of the VM)')
    .option('--keep-alive', 'counts as a user of the VM while it is open (default: off)');
  return withDeployment(one).action((name: string, words: string[], options: ExecOptions) =>
    withSession(cli, options, (session) =>
      runIn(session, name, words.length === 0 ? ['sh', '-c', SHELL] : words, { ...options, tty: true }),
    ),
  );
}

/** Ends with the exit code of the command; with 125 where there was none. */
async function runIn(session: Session, name: string, words: string[], options: ExecOptions): Promise<void> {
  const { stdin, stdout } = process;
  if (options.tty && !(stdin.isTTY && stdout.isTTY)) {
    throw new CliError('a terminal needs one here: standard input and output are none', EXIT.execFailed);
  }
  const start = startOf(words[0] === '--' ? words.slice(1) : words, options);
  try {
    const exit = await run(session, name, start, options);
    process.exitCode = exit.timedOut ? EXIT.commandTimedOut : (exit.exitCode ?? 128 + numberOfSignal(exit.signal));
    if (exit.timedOut) note(`✗ killed: it ran for ${options.timeout ?? ''} s`);
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    const code = exitCodeOf(error);
    throw new CliError(
      error instanceof Error ? error.message : String(error),
      code === EXIT.usage ? code : EXIT.execFailed,
    );
  } finally {
    // An input that nobody ends must not keep the process.
    stdin.destroy();
  }
}

function startOf(words: string[], { env, workdir, timeout, tty }: ExecOptions): CommandStart {
  const timeoutSeconds = numberOf('--timeout', timeout);
  const term = tty ? { TERM: process.env['TERM'] ?? 'xterm' } : {};
  return {
    command: words,
    env: { ...term, ...pairs('--env', env) },
    ...(workdir === undefined ? {} : { cwd: workdir }),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    ...(tty ? { tty: { rows: process.stdout.rows, columns: process.stdout.columns } } : {}),
  };
}

async function run(session: Session, name: string, start: CommandStart, options: ExecOptions): Promise<CommandExit> {
  const { ephemera, signal } = session;
  const opened = ephemera.vms.openCommand(
    name,
    start,
    { onOutput: (bytes) => written(process.stdout, bytes), onErrorOutput: (bytes) => written(process.stderr, bytes) },
    { countsAsConnection: options.keepAlive ?? false },
  );
  const stream = await orDidYouMean(session, name, opened);
  const isTerminal = start.tty !== undefined;
  const giveBack = isTerminal ? takeTerminal(stream) : undefined;
  if (!isTerminal) pipeInput(stream, options.stdin ?? true);
  const stop = new Promise<never>((_, reject) => {
    const hangUp = (): void => {
      stream.close();
      reject(signal.reason as Error);
    };
    if (signal.aborted) hangUp();
    signal.addEventListener('abort', hangUp, { once: true });
  });
  try {
    return await Promise.race([stream.exit, stop]);
  } finally {
    giveBack?.();
  }
}

type Stream = Awaited<ReturnType<Session['ephemera']['vms']['openCommand']>>;

function pipeInput(stream: Stream, isWanted: boolean): void {
  if (!isWanted) {
    stream.end();
    return;
  }
  void (async () => {
    for await (const chunk of process.stdin) await stream.write(chunk as Uint8Array);
    stream.end();
  })().catch(() => stream.end());
}

/** Resolves when more may be written; nobody who reads is no failure. */
function written(stream: NodeJS.WriteStream, bytes: Uint8Array): Promise<void> | undefined {
  if (stream.write(bytes)) return undefined;
  return new Promise((resolve) => {
    const go = (): void => {
      for (const event of ['drain', 'close', 'error']) stream.off(event, go);
      resolve();
    };
    for (const event of ['drain', 'close', 'error']) stream.once(event, go);
  });
}

function numberOfSignal(signal: string | undefined): number {
  return Object.entries(constants.signals).find(([name]) => name === signal)?.[1] ?? 0;
}

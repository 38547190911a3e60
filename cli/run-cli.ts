/** Runs one command line, and ends with its exit code. */
import { CommanderError, type Command } from 'commander';
import { ApiError } from '../client/ephemera.ts';
import { Interrupted, type Cli, type Script } from './context.ts';
import { findDeployment } from './deployment/find-deployment.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { coloured, harmless } from './output/text.ts';
import { cliProgram } from './program.ts';

/** Resolves when the command has ended; `process.exitCode` says how. */
export async function runCli(argv: readonly string[], cli: Cli): Promise<void> {
  endQuietlyWithoutReader();
  const script = scriptOf(argv, cli);
  if (script !== undefined) {
    await runScriptOf(script.script, script.args, cli);
    return;
  }
  const program = cliProgram(cli);
  try {
    if (argv.length === 0) program.help({ error: true });
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    process.exitCode = complain(error, program);
  }
}

/** A script of the deployment: by its name, or `help NAME`. Keys are asked of the API unless a state directory is named. */
function scriptOf(argv: readonly string[], cli: Cli): { script: Script; args: string[] } | undefined {
  const [first = '', second = '', ...rest] = argv;
  if (first === 'help') {
    const helped = second === 'keys' ? undefined : cli.scripts[second];
    return helped && { script: helped, args: ['--help'] };
  }
  const script = Object.hasOwn(cli.scripts, first) ? cli.scripts[first] : undefined;
  if (script === undefined) return undefined;
  const isLocalKeys = second === 'join' || argv.some((word) => /^--state-dir(=|$)/.test(word));
  if (first === 'keys' && !isLocalKeys) return undefined;
  return { script, args: argv.length === 1 ? [] : [second, ...rest] };
}

async function runScriptOf(script: Script, given: string[], cli: Cli): Promise<void> {
  let args = script.argumentsOf?.(given) ?? given;
  if (script.speaksToApi && !given.includes('--help') && !given.includes('-h'))
    args = await withTheirDeployment(args, cli);
  process.argv.splice(2, process.argv.length, ...args);
  await script.run();
}

/** The deployment that any other command would speak to, in the words of the script. */
async function withTheirDeployment(args: string[], cli: Cli): Promise<string[]> {
  const at = args.indexOf('--profile');
  const profile = at === -1 ? undefined : args[at + 1];
  const rest = at === -1 ? args : args.filter((_, index) => index !== at && index !== at + 1);
  const has = (flag: string): boolean => rest.some((word) => word === flag || word.startsWith(`${flag}=`));
  if (has('--url') || has('--state-dir')) return rest;
  const found = await findDeployment({ profile }, process.env, cli.findRunning).catch((error: unknown) => {
    if (profile !== undefined) throw error;
    return undefined;
  });
  if (found === undefined) return rest;
  if (!has('--key-file')) process.env['EPHEMERA_API_KEY'] = found.key;
  return [...rest, '--url', found.url];
}

/** Says what went wrong; resolves to the exit code. */
function complain(error: unknown, program: Command): number {
  if (error instanceof CommanderError) {
    // Commander has said it already; asking for help or the version is no mistake.
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
  if (error instanceof Interrupted) return EXIT.interrupted;
  const message = error instanceof Error ? error.message : String(error);
  const id =
    error instanceof ApiError && error.requestId !== undefined
      ? ` [${error.code ?? error.status}, request ${error.requestId}]`
      : '';
  process.stderr.write(
    `${coloured('✗', 'red', process.stderr)} ${lines(message)}${coloured(id, 'dim', process.stderr)}\n`,
  );
  const code = exitCodeOf(error);
  if (code === EXIT.failed && process.env['EPHEMERA_DEBUG'] && error instanceof Error)
    process.stderr.write(`${error.stack ?? ''}\n`);
  if (code === EXIT.usage) process.stderr.write(`\`${program.name()} COMMAND --help\` says how it is written\n`);
  return code;
}

function lines(text: string): string {
  return text.split('\n').map(harmless).join('\n');
}

/** `ephemera ls | head` ends when head does, and says nothing. */
function endQuietlyWithoutReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.ok);
    throw error;
  });
  process.stderr.on('error', () => undefined);
}

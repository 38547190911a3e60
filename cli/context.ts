/** What every command has: its options, the deployment it speaks to, and how it ends. */
import { Command, Option } from 'commander';
import { ApiError, Ephemera } from '../client/ephemera.ts';
import { nodeWebSocket } from './access/node-web-socket.ts';
import { findDeployment, type Deployment, type Named, type Running } from './deployment/find-deployment.ts';
import { CliError, EXIT } from './exit-codes.ts';
import { nearest } from './nearest.ts';
import { FORMATS, type Format } from './output/print.ts';
import { Progress } from './output/progress.ts';

/** A script of the deployment itself, which `npm run` has too: `ephemera up` is `npm start`. */
export interface Script {
  /** What it does, one line. */
  about: string;
  /** The npm script: `npm start`. */
  npm: string;
  /** Speaks to an API: the deployment of the command line is handed on. */
  speaksToApi?: boolean;
  /** Arguments of the script for those of the command. */
  argumentsOf?: (given: readonly string[]) => string[];
  /** Whole command lines, each with what it does. */
  examples: readonly (readonly [line: string, what: string])[];
  /** Runs it with `process.argv`. */
  run: () => Promise<unknown>;
}

/** What a command line needs from its composition root. */
export interface Cli {
  version: string;
  scripts: Readonly<Record<string, Script>>;
  /** What `npm start` runs on the state directory of this computer. */
  findRunning: () => Promise<Running | undefined>;
}

/** Options that every command has which speaks to an API. */
export interface CommonOptions extends Named {
  output?: Format;
  quiet?: boolean;
}

export interface Session {
  ephemera: Ephemera;
  deployment: Deployment;
  format: Format;
  isQuiet: boolean;
  /** Aborted by Ctrl-C and SIGTERM. */
  signal: AbortSignal;
  /** What waits and how long, on standard error. */
  progress: Progress;
}

const QUICK_RETRIES = 2;
const SUGGESTION_SECONDS = 2;

type Examples = readonly (readonly [line: string, what: string])[];

const EXAMPLES = new WeakMap<Command, Examples>();

/** Whole command lines of a command, each with what it does. */
export function examplesOf(one: Command): Examples {
  return EXAMPLES.get(one) ?? [];
}

/** A command with the options of all; its examples are part of its help. */
export function command(written: string, about: string, examples: Examples): Command {
  const width = Math.max(...examples.map(([line]) => line.length));
  const lines = examples.map(([line, what]) => `  ${line.padEnd(width)}   ${what}`);
  const one = new Command(written.split(' ')[0]);
  EXAMPLES.set(one, examples);
  return (
    one
      .summary(about)
      .description(about)
      .configureHelp({ helpWidth: helpWidth() })
      .exitOverride()
      // A command below another one has its flags to itself.
      .enablePositionalOptions()
      .addHelpText('after', `\nExamples:\n${lines.join('\n')}`)
  );
}

/** With which deployment it speaks. */
export function withDeployment(one: Command): Command {
  return one
    .option(
      '--profile <NAME>',
      'a deployment that you signed in to (default: EPHEMERA_PROFILE, else that of `ephemera use`)',
    )
    .option('--url <URL>', 'where the API is (default: EPHEMERA_API_URL, else the profile, else what runs here)')
    .option(
      '--key-file <FILE>',
      'file with an API key, - for standard input (default: EPHEMERA_API_KEY, else the profile)',
    )
    .option('-q, --quiet', 'no progress (default: off)');
}

/** And how it prints what it found. */
export function withOutput(one: Command): Command {
  return withDeployment(one).addOption(
    new Option('-o, --output <FORMAT>', `how it is printed: ${FORMATS.join(', ')}`).choices(FORMATS).default('table'),
  );
}

/** Does the work of a command with a client, and ends with Ctrl-C. */
export async function withSession(
  cli: Cli,
  options: CommonOptions,
  work: (session: Session) => Promise<void>,
): Promise<void> {
  const deployment = await findDeployment(options, process.env, cli.findRunning);
  const stop = new AbortController();
  const interrupt = (): void => stop.abort(new Interrupted());
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.once(signal, interrupt);
  const progress = new Progress(options.quiet ?? false);
  const { url, key } = deployment;
  const ephemera = new Ephemera({ url, key, retries: QUICK_RETRIES, webSocket: nodeWebSocket });
  const { output: format = 'table', quiet: isQuiet = false } = options;
  try {
    await work({ ephemera, deployment, format, isQuiet, signal: stop.signal, progress });
  } finally {
    progress.stop();
    for (const signal of signals) process.off(signal, interrupt);
  }
}

/** Ctrl-C, or a signal that asks to end. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** Says which name may have been meant where there is none of that name. */
export async function orDidYouMean<Result>(session: Session, name: string, work: Promise<Result>): Promise<Result> {
  return work.catch(async (error: unknown) => {
    if (!(error instanceof ApiError) || error.code !== 'unknownVm') throw error;
    const meant = nearest(name, await namesOfVms(session.ephemera).catch(() => []));
    const hint = meant === undefined ? '`ephemera ls` lists them' : `did you mean ${meant}?`;
    throw new CliError(`there is no VM ${name} (${hint})`, EXIT.notFound);
  });
}

/** Names of the VMs of the project, if they come quickly. */
export async function namesOfVms(ephemera: Ephemera): Promise<string[]> {
  const page = await ephemera.vms.list({ pageSize: 1000 }, { deadlineSeconds: SUGGESTION_SECONDS });
  return page.vms.map(({ name }) => name);
}

function helpWidth(): number {
  return process.stdout.isTTY ? Math.min(process.stdout.columns, 120) : 100;
}

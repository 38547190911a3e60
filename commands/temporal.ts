/** `npm run temporal -- …`: the Temporal CLI against the server and namespace of this deployment. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { answerHelp, type Help } from './terminal/help.ts';
import { settingsOfArguments, takeOwnFlags } from './terminal/own-flags.ts';
import { readLiveRunFile } from './start/run-file.ts';
import { findOrGetTemporalCli } from './temporal/temporal-cli.ts';
import { ScriptError, runScript } from './terminal/terminal.ts';

const HELP: Help = {
  command: 'npm run temporal',
  about:
    'The Temporal CLI, found or fetched as npm start does it, for the server and the namespace that this deployment uses.',
  usage: ['[--state-dir DIR] COMMAND…'],
  flags: [
    [
      '--state-dir DIR',
      'the deployment, before the command (default: EPHEMERA_STATE_DIR, else .ephemera in the checkout)',
    ],
    ['COMMAND…', "everything else is the CLI's own; its help: npm run temporal -- help"],
  ],
  examples: [
    ['npm run temporal -- workflow list', 'the VMs, as Temporal has them'],
    ['npm run temporal -- workflow query --workflow-id vm/default/lobby --type view', 'what a VM says of itself'],
    ['npm run --silent temporal -- workflow list -o json | jq', 'nothing but its output'],
  ],
};

/** Commands of the CLI that talk to no server. */
const LOCAL_COMMANDS = ['help', 'completion', 'config', 'env', 'server', '--version', '-v'];

await runScript(main);

async function main(): Promise<void> {
  const argv = process.argv.slice(2);
  answerHelp(argv.length === 0 ? ['--help'] : argv.slice(0, 1), HELP);
  const { stateDirFlags, command } = split(argv);
  const settings = settingsOfArguments(stateDirFlags, HELP);
  const run = await readLiveRunFile(settings.stateDir);
  const address = settings.temporal.address ?? run?.temporalAddress;
  const isLocal = LOCAL_COMMANDS.includes(command[0] ?? '') || command.includes('--help') || command.includes('-h');
  if (address === undefined && !isLocal) {
    throw new ScriptError(
      `nothing runs on ${settings.stateDir}: run npm start, name its directory with --state-dir DIR before the command, ` +
        'or set TEMPORAL_ADDRESS or a Temporal profile',
    );
  }
  const quiet = { note: () => undefined, doing: (text: string) => void process.stderr.write(`${text}\n`) };
  const cli = await findOrGetTemporalCli(settings.temporal.cliPath, quiet);
  const namespace = run?.temporalNamespace ?? settings.temporal.namespace;
  const place = address === undefined ? {} : { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace };
  process.exitCode = await runCli(cli, command, { ...process.env, ...place });
}

function split(argv: readonly string[]): { stateDirFlags: string[]; command: string[] } {
  const first = argv[0] ?? '';
  const words = first === '--state-dir' ? 2 : first.startsWith('--state-dir=') ? 1 : 0;
  const { values } = takeOwnFlags(argv.slice(0, words), { values: ['state-dir'] });
  const stateDirFlags = [...values].flatMap(([name, value]) => [`--${name}`, value]);
  return { stateDirFlags, command: argv.slice(words) };
}

async function runCli(cli: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const child = spawn(cli, args, { env, stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}

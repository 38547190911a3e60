import { parseArgs } from 'node:util';
import { writeIdentity } from './platform/instance-identity.ts';
import { INSTANCE_PLATFORMS } from './platform/instance-platforms.ts';
import { INSTANCE_PROGRAMS } from './platform/instance-programs.ts';
import { parseGuestOptions, runGuest } from './platform/qemu/guest.ts';
import { runGuestContainer } from './platform/qemu/guest-container.ts';
import { runGuestAgent } from './platform/qemu/guest-agent.ts';
import { createLog } from './log.ts';
import { runMachine } from './platform/local/machine.ts';
import { parseAgentOptions, runAgent } from './agent/sidecar-agent.ts';
import { UsageError } from './usage-error.ts';

const NAMES = INSTANCE_PLATFORMS.map(({ name }) => name);
const INSTANCES = `(${NAMES.join(' | ')})`;
const FLAGS = `(${NAMES.map((name) => `--${name}`).join(' | ')})`;

const USAGE = `Usage:
  vm-server machine --dir <machine directory>
      Be a local machine: the sample chat and its agent.
  vm-server guest --port <device> --assignment <file>
      Be the program of a virtual machine: the sample chat and its agent.
  vm-server guest-container --port <device> --assignment <file>
      Be the program of a virtual machine of a container image: starts the image's own, and is its agent.
  vm-server guest-agent --port <device> --assignment <file>
      Be the agent of a virtual machine whose program its own image brings.
  vm-server ${INSTANCES} [--metadata-url <url>] [--attributes <dir>] [--host <address>]
                  [--local-port <port>] [--state-dir <dir>]
      Be the program of an instance of that cloud: the sample chat and its agent, as its metadata and user data say.
  vm-server identity ${INSTANCES} --dir <dir> [--metadata-url <url>]
      Write what makes an instance itself into files of a directory in memory: machine-key, agent-secret.
  vm-server agent (--socket <path> | --api-url <url> --secret-file <file> | --api-url <url> ${FLAGS})
                  [--ca-file <file>] [--count-port <port>] [--local-port <port>] [--ready-port <port>] [--state-dir <dir>]
                  [--machine-key-file <file>]
      Be the agent of another program: count its TCP connections on --count-port, or take the number it puts
      to http://127.0.0.1:<local-port>/connections. The secret is exchanged once and deleted; for its next start
      the agent keeps its token beside it or in --state-dir, in agent-token, sealed where it has a key of its machine.
      With --ca-file it knows an https:// API by that certificate alone.
`;

const WORDS =
  ['machine', 'guest', 'guest-container', 'guest-agent', ...Object.keys(INSTANCE_PROGRAMS), 'identity'].join(', ') +
  ' or agent';

async function run([command, ...rest]: string[]): Promise<void> {
  switch (command) {
    case 'machine':
      // A machine outlives the terminal and the process that started it.
      process.on('SIGHUP', () => undefined);
      return runMachine(parseMachineDir(rest));
    case 'guest':
      return runGuest(parseGuestOptions(rest));
    case 'guest-container':
      return runGuestContainer(parseGuestOptions(rest, 'guest-container'));
    case 'guest-agent':
      return runGuestAgent(parseGuestOptions(rest, 'guest-agent'));
    case 'identity':
      return writeIdentity(rest);
    case 'agent':
      return runAgent(parseAgentOptions(rest));
    case undefined:
      throw new UsageError(`say what to be: ${WORDS}`);
    default: {
      const program = Object.hasOwn(INSTANCE_PROGRAMS, command) ? INSTANCE_PROGRAMS[command] : undefined;
      if (program !== undefined) return program(rest);
      throw new UsageError(`there is no "${command}": say ${WORDS}`);
    }
  }
}

function parseMachineDir(args: string[]): string {
  const { dir } = parseArgs({ args, options: { dir: { type: 'string' } } }).values;
  if (!dir) throw new UsageError('machine needs --dir <machine directory>');
  return dir;
}

function isUsageError(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return error instanceof UsageError || (typeof code === 'string' && code.startsWith('ERR_PARSE_ARGS_'));
}

run(process.argv.slice(2)).catch((error: unknown) => {
  const { message } = error as Error;
  if (isUsageError(error)) {
    process.stderr.write(`${message}\n\n${USAGE}`);
    process.exit(2);
  }
  createLog()(`Ending: ${message}.`);
  process.exit(1);
});

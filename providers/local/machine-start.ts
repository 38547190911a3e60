/**
 * Brings a local machine up. Order of things, so that a death between any two leaves nothing unowned:
 * the manifest is written once, then the process starts, then it locks its id (`process.json`) and only then looks
 * for a tombstone.
 */
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { plainConsoleText } from '../../domain/machine/console-text.ts';
import { LOCAL_MACHINE_FILE } from '../../domain/machine/local-machine.ts';
import type { CancelSignal } from '../../domain/machine/provider.ts';
import { ProviderError } from '../../domain/machine/provider-error.ts';
import { bringUp, type BringUp } from '../host/bring-up.ts';
import { unclaimedAddresses } from '../host/host-addresses.ts';
import { readTail } from '../host/files/machine-files.ts';
import type { StartedProcesses } from '../host/processes/started-processes.ts';
import { replaceFile } from '../../lib/files/atomic-file.ts';

/** How long a started machine may take until it holds its address. */
const ADDRESS_TIMEOUT_MS = 30_000;
const CONSOLE_TAIL_BYTES = 1000;

export interface MachineProgram {
  nodePath: string;
  vmServerFile: string;
}

export interface StartInput extends Pick<BringUp, 'machineId' | 'dir' | 'first' | 'isDestroyed'> {
  program: MachineProgram;
  started: StartedProcesses;
  agentSecret: string | null;
  /** Ranges that it claims its address from; empty: loopback. */
  addresses: readonly string[];
  /** Then its output stays on it, and in no error: errors are kept in histories. */
  consoleMayHoldSecrets: boolean;
}

/** Resolves when the machine runs and its address is known. Errors: `machineEnded`, `bootFailed`, retryable ones. */
export async function startMachine(input: StartInput, signal: CancelSignal): Promise<void> {
  const { machineId, dir, first, isDestroyed } = input;
  const failure = async (code: 'bootFailed' | 'backendUnavailable', what: string): Promise<ProviderError> =>
    new ProviderError(code, `${what}${await consoleEnd(input)}`);
  await bringUp(
    {
      ...{ machineId, dir, first, isDestroyed },
      timeoutMs: ADDRESS_TIMEOUT_MS,
      launch: () => launch(input),
      whyNotStarted: () => failure('bootFailed', 'the machine ended while it was starting'),
      whyNoAddress: () =>
        failure('backendUnavailable', `${machineId} has no address after ${ADDRESS_TIMEOUT_MS / 1000} s`),
    },
    signal,
  );
}

async function launch({ machineId, dir, program, started, agentSecret, addresses }: StartInput): Promise<ChildProcess> {
  // Its process claims one; that none is left is no failure of its own.
  if (addresses.length > 0) await unclaimedAddresses(addresses, machineId);
  if (agentSecret !== null) await writeSecret(dir, agentSecret);
  return started.start(machineId, {
    name: "the machine's process",
    command: [program.nodePath, program.vmServerFile, 'machine', '--dir', dir],
    dir,
    outputPath: join(dir, LOCAL_MACHINE_FILE.console),
    env: minimalEnv(),
  });
}

/** A private CA must be known at the start of a process, so it cannot come with the manifest. */
const PASSED_ON = ['PATH', 'HOME', 'NODE_EXTRA_CA_CERTS'] as const;

function minimalEnv(): NodeJS.ProcessEnv {
  return Object.fromEntries(PASSED_ON.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

/** The one-time secret goes through a file that the machine deletes; never through arguments or environment. */
export async function writeSecret(dir: string, secret: string): Promise<void> {
  await replaceFile(join(dir, LOCAL_MACHINE_FILE.agentSecret), secret);
}

/** The last lines of the console, for an error that explains itself. */
async function consoleEnd({ dir, consoleMayHoldSecrets }: StartInput): Promise<string> {
  if (consoleMayHoldSecrets) return '; read its console';
  const tail = await readTail(join(dir, LOCAL_MACHINE_FILE.console), CONSOLE_TAIL_BYTES);
  const text = plainConsoleText(new TextDecoder().decode(tail)).trim();
  return `; its console ends: ${text === '' ? '(it is empty)' : text}`;
}

/** Starts QEMU in a session of its own: it outlives us, and nothing of our environment leaks into it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { LOCAL_MACHINE_FILE } from '../../domain/local-machine.ts';
import { ProviderError } from '../../domain/provider-error.ts';
import { QEMU_MACHINE_FILE } from './machine-order.ts';

/** Processes that this provider started and that did not end yet, by machine. */
export type StartedProcesses = Map<string, Set<ChildProcess>>;

export interface LaunchInput {
  machineId: string;
  dir: string;
  /** If this file exists the machine was destroyed and must not live. */
  tombstonePath: string;
  /** No file that QEMU writes grows past this, whatever the guest does and whether or not a worker runs. */
  fileLimitBytes: number;
  /** QEMU and its arguments. */
  command: readonly string[];
  started: StartedProcesses;
}

/**
 * Becomes the machine: locks its id with the pid and start time that stay those of QEMU, steps aside for another
 * process of this id, looks for a tombstone only then, and turns into QEMU. Past the limit of its files a write
 * fails, and the signal that would end QEMU is ignored. `ulimit -f` counts blocks of 512 bytes.
 */
const BECOME_MACHINE = `
lock=$1 tombstone=$2 blocks=$3; shift 3
start_time() { shift 19; echo "$1"; }
read -r stat </proc/$$/stat || exit 1
set -f
started=$(start_time \${stat##*) }) || exit 1
draft=$lock.$$
printf '{"pid":%s,"startedAt":"%s"}' $$ "$started" >"$draft" || exit 1
ln "$draft" "$lock" || { rm -f "$draft"; exit 0; }
rm -f "$draft"
[ ! -e "$tombstone" ] || exit 0
trap '' XFSZ
ulimit -f "$blocks"
exec "$@"
`;

/** Resolves when the process runs; whether it became the machine tells its lock. */
export async function launch(input: LaunchInput): Promise<ChildProcess> {
  const { machineId, dir, tombstonePath, fileLimitBytes, command, started } = input;
  const output = await open(join(dir, QEMU_MACHINE_FILE.log), 'a', 0o600);
  try {
    const blocks = `${Math.ceil(fileLimitBytes / 512)}`;
    const script = [BECOME_MACHINE, 'ephemera-machine', join(dir, LOCAL_MACHINE_FILE.process), tombstonePath, blocks];
    const child = spawn('/bin/sh', ['-c', ...script, ...command], {
      cwd: dir,
      detached: true,
      stdio: ['ignore', output.fd, output.fd],
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
    });
    await hasSpawned(child);
    track(started, machineId, child);
    child.unref();
    return child;
  } finally {
    await output.close();
  }
}

async function hasSpawned(child: ChildProcess): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause: NodeJS.ErrnoException) => {
      const full = cause.code === 'EAGAIN' || cause.code === 'ENOMEM' || cause.code === 'EMFILE';
      const code = full ? 'noCapacity' : 'backendUnavailable';
      reject(new ProviderError(code, `QEMU does not start: ${cause.message}`, { cause }));
    });
  });
}

function track(started: StartedProcesses, machineId: string, child: ChildProcess): void {
  const ofMachine = started.get(machineId) ?? new Set();
  started.set(machineId, ofMachine.add(child));
  child.once('exit', () => {
    ofMachine.delete(child);
    if (ofMachine.size === 0 && started.get(machineId) === ofMachine) started.delete(machineId);
  });
}

/** Starts QEMU as the one process that a machine may be. */
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { LOCAL_MACHINE_FILE } from '../../../domain/machine/local-machine.ts';
import type { StartedProcesses } from '../../host/processes/started-processes.ts';
import { networkPath, type NetworkLaunch } from '../network/guest-network.ts';
import { NETWORK_SCRIPT } from '../network/uplink-script.ts';
import { QEMU_MACHINE_FILE } from './machine-manifest.ts';

export interface LaunchInput {
  machineId: string;
  dir: string;
  /** If this file exists the machine was destroyed and must not live. */
  tombstonePath: string;
  /** No file that QEMU writes grows past this, whatever the guest does and whether or not a worker runs. */
  fileLimitBytes: number;
  /** QEMU and its arguments. */
  command: readonly string[];
  /** Null: it is in the network of the host. */
  network: NetworkLaunch | null;
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
`;

/** In a network of the guest's own, whose arguments come before QEMU; see uplink-script.ts. */
const IN_NETWORK = `
uplink_script=$1 owner=$2 state=$3 resolver=$4 rules=$5 open=$6 names=$7 addresses=$8 tries=$9; shift 9
ports=$1; shift
${NETWORK_SCRIPT.functions}
become_in_network "$@"
`;

/** Resolves when the process runs; whether it became the machine tells its lock. */
export async function launch(input: LaunchInput): Promise<ChildProcess> {
  const { machineId, dir, tombstonePath, fileLimitBytes, command, network, started } = input;
  const blocks = `${Math.ceil(fileLimitBytes / 512)}`;
  const script = network === null ? `${BECOME_MACHINE}exec "$@"` : `${BECOME_MACHINE}${IN_NETWORK}`;
  const lock = ['ephemera-machine', join(dir, LOCAL_MACHINE_FILE.process), tombstonePath, blocks];
  return started.start(machineId, {
    name: 'QEMU',
    command: ['/bin/sh', '-c', script, ...lock, ...(network === null ? [] : argumentsOf(network)), ...command],
    dir,
    outputPath: join(dir, QEMU_MACHINE_FILE.log),
    env: { PATH: networkPath() },
  });
}

function argumentsOf(network: NetworkLaunch): string[] {
  const { uid, stateFile, resolverFile, filter, isOpen, addresses, uplinkTries, ports } = network;
  return [
    ...[NETWORK_SCRIPT.uplink, uid === null ? 'self' : `${uid}`, stateFile, resolverFile ?? '', filter],
    ...[isOpen ? 'open' : '', resolverFile === null ? '' : 'names', addresses.join(' '), `${uplinkTries}`],
    ports.join(' '),
  ];
}

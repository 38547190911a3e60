/**
 * What cloud-init in a machine is told of itself, the same on a volume and over HTTP ("NoCloud"). Anybody in the
 * machine may read it: nothing secret is in it.
 */
import type { VmView } from './vm-view.ts';

/** The files of the datasource; cloud-init asks for the first two. */
export const CLOUD_INIT_FILES = ['meta-data', 'user-data', 'vendor-data'] as const;
export type CloudInitFile = (typeof CLOUD_INIT_FILES)[number];

/** Label by which cloud-init knows a volume of the datasource. */
export const CLOUD_INIT_LABEL = 'cidata';
/** Labels of the volumes that hold the agent, and the Node that runs it. */
export const AGENT_VOLUME_LABEL = 'ephemera';
export const NODE_VOLUME_LABEL = 'ephemera-node';
/** The program of the agent's volume that starts it. */
export const AGENT_VOLUME_START = 'start';

const MOUNT_POINT = '/run/ephemera/volume';

/**
 * Runs at each boot and before most of it. A hook, not `bootcmd`: that would take the place of the one that an image
 * may have in its own configuration.
 */
const START_AGENT = `#cloud-boothook
#!/bin/sh
# Starts the agent of this machine from its volume; a boot that was tried before may have it mounted.
mkdir -p ${MOUNT_POINT}
mountpoint -q ${MOUNT_POINT} || mount -o ro LABEL=${AGENT_VOLUME_LABEL} ${MOUNT_POINT} || exit 0
sh ${MOUNT_POINT}/${AGENT_VOLUME_START}
`;

const NOTHING_MORE = '#cloud-config\n{}\n';

export interface CloudInitMachine {
  machineId: string;
  /** Name of the VM, which becomes that of the host. */
  vm: string;
}

/** The datasource's files. `hasAgentVolume`: the machine has the volume from which its agent is started. */
export function cloudInitFiles(
  { machineId, vm }: CloudInitMachine,
  { hasAgentVolume }: { hasAgentVolume: boolean },
): Record<CloudInitFile, string> {
  return {
    // JSON is YAML, and needs no care for what a name may hold.
    'meta-data': `${JSON.stringify({ 'instance-id': machineId, 'local-hostname': vm }, null, 2)}\n`,
    'user-data': hasAgentVolume ? START_AGENT : NOTHING_MORE,
    'vendor-data': NOTHING_MORE,
  };
}

/**
 * Whether a machine may still be in its first boot, in which alone it is told who it is. A VM whose readiness is
 * `machine` is ready before its guest has booted, and says by its time-out how long that may take. `now` in epoch ms.
 */
export function isFirstBoot(
  { state, readyAt, spec: { readiness } }: Pick<VmView, 'state' | 'readyAt' | 'spec'>,
  now: number,
): boolean {
  if (state === 'creating' || state === 'booting') return true;
  if (state !== 'running' || readiness.kind !== 'machine' || readyAt === undefined) return false;
  return now < Date.parse(readyAt) + readiness.timeoutSeconds * 1000;
}

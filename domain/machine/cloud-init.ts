/**
 * What cloud-init in a machine gets, the same on a volume and over HTTP ("NoCloud"). Anybody in the
 * machine may read it: nothing secret is in it.
 */
import type { VmView } from '../vm/view.ts';

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
  /** What the VM's spec adds; absent: nothing. */
  userData?: string | undefined;
}

/** By these cloud-init tells what user data is; it ignores what begins otherwise. */
export const USER_DATA_BEGINNINGS = [
  '#cloud-config',
  '#!',
  '#cloud-boothook',
  '#include',
  '## template: jinja',
] as const;

/** Whether cloud-init would do anything with the text; halves of characters are no text. */
export function isUserData(text: string): boolean {
  return USER_DATA_BEGINNINGS.some((beginning) => text.startsWith(beginning)) && !/\p{Surrogate}/u.test(text);
}

/** The datasource's files. `hasAgentVolume`: the machine has the volume from which its agent is started. */
export function cloudInitFiles(
  { machineId, vm, userData }: CloudInitMachine,
  { hasAgentVolume }: { hasAgentVolume: boolean },
): Record<CloudInitFile, string> {
  return {
    // JSON is YAML, and needs no care for what a name may hold.
    'meta-data': `${JSON.stringify({ 'instance-id': machineId, 'local-hostname': vm }, null, 2)}\n`,
    'user-data': userDataFile(hasAgentVolume ? START_AGENT : undefined, userData),
    'vendor-data': NOTHING_MORE,
  };
}

function userDataFile(startAgent: string | undefined, userData: string | undefined): string {
  if (startAgent === undefined || userData === undefined) return startAgent ?? userData ?? NOTHING_MORE;
  return mimeArchive([startAgent, userData].map(textPart));
}

/** One of several in what cloud-init is given. */
export interface MimePart {
  type: string;
  encoding: string;
  /** ASCII, in this encoding. */
  body: string;
}

/** Several parts in one file, as cloud-init reads them: MIME, each part told by how it begins. */
export function mimeArchive(parts: readonly MimePart[]): string {
  const boundary = boundaryFor(parts.map(({ body }) => body));
  const written = parts.map(
    ({ type, encoding, body }) =>
      `--${boundary}\nContent-Type: ${type}\nContent-Transfer-Encoding: ${encoding}\n\n${body}\n`,
  );
  return `Content-Type: multipart/mixed; boundary="${boundary}"\nMIME-Version: 1.0\n\n${written.join('')}--${boundary}--\n`;
}

/** A part of any text. */
export function textPart(text: string): MimePart {
  return { type: 'text/plain; charset="utf-8"', encoding: 'quoted-printable', body: quotedPrintable(text) };
}

/** Any text in ASCII: the parts of an archive lose what is not. */
function quotedPrintable(text: string): string {
  return encodeURIComponent(text).replaceAll('%0A', '\n').replaceAll('%', '=');
}

function boundaryFor(parts: readonly string[]): string {
  let boundary = 'ephemera-part';
  while (parts.some((text) => text.includes(boundary))) boundary += '-x';
  return boundary;
}

/**
 * Whether a machine may still be in its first boot, in which alone it gets its identity. A VM whose readiness is
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

/**
 * The text that cloud-init of a server is given, on clouds where that text is all a server can be told: what the machine is, how
 * its agent starts, and what its user wants. It is on the server's disk afterwards, so nothing secret is in it.
 */
import { gzipSync } from 'node:zlib';
import { mimeArchive, textPart, type MimePart } from '../../domain/machine/cloud-init.ts';
import { ProviderError } from '../../domain/machine/provider-error.ts';
import type { CreateMachineRequest } from '../../domain/machine/provider.ts';
import { containerOf } from './container-image.ts';
import { containerScript, environmentFile } from './container-script.ts';
import { recordOfRequest } from './machine-record.ts';
import { ATTRIBUTE_DIRECTORY } from './server-scripts.ts';
import { MEMORY_DIRECTORY, apiCaUse, startupScript, type MachineIdentity, type ScriptCloud } from './startup-script.ts';

export interface UserDataOptions {
  cloud: ScriptCloud;
  identity: MachineIdentity;
  /** Where machines fetch vm-server; null where the images start their agent themselves. */
  vmServerUrl: string | null;
  /** Of the text. */
  maxBytes: number;
}

/**
 * The text, empty where there is nothing to say. The same request gives the same text.
 * @throws ProviderError `badSpec` when it is too long for the cloud
 */
export function serverUserData(request: CreateMachineRequest, deployment: string, options: UserDataOptions): string {
  const { userData } = request.spec;
  const parts = [bootHook(request, deployment, options), userData].filter((part) => part !== undefined);
  const [first] = parts;
  if (first === undefined) return '';
  const forms = [
    () => (parts.length === 1 ? first : mimeArchive(parts.map(textPart))),
    // cloud-init unpacks what is packed.
    () => mimeArchive([packedPart(parts)]),
  ];
  let bytes = Infinity;
  for (const form of forms) {
    const text = form();
    const length = Buffer.byteLength(text);
    if (length <= options.maxBytes) return text;
    bytes = Math.min(bytes, length);
  }
  const field =
    userData !== undefined && userData.length >= JSON.stringify(request.spec.env).length ? 'userData' : 'env';
  const text = `what the machine is told takes ${bytes} bytes, and its cloud takes ${options.maxBytes}: shorten it`;
  throw new ProviderError('badSpec', `field ${field}: ${text}`);
}

/**
 * All parts as an archive of cloud-init's own: what it unpacks it takes for ASCII, but for an archive, whose text it reads as YAML.
 * Without line feeds in its middle cloud-init may not take a part for what it is.
 */
function packedPart(texts: readonly string[]): MimePart {
  const written = JSON.stringify(texts.map((content) => ({ content }))).replace(UNFIT_FOR_YAML, escaped);
  const lines = gzipSync(`#cloud-config-archive\n${written}\n`, { level: 9 })
    .toString('base64')
    .match(/.{1,76}/g);
  return { type: 'application/gzip', encoding: 'base64', body: (lines ?? []).join('\n') };
}

/** JSON may have them as they are. */
const UNFIT_FOR_YAML = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Runs at each boot: what a machine is told stays in its memory, and no image of its disk tells it to another one. */
function bootHook(request: CreateMachineRequest, deployment: string, options: UserDataOptions): string | undefined {
  const attributes = attributesOf(request, deployment);
  const script = startScriptOf(request, options);
  if (Object.keys(attributes).length === 0) return undefined;
  const texts = Object.entries(attributes).map(([name, text]) => hereFile(`${ATTRIBUTE_DIRECTORY}.next/${name}`, text));
  return `#cloud-boothook
#!/bin/sh
# Tells this machine what it is, and starts what makes it report to Ephemera; at every boot.
set -eu
umask 077
rm -rf ${ATTRIBUTE_DIRECTORY} ${ATTRIBUTE_DIRECTORY}.next
mkdir -p ${ATTRIBUTE_DIRECTORY}.next
${texts.join('')}mv ${ATTRIBUTE_DIRECTORY}.next ${ATTRIBUTE_DIRECTORY}
${FORGET}${script === null ? '' : hereFile(START_FILE, script) + START}`;
}

/**
 * cloud-init pickles all that the metadata service says onto its disk, with it what makes the machine itself; it does with a
 * link, and without the file at its next boot.
 */
const FORGET = `kept=/var/lib/cloud/instance/obj.pkl
if [ -d /run/cloud-init ] && [ -f "$kept" ] && [ ! -L "$kept" ]; then
  cp -p "$kept" /run/cloud-init/obj.pkl && { shred -u "$kept" || rm -f "$kept"; } && ln -s /run/cloud-init/obj.pkl "$kept" || true
fi
`;

const START_FILE = `${MEMORY_DIRECTORY}/start`;

/** A boot goes on beside the script; one that fails is run again. */
const START = `if [ -d /run/systemd/system ]; then
  systemd-run --quiet --no-block --collect --unit=ephemera-start -p Wants=network-online.target -p After=network-online.target \\
    -p Restart=on-failure -p RestartSec=10 sh ${START_FILE}
else
  setsid sh ${START_FILE} > /dev/null 2>&1 < /dev/null &
fi
`;

/** Shell that writes the text, and a line feed where it ends without one. */
function hereFile(path: string, text: string): string {
  let end = 'END';
  while (text.split('\n').includes(end)) end += '_';
  return `cat > ${path} << '${end}'\n${text.replace(/\n$/, '')}\n${end}\n`;
}

function attributesOf(request: CreateMachineRequest, deployment: string): Record<string, string> {
  const { spec, agentBootstrap } = request;
  const { ports, awaitsAssignment } = recordOfRequest(request, deployment);
  const ownEnvironment = Object.keys(spec.env).length > 0;
  return {
    ...(agentBootstrap === null ? {} : { 'ephemera-api-url': agentBootstrap.apiUrl }),
    ...(agentBootstrap?.apiCa === undefined ? {} : { 'ephemera-api-ca': agentBootstrap.apiCa }),
    ...(agentBootstrap === null ? {} : { 'ephemera-machine': JSON.stringify({ ports, awaitsAssignment }) }),
    ...(ownEnvironment ? { 'ephemera-environment': JSON.stringify(spec.env) } : {}),
    ...(containerOf(spec.image) === null ? {} : { 'ephemera-container-environment': environmentFile(spec.env) }),
  };
}

/** Null where the image starts its agent itself, or the machine has none. */
function startScriptOf(
  { spec, madeFor, agentBootstrap }: CreateMachineRequest,
  { cloud, identity, vmServerUrl }: UserDataOptions,
): string | null {
  if (vmServerUrl === null || agentBootstrap === null) return null;
  const container = containerOf(spec.image);
  const common = { cloud, vmServerUrl, identity, apiCa: apiCaUse(agentBootstrap, vmServerUrl) };
  if (container !== null) return containerScript({ ...common, container, ports: spec.ports });
  const port = spec.ports.find(({ protocol }) => protocol === 'tcp')?.port ?? null;
  return startupScript({
    ...common,
    changesOwner: madeFor !== undefined,
    app: spec.image === 'vm-server' ? 'chat' : { port },
  });
}

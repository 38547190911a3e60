/** What a machine does when it starts: gets vm-server and runs it as the agent, or as the sample chat. */
import type { AgentBootstrap } from '../../domain/machine/provider.ts';

/** Whether a machine proves itself with its instance identity, or with the one-time secret in its metadata. */
export type MachineIdentity = 'instance' | 'secret';

/** What the certificate in the metadata is used for; `none` where there is none. */
export type ApiCaUse = 'none' | 'reports' | 'reportsAndDownload';

/** What a start script has to know of the cloud that it runs in. */
export interface ScriptCloud {
  /** Line of shell that defines `attribute NAME`, which prints an attribute of the instance. */
  attributeFunction: string;
  /** Option of `vm-server agent` by which the instance proves itself. */
  proofFlag: string;
  /** What vm-server is there when it is the sample chat. */
  program: string;
  /**
   * Of a cloud whose metadata service shows what makes a machine itself in a form of its own, which vm-server reads; absent: those
   * are attributes.
   */
  readsIdentity?: boolean;
  /** What containers run on, with Docker: an image with nothing else, or one of Debian or Ubuntu, which gets it. */
  containerHost: 'containerOptimized' | 'debian';
}

export interface StartupScriptOptions {
  cloud: ScriptCloud;
  /** Where the machine fetches the vm-server file: an `https://` or `gs://…`-served URL, or a path of the API. */
  vmServerUrl: string;
  identity: MachineIdentity;
  apiCa: ApiCaUse;
  /** The machine waits for its VM, and proves itself anew with what its metadata says then. */
  changesOwner?: boolean;
  /** `chat`: vm-server is the app too. Else it counts the connections to this TCP port of the image's own app. */
  app: 'chat' | { port: number | null };
  /** Before every path; only tests choose another place. */
  root?: string;
}

/** Of the machine: what is here is gone when it stops, and in no image of its disk. */
export const MEMORY_DIRECTORY = '/run/ephemera';
const STATE_DIRECTORY = '/var/lib/ephemera';

/** Shell that defines `add_packages PACKAGE…`. The system's own updates, or cloud-init, may have the package manager for a while. */
export const INSTALL = `add_packages() {
  for attempt in 1 2 3 4 5 6; do
    apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -qy -o DPkg::Lock::Timeout=120 install "$@" && return
    sleep 10
  done
  return 1
}
`;

/**
 * A shell script without any secret in it. It says each step on the serial console, for that is what people read
 * when a machine does not become ready.
 */
export function startupScript(options: StartupScriptOptions): string {
  const { cloud, vmServerUrl, apiCa, app, root = '' } = options;
  assertPlainUrl(vmServerUrl);
  const program = `${root}/opt/ephemera`;
  const start = app === 'chat' ? `exec node ${program}/vm-server.cjs ${cloud.program}` : agentLines(options, app.port);
  return `#!/bin/sh
# Makes this machine report to Ephemera. Runs at every start; all it writes is on a memory disk, replaced or sealed.
set -eu
say() { echo "ephemera: $*" > /dev/console 2>/dev/null || echo "ephemera: $*"; }
trap 'say "the startup script failed; the lines above say why"' EXIT
${cloud.attributeFunction}

umask 077
mkdir -p ${program}
${INSTALL}command -v curl > /dev/null || add_packages curl ca-certificates
if ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' 2> /dev/null; then
  say 'installing Node.js'
  add_packages nodejs
  node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' ||
    { say 'needs Node.js 20 or newer: use an image that has it'; exit 1; }
fi
${caLines(apiCa, `${program}/api-ca.pem`)}say 'fetching vm-server'
curl -fsS --retry 10 --retry-connrefused${caOfDownload(apiCa, `${program}/api-ca.pem`)} -o ${program}/vm-server.next '${vmServerUrl}'
mv ${program}/vm-server.next ${program}/vm-server.cjs
say 'starting'
trap - EXIT
${start}
`;
}

/** vm-server comes from the API, or from elsewhere, where the certificate of the API does not count. */
export function apiCaUse({ apiUrl, apiCa }: AgentBootstrap, vmServerUrl: string | null): ApiCaUse {
  if (apiCa === undefined) return 'none';
  return vmServerUrl?.startsWith(`${apiUrl}/`) === true ? 'reportsAndDownload' : 'reports';
}

/** Throws for what could break out of the quotes of a shell. */
export function assertPlainUrl(vmServerUrl: string): void {
  if (/^https?:\/\/[^\s'"$`\\]+$/.test(vmServerUrl)) return;
  throw new Error(`vmServerUrl must be a plain http:// or https:// URL, not ${JSON.stringify(vmServerUrl)}`);
}

/** Puts the certificate of the API where the rest of the script finds it. */
export function caLines(apiCa: ApiCaUse, file: string): string {
  return apiCa === 'none' ? '' : `attribute ephemera-api-ca > ${file}\n`;
}

/** The option of curl that makes it know the API by its certificate. */
export function caOfDownload(apiCa: ApiCaUse, file: string): string {
  return apiCa === 'reportsAndDownload' ? ` --cacert ${file}` : '';
}

function agentLines(options: StartupScriptOptions, port: number | null): string {
  const { cloud, identity, apiCa, changesOwner = false, root = '' } = options;
  const program = `${root}/opt/ephemera`;
  const memory = `${root}${MEMORY_DIRECTORY}`;
  const count = port === null ? '' : ` --count-port ${port} --ready-port ${port}`;
  const secret = `--secret-file ${memory}/agent-secret${changesOwner ? ` --secret-from ${cloud.program}` : ''}`;
  const proof = identity === 'instance' ? cloud.proofFlag : secret;
  const ca = apiCa === 'none' ? '' : ` --ca-file ${program}/api-ca.pem`;
  return [
    'api_url=$(attribute ephemera-api-url)',
    `mkdir -p ${memory} ${root}${STATE_DIRECTORY}`,
    identityLines(options, `node ${program}/vm-server.cjs`, memory),
    // As machines of earlier versions left it.
    `rm -f ${root}${STATE_DIRECTORY}/agent-secret`,
    `exec node ${program}/vm-server.cjs agent --api-url "$api_url"${ca} ${proof}${count}${keptOptions(`${root}${STATE_DIRECTORY}`, memory)}`,
  ].join('\n');
}

/**
 * Puts what makes this machine itself where no image of its disk has it: the key of what its agent keeps, and the secret by
 * which it proves itself where its cloud does not. `vmServer`: the command that runs it.
 */
export function identityLines(
  { cloud, identity }: Pick<StartupScriptOptions, 'cloud' | 'identity'>,
  vmServer: string,
  memoryDirectory: string,
): string {
  if (cloud.readsIdentity === true) return `${vmServer} identity ${cloud.program} --dir '${memoryDirectory}'`;
  const key = `attribute ephemera-machine-key > '${memoryDirectory}/machine-key'`;
  const secret = `attribute ephemera-agent-secret > '${memoryDirectory}/agent-secret'`;
  return identity === 'secret' ? `${key}\n${secret}` : key;
}

/** Options of the agent: where it keeps what it needs for its next start, sealed with the key of its machine. */
export function keptOptions(stateDirectory: string, memoryDirectory = MEMORY_DIRECTORY): string {
  return ` --state-dir ${stateDirectory} --machine-key-file ${memoryDirectory}/machine-key`;
}

/** What a machine does when it starts: gets vm-server and runs it as the agent, or as the sample chat. */

/** Whether a machine proves itself with its instance identity, or with the one-time secret in its metadata. */
export type MachineIdentity = 'instance' | 'secret';

/** What the certificate in the metadata is used for; `none` where there is none. */
export type ApiCaUse = 'none' | 'reports' | 'reportsAndDownload';

export interface StartupScriptOptions {
  /** Where the machine fetches the vm-server file: an `https://` or `gs://…`-served URL, or a path of the API. */
  vmServerUrl: string;
  identity: MachineIdentity;
  apiCa: ApiCaUse;
  /** `chat`: vm-server is the app too. Else it counts the connections to this TCP port of the image's own app. */
  app: 'chat' | { port: number | null };
}

export const METADATA_URL = 'http://metadata.google.internal/computeMetadata/v1/instance/attributes';

/**
 * A shell script without any secret in it. It says each step on the serial console, for that is what people read
 * when a machine does not become ready.
 */
export function startupScript({ vmServerUrl, identity, apiCa, app }: StartupScriptOptions): string {
  assertPlainUrl(vmServerUrl);
  const start = app === 'chat' ? 'exec node /opt/ephemera/vm-server.cjs gce' : agentLines(identity, apiCa, app.port);
  return `#!/bin/sh
# Makes this machine report to Ephemera. Runs at every start; all it writes is on a memory disk or replaced.
set -eu
say() { echo "ephemera: $*" > /dev/console 2>/dev/null || echo "ephemera: $*"; }
trap 'say "the startup script failed; the lines above say why"' EXIT
attribute() { curl -fsS --retry 5 -H 'Metadata-Flavor: Google' "${METADATA_URL}/$1"; }

umask 077
mkdir -p /opt/ephemera
command -v curl > /dev/null || { apt-get -q update && apt-get -qy install curl ca-certificates; }
if ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' 2> /dev/null; then
  say 'installing Node.js'
  apt-get -q update && apt-get -qy install nodejs
  node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' ||
    { say 'needs Node.js 20 or newer: use an image that has it'; exit 1; }
fi
${caLines(apiCa, '/opt/ephemera/api-ca.pem')}say 'fetching vm-server'
curl -fsS --retry 10 --retry-connrefused${caOfDownload(apiCa, '/opt/ephemera/api-ca.pem')} -o /opt/ephemera/vm-server.next '${vmServerUrl}'
mv /opt/ephemera/vm-server.next /opt/ephemera/vm-server.cjs
say 'starting'
trap - EXIT
${start}
`;
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

function agentLines(identity: MachineIdentity, apiCa: ApiCaUse, port: number | null): string {
  const count = port === null ? '' : ` --count-port ${port} --ready-port ${port}`;
  const proof = identity === 'instance' ? '--gce' : '--secret-file /var/lib/ephemera/agent-secret';
  const ca = apiCa === 'none' ? '' : ' --ca-file /opt/ephemera/api-ca.pem';
  const secret = [
    'mkdir -p /var/lib/ephemera',
    // After the first start the agent goes on with the token it keeps there.
    '[ -e /var/lib/ephemera/agent-token ] || attribute ephemera-agent-secret > /var/lib/ephemera/agent-secret',
  ];
  return [
    'api_url=$(attribute ephemera-api-url)',
    ...(identity === 'secret' ? secret : []),
    `exec node /opt/ephemera/vm-server.cjs agent --api-url "$api_url"${ca} ${proof}${count}`,
  ].join('\n');
}

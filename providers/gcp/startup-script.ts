/** What a machine does when it starts: gets vm-server and runs it as the agent, or as the sample chat. */

export interface StartupScriptOptions {
  /** Where the machine fetches the vm-server file: an `https://` or `gs://…`-served URL, or a path of the API. */
  vmServerUrl: string;
  /** Whether the machine proves itself with its instance identity, or with the one-time secret in its metadata. */
  identity: 'instance' | 'secret';
}

const METADATA_URL = 'http://metadata.google.internal/computeMetadata/v1/instance/attributes';

/**
 * A shell script without any secret in it. It says each step on the serial console, for that is what people read
 * when a machine does not become ready.
 */
export function startupScript({ vmServerUrl, identity }: StartupScriptOptions): string {
  if (!/^https?:\/\/[^\s'"$`\\]+$/.test(vmServerUrl)) {
    throw new Error(`vmServerUrl must be a plain http:// or https:// URL, not ${JSON.stringify(vmServerUrl)}`);
  }
  const proof = identity === 'instance' ? '--gce' : '--secret-file /run/ephemera/agent-secret';
  return `#!/bin/sh
# Makes this machine report to Ephemera. Runs at every start; all it writes is on a memory disk or replaced.
set -eu
say() { echo "ephemera: $*" > /dev/console 2>/dev/null || echo "ephemera: $*"; }
trap 'say "the startup script failed; the lines above say why"' EXIT
attribute() { curl -fsS --retry 5 -H 'Metadata-Flavor: Google' "${METADATA_URL}/$1"; }

umask 077
mkdir -p /run/ephemera /opt/ephemera
command -v curl > /dev/null || { apt-get -q update && apt-get -qy install curl ca-certificates; }
if ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' 2> /dev/null; then
  say 'installing Node.js'
  apt-get -q update && apt-get -qy install nodejs
  node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' ||
    { say 'needs Node.js 20 or newer: use an image that has it'; exit 1; }
fi
say 'fetching vm-server'
curl -fsS --retry 10 --retry-connrefused -o /opt/ephemera/vm-server.next '${vmServerUrl}'
mv /opt/ephemera/vm-server.next /opt/ephemera/vm-server.cjs
api_url=$(attribute ephemera-api-url)
${identity === 'secret' ? 'attribute ephemera-agent-secret > /run/ephemera/agent-secret' : '# No secret: the metadata server vouches for this machine.'}
say 'starting the agent'
trap - EXIT
exec node /opt/ephemera/vm-server.cjs agent --api-url "$api_url" ${proof}
`;
}

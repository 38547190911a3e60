/** What a machine does when it starts that runs a container: nothing else is on its image, or its image is a plain one. */
import { ProviderError } from '../../domain/machine/provider-error.ts';
import type { PortSpec } from '../../domain/vm/spec.ts';
import {
  INSTALL,
  MEMORY_DIRECTORY,
  assertPlainUrl,
  caLines,
  caOfDownload,
  identityLines,
  keptOptions,
  type ApiCaUse,
  type MachineIdentity,
  type ScriptCloud,
} from './startup-script.ts';

/** Label of a container: what tells one from another that is to be made anew. */
const MADE_OF = 'ephemera-made-of';

/** Runs the agent: Node.js and nothing else. This mirror is reached without a way to the internet. */
const AGENT_IMAGE = 'mirror.gcr.io/library/node:22-slim';

export interface ContainerScriptOptions {
  cloud: ScriptCloud;
  vmServerUrl: string;
  identity: MachineIdentity;
  apiCa: ApiCaUse;
  /** Image of the container, as `docker run` takes it. */
  container: string;
  /** Opened in the machine's own firewall; the agent counts the connections of the first TCP one. */
  ports: readonly PortSpec[];
  /** Where files are kept, and where those that no disk may have; only tests choose other places. */
  directory?: string;
  memoryDirectory?: string;
}

/**
 * A shell script that runs the container and beside it the agent, both on the machine's own network: what the agent
 * counts is what users hold. It runs at every start and says each step on the serial console. A container of before keeps
 * its files and is started again, unless another image or environment is asked for.
 */
export function containerScript(options: ContainerScriptOptions): string {
  const { cloud, vmServerUrl, identity, apiCa, container, ports, directory = '/var/lib/ephemera' } = options;
  const { memoryDirectory = MEMORY_DIRECTORY } = options;
  assertPlainUrl(vmServerUrl);
  const vmServer = `docker run --rm --network host -v '${directory}:/ephemera' -v '${memoryDirectory}:${memoryDirectory}' ${AGENT_IMAGE} node /ephemera/vm-server.cjs`;
  const port = ports.find(({ protocol }) => protocol === 'tcp')?.port;
  const count = port === undefined ? '' : ` --count-port ${port} --ready-port ${port}`;
  const proof = identity === 'instance' ? cloud.proofFlag : `--secret-file ${MEMORY_DIRECTORY}/agent-secret`;
  const ca = apiCa === 'none' ? '' : ' --ca-file /ephemera/api-ca.pem';
  return `#!/bin/sh
# Runs a container, and the agent that reports to Ephemera how many use it.
set -eu
say() { echo "ephemera: $*" > /dev/console 2>/dev/null || echo "ephemera: $*"; }
trap 'say "the startup script failed; the lines above say why"' EXIT
${cloud.attributeFunction}

umask 077
mkdir -p '${directory}' '${memoryDirectory}'
cd '${directory}'
${cloud.containerHost === 'debian' ? PLAIN_HOST : openPorts(ports)}
${caLines(apiCa, 'api-ca.pem')}say 'fetching vm-server'
curl -fsS --retry 10 --retry-connrefused${caOfDownload(apiCa, 'api-ca.pem')} -o vm-server.next '${vmServerUrl}'
mv vm-server.next vm-server.cjs
attribute ephemera-container-environment > environment
${identityLines(options, vmServer, memoryDirectory)}
rm -f agent-secret
api_url=$(attribute ephemera-api-url)
made_of=$(echo '${container}' | cat - environment | sha256sum | cut -d ' ' -f 1)
if [ "$(docker inspect -f '{{index .Config.Labels "${MADE_OF}"}}' ephemera-app 2> /dev/null)" = "$made_of" ]; then
  say 'starting the container of before, with its files'
  docker start ephemera-app
else
  docker rm -f ephemera-app > /dev/null 2>&1 || true
  say 'starting the container'
  docker run -d --name ephemera-app --restart unless-stopped --network host --env-file environment \\
    --label "${MADE_OF}=$made_of" --log-driver journald '${container}'
fi
say 'starting the agent'
docker rm -f ephemera-agent > /dev/null 2>&1 || true
# Not started by Docker itself: on a disk that was another machine's it would run before this script.
docker run -d --name ephemera-agent --restart on-failure --network host -v '${directory}:/ephemera' \\
  -v '${memoryDirectory}:${MEMORY_DIRECTORY}' \\
  ${AGENT_IMAGE} node /ephemera/vm-server.cjs agent --api-url "$api_url"${ca} ${proof}${count}${keptOptions('/ephemera')}
trap - EXIT
say 'container and agent run'
`;
}

/** What an image of Debian or Ubuntu lacks. Its firewall is open. */
const PLAIN_HOST = `${INSTALL}command -v curl > /dev/null || add_packages curl ca-certificates
command -v docker > /dev/null || { say 'installing Docker'; add_packages docker.io; }
docker info > /dev/null 2>&1 || systemctl start docker`;

/** The image lets nothing in but what is opened. */
function openPorts(ports: readonly PortSpec[]): string {
  return ports.map(({ port, protocol }) => `iptables -w -I INPUT -p ${protocol} --dport ${port} -j ACCEPT`).join('\n');
}

/**
 * The environment as `docker run --env-file` reads it: one line for each variable, nothing quoted.
 * @throws ProviderError `badSpec` for a value of several lines, or of half characters, which have no form there
 */
export function environmentFile(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .map(([name, value]) => {
      if (/\p{Surrogate}/u.test(value)) throw bad(name, 'must be text: it has half of a surrogate pair');
      if (/[\r\n]/.test(value)) throw bad(name, 'must be one line: Docker takes no others');
      return `${name}=${value}\n`;
    })
    .join('');
}

function bad(name: string, problem: string): ProviderError {
  return new ProviderError('badSpec', `field env.${name}: ${problem}`);
}

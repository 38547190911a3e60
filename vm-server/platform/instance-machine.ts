import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { AGENT_LOCAL_PORT } from '../../domain/machine/local-machine.ts';
import type { PortSpec } from '../../domain/vm/spec.ts';
import { ATTRIBUTE_DIRECTORY } from './attribute-files.ts';
import type { InstancePlatform } from './instance-platform.ts';
import type { MetadataPlace } from './metadata.ts';
import { KeptFiles } from '../agent/kept-files.ts';
import { openHttpLink } from '../agent/link/http-link.ts';
import { keepToken, keptToken } from '../agent/link/kept-token.ts';
import { localEndpoint } from '../agent/counting/local-endpoint.ts';
import { reportSequence } from '../agent/link/report-sequence.ts';
import { INSTANCE_STATE_DIR, ScriptMarker } from '../agent/assignment/script-marker.ts';
import { wholeMachine } from '../agent/streams/stream-place.ts';
import { createChatApp } from '../app/chat-app.ts';
import { listen } from './local/claim-address.ts';
import { createLog } from '../log.ts';
import { UsageError } from '../usage-error.ts';

/** What the program of an instance is told on its command line; the rest is in what its cloud tells it. */
export interface InstanceMachineOptions {
  platform: InstancePlatform;
  metadataUrl: string;
  attributeDirectory: string;
  /** Address the chat listens on. */
  host: string;
  localPort: number;
  /** Where the agent notes that the startup script ran. */
  stateDir: string;
}

/** Reads the options of a program for such machines. Throws a {@link UsageError} that names what is wrong. */
export function parseInstanceOptions(platform: InstancePlatform, args: string[]): InstanceMachineOptions {
  const text = { type: 'string' } as const;
  const options = { 'metadata-url': text, attributes: text, host: text, 'local-port': text, 'state-dir': text };
  const { values } = parseArgs({ args, options });
  const metadataUrl = values['metadata-url'] ?? platform.metadataUrl;
  if (!URL.canParse(metadataUrl)) throw new UsageError('--metadata-url is no address');
  const localPort = Number(values['local-port'] ?? AGENT_LOCAL_PORT);
  if (!Number.isInteger(localPort) || localPort < 1 || localPort > 65_535) {
    throw new UsageError('--local-port is no port: give a number from 1 to 65535');
  }
  return {
    platform,
    metadataUrl,
    attributeDirectory: values.attributes ?? ATTRIBUTE_DIRECTORY,
    host: values.host ?? '0.0.0.0',
    localPort,
    stateDir: values['state-dir'] ?? INSTANCE_STATE_DIR,
  };
}

/** Is the sample chat and its agent on an instance of a cloud, until told to end. Throws when it cannot be set up. */
export async function runInstanceMachine({
  platform,
  host,
  localPort,
  stateDir,
  ...place
}: InstanceMachineOptions): Promise<void> {
  process.umask(0o077);
  const log = createLog();
  const attribute = (name: string): Promise<string | undefined> => platform.attribute(name, place);
  const apiUrl = await attribute('ephemera-api-url');
  if (apiUrl === undefined) throw new Error('nothing says where the API is: make the instance with Ephemera');
  const apiCa = await attribute('ephemera-api-ca');
  const { ports, awaitsAssignment = false } = JSON.parse((await attribute('ephemera-machine')) ?? '{"ports":[]}') as {
    ports: PortSpec[];
    awaitsAssignment?: boolean;
  };
  Object.assign(process.env, JSON.parse((await attribute('ephemera-environment')) ?? '{}') as NodeJS.ProcessEnv);

  const kept = new KeptFiles(stateDir, (await platform.machineKey(place)) ?? null);
  const marker = new ScriptMarker(kept);
  const { chat, usage, app, assignee } = createChatApp({ log, awaitsAssignment, marker });
  const agentServer = createServer(localEndpoint({ usage, isDraining: () => chat.draining, takeCount: null }));
  await listen(agentServer, '127.0.0.1', localPort);
  const tcpPorts = ports.filter(({ protocol }) => protocol === 'tcp').map(({ port }) => port);
  for (const port of tcpPorts) await listen(chat.createServer(), host, port);
  usage.setConnections(chat.count);
  usage.setReady(true);
  // Where the deployment gives its machines no identity, their metadata has a one-time secret instead.
  const secret = await platform.secret(place);
  const prove = async (): Promise<string> =>
    secret === undefined ? identityProof(platform, { ...place, apiUrl }) : ((await platform.secret(place)) ?? secret);
  const parts = { usage, app, assignee, place: wholeMachine(), nextSequence: reportSequence(), log, apiUrl, apiCa };
  // A secret is exchanged once; a token that is not sealed may be that of the machine whose disk this one began with.
  const isOneTime = secret !== undefined && kept.sealed;
  openHttpLink({
    ...parts,
    proof: { token: isOneTime ? keptToken(kept) : null, secret: prove },
    ...(isOneTime ? { onToken: (token: string) => keepToken(kept, token, log) } : {}),
  });
  log(`The chat serves on ${host}, ports ${tcpPorts.join(', ')}.`);
}

async function identityProof(platform: InstancePlatform, place: MetadataPlace & { apiUrl: string }): Promise<string> {
  if (platform.prove !== undefined) return platform.prove(place);
  throw new Error('the metadata of this machine has no one-time secret');
}

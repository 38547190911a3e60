import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { AGENT_LOCAL_PORT } from '../../../domain/machine/local-machine.ts';
import type { PortSpec } from '../../../domain/vm/spec.ts';
import { METADATA_URL, gceProof, gceSecret, instanceAttribute } from './gce-identity.ts';
import { KeptFiles } from '../../agent/kept-files.ts';
import { openHttpLink } from '../../agent/link/http-link.ts';
import { keepToken, keptToken } from '../../agent/link/kept-token.ts';
import { localEndpoint } from '../../agent/counting/local-endpoint.ts';
import { reportSequence } from '../../agent/link/report-sequence.ts';
import { INSTANCE_STATE_DIR, ScriptMarker } from '../../agent/assignment/script-marker.ts';
import { wholeMachine } from '../../agent/streams/stream-place.ts';
import { createChatApp } from '../../app/chat-app.ts';
import { listen } from '../local/claim-address.ts';
import { createLog } from '../../log.ts';
import { UsageError } from '../../usage-error.ts';

/** What the program of a Compute Engine instance is told on its command line; the rest is in the instance's metadata. */
export interface GceMachineOptions {
  metadataUrl: string;
  /** Address the chat listens on. */
  host: string;
  localPort: number;
  /** Where the agent notes that the startup script ran. */
  stateDir: string;
}

/** Reads the options of `gce`. Throws a {@link UsageError} that names what is wrong. */
export function parseGceMachineOptions(args: string[]): GceMachineOptions {
  const text = { type: 'string' } as const;
  const options = { 'metadata-url': text, host: text, 'local-port': text, 'state-dir': text };
  const { values } = parseArgs({ args, options });
  const metadataUrl = values['metadata-url'] ?? METADATA_URL;
  if (!URL.canParse(metadataUrl)) throw new UsageError('--metadata-url is no address');
  const localPort = Number(values['local-port'] ?? AGENT_LOCAL_PORT);
  if (!Number.isInteger(localPort) || localPort < 1 || localPort > 65_535) {
    throw new UsageError('--local-port is no port: give a number from 1 to 65535');
  }
  return {
    metadataUrl,
    host: values.host ?? '0.0.0.0',
    localPort,
    stateDir: values['state-dir'] ?? INSTANCE_STATE_DIR,
  };
}

/** Is the sample chat and its agent on a Compute Engine instance, until told to end. Throws when it cannot be set up. */
export async function runGceMachine({ metadataUrl, host, localPort, stateDir }: GceMachineOptions): Promise<void> {
  process.umask(0o077);
  const log = createLog();
  const attribute = (key: string): Promise<string | undefined> => instanceAttribute(key, { metadataUrl });
  const apiUrl = await attribute('ephemera-api-url');
  if (apiUrl === undefined) throw new Error('the metadata has no ephemera-api-url: make the instance with Ephemera');
  const apiCa = await attribute('ephemera-api-ca');
  const { ports, awaitsAssignment = false } = JSON.parse((await attribute('ephemera-machine')) ?? '{"ports":[]}') as {
    ports: PortSpec[];
    awaitsAssignment?: boolean;
  };
  Object.assign(process.env, JSON.parse((await attribute('ephemera-environment')) ?? '{}') as NodeJS.ProcessEnv);

  const kept = new KeptFiles(stateDir, (await attribute('ephemera-machine-key')) ?? null);
  const marker = new ScriptMarker(kept);
  const { chat, usage, app, assignee } = createChatApp({ log, awaitsAssignment, marker });
  const agentServer = createServer(localEndpoint({ usage, isDraining: () => chat.draining, takeCount: null }));
  await listen(agentServer, '127.0.0.1', localPort);
  const tcpPorts = ports.filter(({ protocol }) => protocol === 'tcp').map(({ port }) => port);
  for (const port of tcpPorts) await listen(chat.createServer(), host, port);
  usage.setConnections(chat.count);
  usage.setReady(true);
  // Where the deployment gives its machines no identity, their metadata has a one-time secret instead.
  const secret = await gceSecret({ metadataUrl });
  const prove = async (): Promise<string> =>
    secret === undefined ? gceProof({ apiUrl, metadataUrl }) : ((await gceSecret({ metadataUrl })) ?? secret);
  const place = wholeMachine();
  const parts = { usage, app, assignee, place, nextSequence: reportSequence(), log, apiUrl, apiCa };
  // A secret is exchanged once; a token that is not sealed may be that of the machine whose disk this one began with.
  const isOneTime = secret !== undefined && kept.sealed;
  openHttpLink({
    ...parts,
    proof: { token: isOneTime ? keptToken(kept) : null, secret: prove },
    ...(isOneTime ? { onToken: (token: string) => keepToken(kept, token, log) } : {}),
  });
  log(`The chat serves on ${host}, ports ${tcpPorts.join(', ')}.`);
}

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { AGENT_LOCAL_PORT } from '../domain/local-machine.ts';
import type { AppControl } from './agent/app-control.ts';
import { AppUsage } from './agent/app-usage.ts';
import { Assignee } from './agent/assignee.ts';
import { METADATA_URL, gceProof } from './agent/gce-identity.ts';
import { openHttpLink } from './agent/http-link.ts';
import { restartableProof } from './agent/kept-token.ts';
import { localEndpoint } from './agent/local-endpoint.ts';
import { watchPorts } from './agent/port-watch.ts';
import { reportSequence } from './agent/report-sequence.ts';
import { GCE_STATE_DIR, ScriptMarker } from './agent/script-marker.ts';
import { openSocketLink } from './agent/socket-link.ts';
import { openVirtioPort } from './agent/virtio-port.ts';
import { listen } from './claim-address.ts';
import { endOnSignals } from './end-on-signals.ts';
import { createLog } from './log.ts';
import { UsageError } from './usage-error.ts';

/** What the agent of another program is told on its command line. */
export interface AgentOptions {
  link:
    | { kind: 'unix'; socketPath: string }
    /** In a virtual machine: a port of it, joined to a socket of ours. */
    | { kind: 'virtio'; device: string; socketPath: string }
    | { kind: 'http'; apiUrl: string; secretFile: string; caFile?: string | undefined }
    /** On Compute Engine: proves itself with the identity of its instance. */
    | { kind: 'gce'; apiUrl: string; metadataUrl: string; caFile?: string | undefined };
  /** TCP port whose connections are counted; null when the program puts its count. */
  countPort: number | null;
  /** The program is ready once this port accepts; null when it is ready at once. */
  readyPort: number | null;
  localPort: number;
  /** Where the agent notes that the startup script ran; null where nothing outlives the agent. */
  stateDir: string | null;
  /** It is known that the machine is to be told something first. */
  awaitsAssignment?: boolean;
  /** Hears the variables of the machine's assignment before its startup script begins. */
  onEnvironment?: (variables: Record<string, string>) => void;
}

/** Reads the options of `agent`. Throws a {@link UsageError} that names what is missing or wrong. */
export function parseAgentOptions(args: string[]): AgentOptions {
  const text = { type: 'string' } as const;
  const options = {
    socket: text,
    'api-url': text,
    'ca-file': text,
    'secret-file': text,
    gce: { type: 'boolean' } as const,
    'metadata-url': text,
    'count-port': text,
    'local-port': text,
    'ready-port': text,
    'state-dir': text,
  };
  const { values } = parseArgs({ args, options });
  const link = values.gce
    ? parseGceLink(values['api-url'], values['metadata-url'], values.socket ?? values['secret-file'])
    : parseLink(values.socket, values['api-url'], values['secret-file']);
  return {
    link: withCaFile(link, values['ca-file']),
    countPort: parsePort('--count-port', values['count-port']),
    readyPort: parsePort('--ready-port', values['ready-port']),
    localPort: parsePort('--local-port', values['local-port']) ?? AGENT_LOCAL_PORT,
    stateDir: values['state-dir'] ?? stateDirOf(link),
  };
}

function withCaFile(link: AgentOptions['link'], caFile: string | undefined): AgentOptions['link'] {
  if (caFile === undefined) return link;
  if (link.kind === 'http' || link.kind === 'gce') return { ...link, caFile };
  throw new UsageError('--ca-file is for an agent with --api-url');
}

/** Beside the token, which an agent needs after a restart just as well. */
function stateDirOf(link: AgentOptions['link']): string | null {
  if (link.kind === 'gce') return GCE_STATE_DIR;
  return link.kind === 'http' ? dirname(link.secretFile) : null;
}

function parseLink(
  socketPath: string | undefined,
  apiUrl: string | undefined,
  secretFile: string | undefined,
): AgentOptions['link'] {
  if (socketPath && !apiUrl && !secretFile) return { kind: 'unix', socketPath };
  if (socketPath || !apiUrl || !secretFile) {
    throw new UsageError('agent needs either --socket <path>, or both --api-url <url> and --secret-file <file>');
  }
  return { kind: 'http', apiUrl: checkedUrl('--api-url', apiUrl), secretFile };
}

function parseGceLink(
  apiUrl: string | undefined,
  metadataUrl = METADATA_URL,
  contradiction: string | undefined,
): AgentOptions['link'] {
  if (!apiUrl || contradiction !== undefined) {
    throw new UsageError('--gce needs --api-url <url>, and neither --socket nor --secret-file');
  }
  return {
    kind: 'gce',
    apiUrl: checkedUrl('--api-url', apiUrl),
    metadataUrl: checkedUrl('--metadata-url', metadataUrl),
  };
}

function checkedUrl(option: string, url: string): string {
  const protocol = URL.canParse(url) ? new URL(url).protocol : '';
  if (protocol === 'http:' || protocol === 'https:') return url;
  throw new UsageError(`${option} is no http:// or https:// address`);
}

function parsePort(option: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw new UsageError(`${option} is no port: give a number from 1 to 65535`);
  return port;
}

/** Is the agent of another program until it is told to end. Rejects when it cannot be set up. */
export async function runAgent(options: AgentOptions): Promise<void> {
  const log = createLog();
  const usage = new AppUsage();
  if (options.awaitsAssignment === true) usage.awaitAssignment();
  let draining = false;
  const server = createServer(
    localEndpoint({
      usage,
      isDraining: () => draining,
      takeCount: options.countPort === null ? (connections) => usage.setConnections(connections) : null,
    }),
  );
  const watch = await watchPorts(usage, options, log);
  await listen(server, '127.0.0.1', options.localPort);
  const app: AppControl = endOnSignals({
    recount: () => watch.recount(),
    // The program has to ask for this: it is in the answer to GET /status.
    setDraining: (value) => (draining = value),
    close: () => Promise.resolve(),
    log,
  });
  const { link, stateDir, onEnvironment } = options;
  const marker = stateDir === null ? null : new ScriptMarker(stateDir);
  // The program is of the image: its startup script may start it.
  const assignee = new Assignee({ usage, log, marker, ...(onEnvironment === undefined ? {} : { onEnvironment }) });
  const parts = { usage, app, assignee, nextSequence: reportSequence(), log };
  if (link.kind === 'unix') await openSocketLink(link.socketPath, parts);
  else if (link.kind === 'virtio') {
    await openSocketLink(link.socketPath, parts);
    openVirtioPort(link.device, link.socketPath, log);
  } else {
    const proof =
      link.kind === 'gce'
        ? { proof: { token: null, secret: () => gceProof(link) } }
        : restartableProof(link.secretFile, log);
    const apiCa = link.caFile === undefined ? undefined : readFileSync(link.caFile, 'utf8');
    openHttpLink({ ...parts, apiUrl: link.apiUrl, apiCa, ...proof });
  }
  log(
    options.countPort === null
      ? `The agent takes the program's count on http://127.0.0.1:${options.localPort}/connections.`
      : `The agent counts the connections to port ${options.countPort}.`,
  );
}

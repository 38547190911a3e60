import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { AGENT_LOCAL_PORT } from '../../domain/machine/local-machine.ts';
import type { AppControl } from './counting/app-control.ts';
import { AppUsage } from './counting/app-usage.ts';
import { Assignee } from './assignment/assignee.ts';
import type { InstancePlatform } from '../platform/instance-platform.ts';
import { INSTANCE_PLATFORMS } from '../platform/instance-platforms.ts';
import { KeptFiles } from './kept-files.ts';
import { openHttpLink } from './link/http-link.ts';
import { restartableProof } from './link/kept-token.ts';
import { readSecret } from './link/one-time-secret.ts';
import { localEndpoint } from './counting/local-endpoint.ts';
import { watchPorts } from './counting/port-watch.ts';
import { reportSequence } from './link/report-sequence.ts';
import { INSTANCE_STATE_DIR, ScriptMarker } from './assignment/script-marker.ts';
import { openSocketLink } from './link/socket-link.ts';
import { wholeMachine, type StreamPlace } from './streams/stream-place.ts';
import { openVirtioPort } from '../platform/qemu/virtio-port.ts';
import { listen } from '../platform/local/claim-address.ts';
import { endOnSignals } from '../end-on-signals.ts';
import { createLog } from '../log.ts';
import { UsageError } from '../usage-error.ts';

type VouchingPlatform = InstancePlatform & Required<Pick<InstancePlatform, 'prove'>>;

/** What the agent of another program is told on its command line. */
export interface AgentOptions {
  link:
    | { kind: 'unix'; socketPath: string }
    /** In a virtual machine: a port of it, joined to a socket of ours. */
    | { kind: 'virtio'; device: string; socketPath: string }
    | {
        kind: 'http';
        apiUrl: string;
        secretFile: string;
        /** Where the secret of now is, once that in the file is used. */
        secretFrom?: { platform: InstancePlatform; metadataUrl: string };
        caFile?: string | undefined;
      }
    /** In a cloud that vouches for its instances. */
    | {
        kind: 'instance';
        platform: VouchingPlatform;
        apiUrl: string;
        metadataUrl: string;
        caFile?: string | undefined;
      };
  /** TCP port whose connections are counted; null when the program puts its count. */
  countPort: number | null;
  /** Further ports whose connections are counted. */
  alsoCount?: readonly number[];
  /** The program may put its count although its ports are counted; from its first one on its word holds. */
  takesOwnCount?: boolean;
  /** The program is ready once this port accepts; null when it is ready at once. */
  readyPort: number | null;
  localPort: number;
  /** Where the agent notes that the startup script ran; null where nothing outlives the agent. */
  stateDir: string | null;
  /** File with the key of this machine, which seals what is kept there; absent where its disk is not copied. */
  machineKeyFile?: string | undefined;
  /** It is known that the machine is to be told something first. */
  awaitsAssignment?: boolean;
  /** Hears the variables of the machine's assignment before its startup script begins. */
  onEnvironment?: (variables: Record<string, string>) => void;
  /** What streams reach; by default the whole machine. */
  place?: StreamPlace;
  /** Present where the agent starts the program, once the machine has its assignment, and ends it. */
  program?: { start: () => void; stop: (graceMs: number) => Promise<void> };
}

/** Reads the options of `agent`. Throws a {@link UsageError} that names what is missing or wrong. */
export function parseAgentOptions(args: string[]): AgentOptions {
  const text = { type: 'string' } as const;
  const options = {
    socket: text,
    'api-url': text,
    'ca-file': text,
    'secret-file': text,
    'secret-from': text,
    'metadata-url': text,
    'count-port': text,
    'local-port': text,
    'ready-port': text,
    'state-dir': text,
    'machine-key-file': text,
  };
  const flags = Object.fromEntries(INSTANCE_PLATFORMS.map(({ name }) => [name, { type: 'boolean' } as const]));
  const { values } = parseArgs({ args, options: { ...flags, ...options } });
  const platform = INSTANCE_PLATFORMS.find(({ name }) => (values as Record<string, unknown>)[name] === true);
  const link = platform
    ? instanceLink(platform, values['api-url'], values['metadata-url'], values.socket ?? values['secret-file'])
    : withSecretFrom(
        parseLink(values.socket, values['api-url'], values['secret-file']),
        values['secret-from'],
        values['metadata-url'],
      );
  return {
    link: withCaFile(link, values['ca-file']),
    countPort: parsePort('--count-port', values['count-port']),
    readyPort: parsePort('--ready-port', values['ready-port']),
    localPort: parsePort('--local-port', values['local-port']) ?? AGENT_LOCAL_PORT,
    stateDir: values['state-dir'] ?? stateDirOf(link),
    ...(values['machine-key-file'] === undefined ? {} : { machineKeyFile: values['machine-key-file'] }),
  };
}

function withCaFile(link: AgentOptions['link'], caFile: string | undefined): AgentOptions['link'] {
  if (caFile === undefined) return link;
  if (link.kind === 'http' || link.kind === 'instance') return { ...link, caFile };
  throw new UsageError('--ca-file is for an agent with --api-url');
}

function withSecretFrom(
  link: AgentOptions['link'],
  name: string | undefined,
  metadataUrl: string | undefined,
): AgentOptions['link'] {
  if (name === undefined) return link;
  const platform = INSTANCE_PLATFORMS.find((one) => one.name === name);
  if (link.kind !== 'http' || platform === undefined) {
    const known = INSTANCE_PLATFORMS.map((one) => one.name).join(', ');
    throw new UsageError(`--secret-from is for an agent with --secret-file, and one of: ${known}`);
  }
  const url = checkedUrl('--metadata-url', metadataUrl ?? platform.metadataUrl);
  return { ...link, secretFrom: { platform, metadataUrl: url } };
}

/** Beside the token, which an agent needs after a restart just as well. */
function stateDirOf(link: AgentOptions['link']): string | null {
  if (link.kind === 'instance') return INSTANCE_STATE_DIR;
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

function instanceLink(
  platform: InstancePlatform,
  apiUrl: string | undefined,
  metadataUrl = platform.metadataUrl,
  contradiction: string | undefined,
): AgentOptions['link'] {
  if (!apiUrl || contradiction !== undefined) {
    throw new UsageError(`--${platform.name} needs --api-url <url>, and neither --socket nor --secret-file`);
  }
  const { name, prove } = platform;
  if (prove === undefined) throw new UsageError(`instances of ${name} have no identity: give --secret-file`);
  return {
    kind: 'instance',
    platform: { ...platform, prove },
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
  let countsItself = false;
  const takeCount = (connections: number): void => {
    countsItself = true;
    usage.setConnections(connections);
  };
  const mayCount = options.countPort === null || options.takesOwnCount === true;
  const server = createServer(
    localEndpoint({ usage, isDraining: () => draining, takeCount: mayCount ? takeCount : null }),
  );
  const place = options.place ?? wholeMachine();
  const watched = { ...options, forwards: place.forwards, countsItself: () => countsItself };
  const watch = await watchPorts(usage, watched, log);
  await listen(server, '127.0.0.1', options.localPort);
  const app: AppControl = endOnSignals({
    recount: () => watch.recount(),
    // The program has to ask for this: it is in the answer to GET /status.
    setDraining: (value) => (draining = value),
    close: (graceMs) => options.program?.stop(graceMs) ?? Promise.resolve(),
    log,
  });
  const { link, stateDir, onEnvironment, program } = options;
  const machineKey = options.machineKeyFile === undefined ? null : readSecret(options.machineKeyFile);
  const marker = stateDir === null ? null : new ScriptMarker(new KeptFiles(stateDir, machineKey));
  // Its secret is on a memory disk where the machine has a key.
  const tokenPlace = (secretFile: string): KeptFiles =>
    machineKey === null || stateDir === null ? new KeptFiles(dirname(secretFile)) : new KeptFiles(stateDir, machineKey);
  // The program is of the image: its startup script may start it.
  const assignee = new Assignee({
    ...{ usage, log, marker, keepsVariables: link.kind !== 'virtio' },
    ...(onEnvironment === undefined ? {} : { onEnvironment }),
    ...(program === undefined ? {} : { openApp: program.start }),
  });
  if (options.awaitsAssignment !== true) program?.start();
  const parts = { usage, app, assignee, place, nextSequence: reportSequence(), log };
  if (link.kind === 'unix') await openSocketLink(link.socketPath, parts);
  else if (link.kind === 'virtio') {
    await openSocketLink(link.socketPath, parts);
    openVirtioPort(link.device, link.socketPath, log);
  } else {
    const proof =
      link.kind === 'instance'
        ? { proof: { token: null, secret: () => link.platform.prove(link) } }
        : restartableProof(link.secretFile, tokenPlace(link.secretFile), log, secretNow(link.secretFrom));
    const apiCa = link.caFile === undefined ? undefined : readFileSync(link.caFile, 'utf8');
    openHttpLink({ ...parts, apiUrl: link.apiUrl, apiCa, ...proof });
  }
  log(
    options.countPort === null
      ? `The agent takes the program's count on http://127.0.0.1:${options.localPort}/connections.`
      : `The agent counts the connections to port ${options.countPort}.`,
  );
}

function secretNow(
  from: { platform: InstancePlatform; metadataUrl: string } | undefined,
): (() => Promise<string | undefined>) | undefined {
  return from && (() => from.platform.secret(from));
}

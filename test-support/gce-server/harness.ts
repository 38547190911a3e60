/** The provider through the official client against a strict server of its own, for one test. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { CreateMachineRequest, Machine, MachineProvider } from '../../domain/machine/provider.ts';
import { chatTemplateSpec } from '../vm/chat-spec.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';
import { createGcpProvider, type GcpProviderOptions } from '../../providers/gcp/gcp-provider.ts';
import type { ProviderHarness } from '../machines/provider-contract.ts';
import { answeringGuests } from './guests.ts';
import { DEFAULT_WORLD, startGceServer, type GceServer } from './server.ts';
import type { CloudModelOptions } from './model.ts';

const MAKER = fileURLToPath(new URL('create-elsewhere.ts', import.meta.url));
const never = { signal: new AbortController().signal };

/** The spec of the built-in chat on this provider. */
export function chatOnGcp(overrides: Partial<VmSpec> = {}): VmSpec {
  return { ...chatTemplateSpec('gcp'), ...overrides };
}

export function gcpRequest(overrides: Partial<CreateMachineRequest> = {}): CreateMachineRequest {
  return {
    machineId: `m-${randomUUID().replaceAll('-', '').slice(0, 20)}`,
    spec: chatOnGcp(),
    owner: 'vm/default/lobby',
    agentBootstrap: { apiUrl: 'http://10.0.0.2:7400', secret: 'one-time' },
    ...overrides,
  };
}

export interface GcpHarness extends ProviderHarness {
  server: GceServer;
  options: GcpProviderOptions;
  /** An instance with other options on the same server. */
  withOptions: (overrides: Partial<GcpProviderOptions>) => MachineProvider;
}

/** Times that suit a server whose operations take milliseconds. */
const QUICK = {
  settleMs: 300,
  pollMs: 20,
  rate: { callsPerSecond: 2000, burst: 500 },
  backOff: { firstMs: 5, mostMs: 40, budgetMs: 3000 },
} as const satisfies Partial<GcpProviderOptions>;

export async function gcpHarness(model: Partial<CloudModelOptions> = {}): Promise<GcpHarness> {
  const guests = answeringGuests();
  const server = await startGceServer({ guests, ...model });
  const options: GcpProviderOptions = {
    deployment: 'test',
    project: DEFAULT_WORLD.project,
    endpoint: server.endpoint,
    ...QUICK,
  };
  const children: ChildProcess[] = [];
  return {
    server,
    options,
    withOptions: (overrides) => createGcpProvider({ ...options, ...overrides }),
    provider: createGcpProvider(options),
    restarted: () => createGcpProvider(options),
    ofAnotherDeployment: () => createGcpProvider({ ...options, deployment: 'other' }),
    request: gcpRequest,
    createElsewhere: (request) => {
      const child = spawn(process.execPath, ['--import', 'tsx', MAKER], { stdio: ['pipe', 'pipe', 'inherit'] });
      children.push(child);
      child.stdin.end(JSON.stringify({ options, request }));
      return child;
    },
    refused,
    countRunning: (machineId) => Promise.resolve(runningOf(server, machineId)),
    askMachine: askPort,
    crash: (machineId) => {
      for (const [zone, name] of placesOf(server, machineId)) server.model.crash(zone, name);
      return Promise.resolve();
    },
    dispose: async () => {
      for (const child of children) child.kill('SIGKILL');
      await server.close();
      guests.close();
    },
  };
}

/** Zone and name of every instance of a machine. */
export function placesOf(server: GceServer, machineId: string): [string, string][] {
  return [...server.model.instances.keys()]
    .map((key) => key.split('/') as [string, string])
    .filter(([, name]) => name.includes(machineId));
}

function runningOf(server: GceServer, machineId: string): number {
  const places = placesOf(server, machineId);
  return places.filter(([zone, name]) => server.model.instance(zone, name).status === 'RUNNING').length;
}

function refused(): ReturnType<ProviderHarness['refused']> {
  const asking = (spec: Partial<VmSpec>): CreateMachineRequest => gcpRequest({ spec: chatOnGcp(spec) });
  return [
    { what: 'an image nobody has', request: asking({ image: 'family/win95' }), code: 'imageUnknown' },
    { what: 'an image that is no name', request: asking({ image: 'Win 95' }), code: 'badSpec' },
    { what: 'a network nobody has', request: asking({ network: 'moon' }), code: 'badSpec' },
    { what: 'a zone nobody has', request: asking({ zones: ['mars-north1-a'] }), code: 'badSpec' },
    { what: 'a machine type nobody has', request: asking({ machineType: 'huge' }), code: 'badSpec' },
    { what: 'another provider', request: asking({ provider: 'local' }), code: 'badSpec' },
    { what: 'a disk smaller than its image', request: asking({ diskGb: 1 }), code: 'badSpec' },
    { what: 'an agent without an API', request: gcpRequest({ agentBootstrap: null }), code: 'badSpec' },
  ];
}

async function askPort({ address }: Machine): Promise<string> {
  const url = `http://${address!.ip}:${address!.ports[0]!.port}/`;
  const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
  return `${url} ${await response.text()}`;
}

/** Loads the client's package before a test measures anything. */
export async function warmClient(): Promise<void> {
  const harness = await gcpHarness();
  await harness.provider.list(never);
  await harness.dispose();
}

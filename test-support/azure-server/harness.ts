/** The provider through the official clients against a strict server of its own, for one test. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { CreateMachineRequest, Machine, MachineProvider } from '../../domain/machine/provider.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';
import { createAzureProvider, type AzureProviderOptions } from '../../providers/azure/azure-provider.ts';
import { AZURE_RULES } from '../../providers/azure/rules.ts';
import { serverNameOf } from '../../providers/cloud/resource-names.ts';
import { answeringGuests, type CloudGuests, type PlayedServer } from '../clouds/guests.ts';
import type { ImageHarness } from '../machines/image-contract.ts';
import type { ProviderHarness } from '../machines/provider-contract.ts';
import { chatTemplateSpec } from '../vm/chat-spec.ts';
import { startAzureServer, type AzureServer, type AzureServerOptions } from './server.ts';

const MAKER = fileURLToPath(new URL('create-elsewhere.ts', import.meta.url));
const never = { signal: new AbortController().signal };
const WORD_FILE = 'word';

/** The spec of the built-in chat on this provider. */
export function chatOnAzure(overrides: Partial<VmSpec> = {}): VmSpec {
  return { ...chatTemplateSpec('azure'), ...overrides };
}

export function azureRequest(overrides: Partial<CreateMachineRequest> = {}): CreateMachineRequest {
  return {
    machineId: `m-${randomUUID().replaceAll('-', '').slice(0, 20)}`,
    spec: chatOnAzure(),
    owner: 'vm/default/lobby',
    agentBootstrap: { apiUrl: 'http://10.0.0.2:7400', secret: 'one-time' },
    ...overrides,
  };
}

export interface AzureHarness extends ProviderHarness {
  server: AzureServer;
  options: AzureProviderOptions;
  /** Servers that run now, by the names of their machines. */
  running: Map<string, PlayedServer>;
  /** An instance with other options on the same server. */
  withOptions: (overrides: Partial<AzureProviderOptions>) => MachineProvider;
}

/** Times that suit a server whose operations take milliseconds. */
const QUICK = {
  settleMs: 300,
  pollMs: 20,
  rate: { callsPerSecond: 2000, burst: 500 },
  backOff: { firstMs: 5, mostMs: 40, budgetMs: 5000 },
} as const satisfies Partial<AzureProviderOptions>;

/** `guests`: what answers on the addresses of machines; programs that say their names unless given. */
export async function azureHarness(settings: AzureServerOptions = {}): Promise<AzureHarness> {
  const guests = settings.guests ?? answeringGuests();
  const running = new Map<string, PlayedServer>();
  const server = await startAzureServer({ ...settings, guests: watched(guests, running) });
  const options: AzureProviderOptions = {
    deployment: 'test',
    subscription: server.subscription,
    resourceGroup: server.resourceGroup,
    endpoint: server.endpoint,
    places: ['westeurope'],
    rules: {
      ...AZURE_RULES,
      subnets: ['westeurope=vnet-westeurope/default', 'northeurope=vnet-northeurope/default'],
    },
    ...QUICK,
  };
  const children: ChildProcess[] = [];
  return {
    server,
    options,
    running,
    withOptions: (overrides) => createAzureProvider({ ...options, ...overrides }),
    provider: createAzureProvider(options),
    restarted: () => createAzureProvider(options),
    ofAnotherDeployment: () => createAzureProvider({ ...options, deployment: 'other' }),
    request: azureRequest,
    createElsewhere: (request) => {
      const child = spawn(process.execPath, ['--import', 'tsx', MAKER], { stdio: ['pipe', 'pipe', 'inherit'] });
      children.push(child);
      child.stdin.end(JSON.stringify({ options, request }));
      return child;
    },
    refused,
    countRunning: (machineId) => Promise.resolve(running.has(nameOf(machineId)) ? 1 : 0),
    askMachine: askPort,
    crash: (machineId) => {
      server.model.crash(nameOf(machineId));
      return Promise.resolve();
    },
    dispose: async () => {
      for (const child of children) child.kill('SIGKILL');
      await server.close();
      guests.close();
    },
  };
}

/** What the suite of images needs: a word on the disk of a machine. */
export async function azureImageHarness(): Promise<ImageHarness & AzureHarness> {
  const harness = await azureHarness();
  const disk = (machineId: string): Map<string, Buffer> => harness.running.get(nameOf(machineId))!.disk;
  return {
    ...harness,
    write: (machineId, text) => {
      disk(machineId).set(WORD_FILE, Buffer.from(text));
      return Promise.resolve();
    },
    read: (machineId) => Promise.resolve(disk(machineId).get(WORD_FILE)?.toString()),
    host: null,
  };
}

/** What a machine of the deployment of the harness is called. */
export function nameOf(machineId: string): string {
  return serverNameOf('test', machineId);
}

/** What there is of machines, and of nothing else: names of virtual machines, their interfaces, addresses and disks. */
export function partsLeft({ model }: AzureServer): string[] {
  return ['virtualMachines', 'networkInterfaces', 'publicIPAddresses', 'disks'].flatMap((type) => model.names(type));
}

/** Loads the clients' packages before a test measures anything. */
export async function warmClient(): Promise<void> {
  const harness = await azureHarness();
  await harness.provider.list(never);
  await harness.dispose();
}

function watched(guests: CloudGuests, running: Map<string, PlayedServer>): CloudGuests {
  return {
    started: (one) => {
      running.set(one.name, one);
      guests.started(one);
    },
    stopped: (id) => {
      for (const [name, one] of running) if (one.id === id) running.delete(name);
      guests.stopped(id);
    },
    close: () => guests.close(),
  };
}

function refused(): ReturnType<ProviderHarness['refused']> {
  const asking = (spec: Partial<VmSpec>): CreateMachineRequest => azureRequest({ spec: chatOnAzure(spec) });
  return [
    { what: 'an image nobody has', request: asking({ image: 'Microsoft:dos:6-22:latest' }), code: 'imageUnknown' },
    { what: 'a managed image nobody has', request: asking({ image: 'win95' }), code: 'imageUnknown' },
    { what: 'a gallery nobody has', request: asking({ image: 'louvre/mona/1.0.0' }), code: 'imageUnknown' },
    { what: 'an image that is no name', request: asking({ image: 'Win 95' }), code: 'badSpec' },
    { what: 'a network nobody may have', request: asking({ network: 'moon/base' }), code: 'badSpec' },
    { what: 'a place nobody has', request: asking({ zones: ['mars-north'] }), code: 'badSpec' },
    { what: 'a place without a subnet', request: asking({ zones: ['westus3'] }), code: 'badSpec' },
    { what: 'a machine type nobody has', request: asking({ machineType: 'Standard_B99s_v2' }), code: 'badSpec' },
    { what: 'another provider', request: asking({ provider: 'local' }), code: 'badSpec' },
    { what: 'a disk smaller than its image', request: asking({ diskGb: 1 }), code: 'badSpec' },
    { what: 'an agent without an API', request: azureRequest({ agentBootstrap: null }), code: 'badSpec' },
  ];
}

async function askPort({ address }: Machine): Promise<string> {
  const url = `http://${address!.ip}:${address!.ports[0]!.port}/`;
  const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
  return `${url} ${await response.text()}`;
}

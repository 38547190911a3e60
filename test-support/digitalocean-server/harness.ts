/** The provider through the official client against a strict server of its own, for one test. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { CreateMachineRequest, Machine, MachineProvider } from '../../domain/machine/provider.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';
import { CallBudget } from '../../providers/call-budget.ts';
import { createDigitalOceanProvider, type DigitalOceanProviderOptions } from '../../providers/digitalocean/create.ts';
import type { ProviderHarness } from '../machines/provider-contract.ts';
import { answeringGuests } from '../clouds/guests.ts';
import { chatTemplateSpec } from '../vm/chat-spec.ts';
import type { DigitalOceanOptions } from './model.ts';
import type { Droplet } from './resources.ts';
import { startDigitalOceanServer, type DigitalOceanServer } from './server.ts';

const MAKER = fileURLToPath(new URL('create-elsewhere.ts', import.meta.url));
const never = { signal: new AbortController().signal };

/** The spec of the built-in chat on this provider. */
export function chatOnDigitalOcean(overrides: Partial<VmSpec> = {}): VmSpec {
  return { ...chatTemplateSpec('digitalocean'), ...overrides };
}

export function digitalOceanRequest(overrides: Partial<CreateMachineRequest> = {}): CreateMachineRequest {
  return {
    machineId: `m-${randomUUID().replaceAll('-', '').slice(0, 20)}`,
    spec: chatOnDigitalOcean(),
    owner: 'vm/default/lobby',
    agentBootstrap: { apiUrl: 'http://10.0.0.2:7400', secret: 'one-time' },
    ...overrides,
  };
}

/** As text for another process, which makes the rest of it. */
export interface PlainOptions extends Omit<DigitalOceanProviderOptions, 'token' | 'budget'> {
  token: string;
}

export interface DigitalOceanHarness extends ProviderHarness {
  server: DigitalOceanServer;
  /** An instance with other options on the same server. */
  withOptions: (overrides: Partial<DigitalOceanProviderOptions>) => MachineProvider;
  dropletsOf: (machineId: string) => Droplet[];
}

/** The provider of these options, with a budget that holds nothing up. */
export function providerOf({ token, ...options }: PlainOptions, more: Partial<DigitalOceanProviderOptions> = {}) {
  const budget = new CallBudget({ rate: { callsPerSecond: 2000, burst: 500, reservedForDestroys: 0.25 } });
  return createDigitalOceanProvider({ ...options, budget, token: () => Promise.resolve(token), ...more });
}

/** Times that suit a server whose actions take milliseconds. */
const QUICK = {
  settleMs: 300,
  pollMs: 20,
  shutdownMs: 300,
  backOff: { firstMs: 5, mostMs: 40, budgetMs: 3000 },
} as const satisfies Partial<DigitalOceanProviderOptions>;

/** What tests of other things never use up. */
export const WIDE_LIMITS = { limit: 1_000_000, windowMs: 3600_000, burst: 1_000_000, burstWindowMs: 60_000 };

export async function digitalOceanHarness(model: Partial<DigitalOceanOptions> = {}): Promise<DigitalOceanHarness> {
  const guests = answeringGuests();
  const server = await startDigitalOceanServer({ guests, rateLimits: WIDE_LIMITS, ...model });
  const options: PlainOptions = { deployment: 'test', endpoint: server.endpoint, token: server.token, ...QUICK };
  const children: ChildProcess[] = [];
  const dropletsOf = (machineId: string): Droplet[] =>
    [...server.model.droplets.values()].filter(({ name }) => name.includes(machineId));
  return {
    server,
    dropletsOf,
    withOptions: (overrides) => providerOf(options, overrides),
    provider: providerOf(options),
    restarted: () => providerOf(options),
    ofAnotherDeployment: () => providerOf({ ...options, deployment: 'other' }),
    request: digitalOceanRequest,
    keepsConsole: false,
    createElsewhere: (request) => {
      const child = spawn(process.execPath, ['--import', 'tsx', MAKER], { stdio: ['pipe', 'pipe', 'inherit'] });
      children.push(child);
      child.stdin.end(JSON.stringify({ options, request }));
      return child;
    },
    refused,
    countRunning: (machineId) =>
      Promise.resolve(dropletsOf(machineId).filter(({ status }) => status === 'active').length),
    askMachine: askPort,
    crash: (machineId) => {
      for (const { id } of dropletsOf(machineId)) server.model.crash(id);
      return Promise.resolve();
    },
    dispose: async () => {
      for (const child of children) child.kill('SIGKILL');
      await server.close();
      guests.close();
    },
  };
}

function refused(): ReturnType<ProviderHarness['refused']> {
  const asking = (spec: Partial<VmSpec>): CreateMachineRequest =>
    digitalOceanRequest({ spec: chatOnDigitalOcean(spec) });
  return [
    { what: 'an image nobody has', request: asking({ image: 'win95' }), code: 'imageUnknown' },
    { what: 'a family without an image', request: asking({ image: 'family/win95' }), code: 'imageUnknown' },
    { what: 'an image that is no name', request: asking({ image: 'Win 95' }), code: 'badSpec' },
    { what: 'a network nobody has', request: asking({ network: 'moon' }), code: 'badSpec' },
    { what: 'a region that is no region', request: asking({ zones: ['mars-north1-a'] }), code: 'badSpec' },
    { what: 'a region nobody has', request: asking({ zones: ['mar1'] }), code: 'badSpec' },
    { what: 'a size nobody has', request: asking({ machineType: 's-9vcpu-9gb' }), code: 'badSpec' },
    { what: 'another provider', request: asking({ provider: 'local' }), code: 'badSpec' },
    { what: 'an agent without an API', request: digitalOceanRequest({ agentBootstrap: null }), code: 'badSpec' },
  ];
}

async function askPort({ address }: Machine): Promise<string> {
  const url = `http://${address!.ip}:${address!.ports[0]!.port}/`;
  const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
  return `${url} ${await response.text()}`;
}

/** Loads the client's package before a test measures anything. */
export async function warmClient(): Promise<void> {
  const harness = await digitalOceanHarness();
  await harness.provider.list(never);
  await harness.dispose();
}

/** The provider through the official client against moto behind our proxy, for one test. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll } from 'vitest';
import type { CreateMachineRequest, Machine, MachineProvider } from '../../domain/machine/provider.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';
import { createEc2Provider, type Ec2ProviderOptions } from '../../providers/ec2/ec2-provider.ts';
import { EC2_RULES } from '../../providers/ec2/rules.ts';
import { answeringGuests, type CloudGuests } from '../clouds/guests.ts';
import type { ImageHarness } from '../machines/image-contract.ts';
import type { ProviderHarness } from '../machines/provider-contract.ts';
import { chatTemplateSpec } from '../vm/chat-spec.ts';
import { startMoto, type Moto } from './moto.ts';
import type { PlayedInstance } from './played-instance.ts';
import { startEc2Server, type Ec2Server } from './server.ts';

const MAKER = fileURLToPath(new URL('create-elsewhere.ts', import.meta.url));
const START_TIMEOUT_MS = 300_000;
const WORD_FILE = 'word';

let moto: Moto | undefined;

/** Starts one moto for all tests of a file; the first time it is installed. */
export function useMoto(): void {
  beforeAll(async () => {
    moto = await startMoto();
  }, START_TIMEOUT_MS);
  afterAll(() => moto?.close());
}

/** That moto. */
export function usedMoto(): Moto {
  if (moto === undefined) throw new Error('the test file must call useMoto()');
  return moto;
}

/** The spec of the built-in chat on this provider. */
export function chatOnEc2(overrides: Partial<VmSpec> = {}): VmSpec {
  return { ...chatTemplateSpec('ec2'), ...overrides };
}

export function ec2Request(overrides: Partial<CreateMachineRequest> = {}): CreateMachineRequest {
  return {
    machineId: `m-${randomUUID().replaceAll('-', '').slice(0, 20)}`,
    spec: chatOnEc2(),
    owner: 'vm/default/lobby',
    agentBootstrap: { apiUrl: 'http://10.0.0.2:7400', secret: 'one-time' },
    ...overrides,
  };
}

export interface Ec2Harness extends ProviderHarness {
  server: Ec2Server;
  options: Ec2ProviderOptions;
  /** An instance with other options on the same server. */
  withOptions: (overrides: Partial<Ec2ProviderOptions>) => MachineProvider;
}

export interface Ec2HarnessOptions {
  guests?: CloudGuests;
  stepMs?: number;
}

/** Times that suit a server whose states last milliseconds. */
const QUICK = {
  settleMs: 600,
  pollMs: 20,
  rate: { callsPerSecond: 2000, burst: 500 },
  backOff: { firstMs: 5, mostMs: 40, budgetMs: 3000 },
} as const satisfies Partial<Ec2ProviderOptions>;

export async function ec2Harness({ guests = answeringGuests(), stepMs }: Ec2HarnessOptions = {}): Promise<Ec2Harness> {
  const server = await startEc2Server({ moto: usedMoto(), guests, ...(stepMs === undefined ? {} : { stepMs }) });
  const { region, subnets, securityGroup, image } = server.world;
  const options: Ec2ProviderOptions = {
    deployment: 'test',
    region,
    endpoint: server.endpoint,
    image,
    rules: {
      ...EC2_RULES,
      subnets: Object.fromEntries(subnets),
      securityGroups: [securityGroup],
      egressSecurityGroups: [securityGroup],
      externalIp: 'allowed',
    },
    ...QUICK,
  };
  const children: ChildProcess[] = [];
  return {
    server,
    options,
    withOptions: (overrides) => createEc2Provider({ ...options, ...overrides }),
    provider: createEc2Provider(options),
    restarted: () => createEc2Provider(options),
    ofAnotherDeployment: () => createEc2Provider({ ...options, deployment: 'other' }),
    request: ec2Request,
    createElsewhere: (request) => {
      const child = spawn(process.execPath, ['--import', 'tsx', MAKER], { stdio: ['pipe', 'pipe', 'inherit'] });
      children.push(child);
      child.stdin.end(JSON.stringify({ options, request }));
      return child;
    },
    refused,
    countRunning: (machineId) => Promise.resolve(runningOf(server, machineId).length),
    askMachine: askPort,
    crash: async (machineId) => {
      for (const { parts } of server.ec2.ofMachine(machineId)) await server.ec2.crash(parts.id);
    },
    dispose: async () => {
      for (const child of children) child.kill('SIGKILL');
      await server.close();
      guests.close();
    },
  };
}

/** What the suite of images needs: a word on the disk of a machine. */
export async function ec2ImageHarness(): Promise<ImageHarness> {
  const harness = await ec2Harness();
  const disk = (machineId: string) => runningOf(harness.server, machineId)[0]!.parts.disk;
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

export function runningOf({ ec2 }: Ec2Server, machineId: string): PlayedInstance[] {
  return ec2.ofMachine(machineId).filter(({ state }) => state === 'running');
}

function refused(): ReturnType<ProviderHarness['refused']> {
  const asking = (spec: Partial<VmSpec>): CreateMachineRequest => ec2Request({ spec: chatOnEc2(spec) });
  return [
    { what: 'an image nobody has', request: asking({ image: 'ami-0123456789abcdef0' }), code: 'imageUnknown' },
    { what: 'a family nobody has', request: asking({ image: 'family/win95' }), code: 'imageUnknown' },
    { what: 'an image that is no name', request: asking({ image: 'Win 95' }), code: 'badSpec' },
    { what: 'a network', request: asking({ network: 'moon' }), code: 'badSpec' },
    { what: 'a zone nobody has', request: asking({ zones: ['mars-north-1a'] }), code: 'badSpec' },
    { what: 'a machine type nobody has', request: asking({ machineType: 't3.huge' }), code: 'badSpec' },
    { what: 'another provider', request: asking({ provider: 'local' }), code: 'badSpec' },
    { what: 'a disk smaller than its image', request: asking({ diskGb: 1 }), code: 'badSpec' },
    { what: 'an agent without an API', request: ec2Request({ agentBootstrap: null }), code: 'badSpec' },
  ];
}

async function askPort({ address }: Machine): Promise<string> {
  const url = `http://${address!.ip}:${address!.ports[0]!.port}/`;
  const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
  return `${url} ${await response.text()}`;
}

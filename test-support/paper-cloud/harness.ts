/** The provider of all clouds over the paper cloud, for one test. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { CreateMachineRequest, Machine, MachineProvider } from '../../domain/machine/provider.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';
import { CallBudget } from '../../providers/call-budget.ts';
import { ApiCalls } from '../../providers/cloud/api-calls.ts';
import { createCloudProvider } from '../../providers/cloud/cloud-provider.ts';
import type { Cloud } from '../../providers/cloud/cloud.ts';
import { serverNameOf } from '../../providers/cloud/resource-names.ts';
import type { ImageHarness } from '../machines/image-contract.ts';
import { chatTemplateSpec } from '../vm/chat-spec.ts';
import { failureOf, paperCloud } from './paper-cloud.ts';
import type { PaperOptions, PaperServer } from './paper-model.ts';
import { startPaperServer, type PaperCloudServer } from './paper-server.ts';

const MAKER = fileURLToPath(new URL('create-elsewhere.ts', import.meta.url));

/** What a cloud promises of itself. */
export interface PaperPromises {
  /** Two makes of one request never give two servers; then it needs no notes of what has ended. */
  makesOnce?: boolean;
}

export interface PaperProviderOptions extends PaperPromises {
  endpoint: string;
  deployment: string;
  places?: readonly string[];
  settleMs?: number;
  pollMs?: number;
  callsPerSecond?: number;
  burst?: number;
}

export function paperProvider(options: PaperProviderOptions): MachineProvider {
  const { endpoint, deployment, places = ['north-1', 'south-1'], settleMs = 300, pollMs = 15 } = options;
  const { callsPerSecond = 5000, burst = 1000, makesOnce = false } = options;
  const budget = new CallBudget({ rate: { callsPerSecond, burst, reservedForDestroys: 0.25 } });
  const backOff = { firstMs: 5, mostMs: 40, budgetMs: 3000 };
  const client = { optionsOf: (timeoutMs: number) => AbortSignal.timeout(timeoutMs), failureOf };
  const paper = paperCloud({ endpoint, deployment, places }, new ApiCalls(budget, backOff, client));
  return createCloudProvider({ cloud: makesOnce ? withoutNotes(paper) : paper, deployment, settleMs, pollMs, backOff });
}

function withoutNotes(paper: Cloud): Cloud {
  const cloud: Partial<Cloud> = { ...paper, makesOnce: true };
  delete (cloud as { ended?: unknown }).ended;
  return cloud as Cloud;
}

export function paperRequest(overrides: Partial<CreateMachineRequest> = {}): CreateMachineRequest {
  return {
    machineId: `m-${randomUUID().replaceAll('-', '').slice(0, 20)}`,
    spec: onPaper(),
    owner: 'vm/default/lobby',
    agentBootstrap: { apiUrl: 'http://10.0.0.2:7400', secret: 'one-time' },
    ...overrides,
  };
}

export function onPaper(overrides: Partial<VmSpec> = {}): VmSpec {
  return { ...chatTemplateSpec('paper'), ...overrides };
}

export interface PaperHarness extends ImageHarness {
  server: PaperCloudServer;
  options: PaperProviderOptions;
  /** Another process, with other options. */
  withOptions: (overrides: Partial<PaperProviderOptions>) => MachineProvider;
  /** What there is of a machine in the cloud, gone ones left out. */
  serversOf: (machineId: string) => PaperServer[];
}

export async function paperHarness(model: PaperOptions = {}, promises: PaperPromises = {}): Promise<PaperHarness> {
  const server = await startPaperServer({ uniqueNames: promises.makesOnce ?? false, ...model });
  const options: PaperProviderOptions = { endpoint: server.endpoint, deployment: 'test', ...promises };
  const children: ChildProcess[] = [];
  const all = (machineId: string): PaperServer[] => server.model.named(serverNameOf('test', machineId));
  const serversOf = (machineId: string): PaperServer[] => all(machineId).filter(({ status }) => status !== 'gone');
  const diskOf = (machineId: string): Map<string, Buffer> => server.model.filesOf(serversOf(machineId)[0]!);
  return {
    ...{ server, options, serversOf, host: null, request: paperRequest },
    withOptions: (overrides) => paperProvider({ ...options, ...overrides }),
    provider: paperProvider(options),
    restarted: () => paperProvider(options),
    ofAnotherDeployment: () => paperProvider({ ...options, deployment: 'other' }),
    createElsewhere: (request) => {
      const child = spawn(process.execPath, ['--import', 'tsx', MAKER], { stdio: ['pipe', 'pipe', 'inherit'] });
      children.push(child);
      child.stdin.end(JSON.stringify({ options, request }));
      return child;
    },
    refused: () => [
      { what: 'a zone nobody has', request: paperRequest({ spec: onPaper({ zones: ['mars'] }) }), code: 'badSpec' },
      { what: 'an id that is none', request: paperRequest({ machineId: 'lobby' }), code: 'badSpec' },
    ],
    countRunning: (machineId) => Promise.resolve(all(machineId).filter(({ status }) => status === 'running').length),
    askMachine: askPort,
    crash: (machineId) => {
      for (const one of serversOf(machineId)) server.model.crash(one);
      return Promise.resolve();
    },
    write: (machineId, text) => {
      diskOf(machineId).set('word', Buffer.from(text));
      return Promise.resolve();
    },
    read: (machineId) => Promise.resolve(diskOf(machineId).get('word')?.toString()),
    dispose: async () => {
      for (const child of children) child.kill('SIGKILL');
      await server.close();
    },
  };
}

async function askPort({ address }: Machine): Promise<string> {
  const url = `http://${address!.ip}:${address!.ports[0]!.port}/`;
  const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
  return `${url} ${await response.text()}`;
}

/** Real local machines in a directory of their own, for one test. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CreateMachineRequest, Machine } from '../../domain/machine/provider.ts';
import { chatTemplateSpec } from '../vm/chat-spec.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';
import { createLocalProvider, type LocalProviderOptions } from '../../providers/local/local-provider.ts';
import type { ProviderHarness } from './provider-contract.ts';

const never = { signal: new AbortController().signal };
const MAKER = fileURLToPath(new URL('create-elsewhere.ts', import.meta.url));

/** The spec of the built-in chat on the local provider. */
export function chatSpec(overrides: Partial<VmSpec> = {}): VmSpec {
  return { ...chatTemplateSpec('local'), ...overrides };
}

export function machineRequest(overrides: Partial<CreateMachineRequest> = {}): CreateMachineRequest {
  const id = randomUUID().replaceAll('-', '').slice(0, 20);
  return {
    machineId: `m-${id}`,
    spec: chatSpec(),
    owner: 'vm/default/lobby',
    agentBootstrap: null,
    ...overrides,
  };
}

export interface LocalHarness extends ProviderHarness {
  options: LocalProviderOptions;
  dirOf: (machineId: string) => string;
}

export async function localHarness(
  vmServerFile: string,
  overrides: Partial<LocalProviderOptions> = {},
): Promise<LocalHarness> {
  const stateDir = overrides.stateDir ?? (await mkdtemp(join(tmpdir(), 'eph-')));
  const options: LocalProviderOptions = {
    stateDir,
    deployment: 'test',
    hostId: 'here',
    vmServerFile,
    agentTransport: 'unix',
    ...overrides,
  };
  const deployments = ['test', 'other'];
  const children: ChildProcess[] = [];
  const dirOf = (machineId: string): string => join(stateDir, 'machines', machineId);
  return {
    options,
    dirOf,
    provider: createLocalProvider(options),
    restarted: () => createLocalProvider(options),
    ofAnotherDeployment: () => createLocalProvider({ ...options, deployment: 'other' }),
    request: machineRequest,
    createElsewhere: (request) => {
      const child = spawn(process.execPath, ['--import', 'tsx', MAKER], { stdio: ['pipe', 'pipe', 'inherit'] });
      children.push(child);
      child.stdin.end(JSON.stringify({ options, request }));
      return child;
    },
    refused: () => [
      { what: 'image', request: machineRequest({ spec: chatSpec({ image: 'win95' }) }), code: 'imageUnknown' },
      {
        what: 'one port twice',
        request: machineRequest({ spec: chatSpec({ ports: [udpPort, udpPort] }) }),
        code: 'badSpec',
      },
      { what: 'networks', request: machineRequest({ spec: chatSpec({ network: 'lan' }) }), code: 'badSpec' },
      { what: 'egress', request: machineRequest({ spec: chatSpec({ egress: true }) }), code: 'badSpec' },
      { what: 'provider', request: machineRequest({ spec: chatSpec({ provider: 'gcp' }) }), code: 'badSpec' },
    ],
    countRunning: async (machineId) => (await processesOf(dirOf(machineId))).length,
    askMachine: askPort,
    crash: async (machineId) => {
      for (const pid of await processesOf(dirOf(machineId))) process.kill(pid, 'SIGKILL');
    },
    dispose: async () => {
      for (const child of children) child.kill('SIGKILL');
      for (const deployment of deployments) {
        const provider = createLocalProvider({ ...options, deployment });
        for (const { machineId } of await provider.list(never)) await provider.destroy(machineId, never);
      }
      await rm(stateDir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

const udpPort = { name: 'game', port: 7000, protocol: 'udp' } as const;

/** Pids of live processes whose command line ends with the machine's directory. */
export async function processesOf(dir: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return commandLine.includes(`--dir\0${dir}\0`);
    }),
  );
  return pids.filter((_, index) => found[index]);
}

/** The address and what the page on it says: the ip tells machines apart, the answer that it is there. */
async function askPort({ address }: Machine): Promise<string> {
  const url = `http://${address!.ip}:${address!.ports[0]!.port}/`;
  const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
  return `${url} ${response.status}`;
}

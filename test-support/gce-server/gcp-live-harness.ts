/** Real Compute Engine machines for one test: the smallest ones, with an external address, for 30 minutes at most. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { CreateMachineRequest, Machine, MachineProvider } from '../../domain/machine/provider.ts';
import { GCP_RULES } from '../../providers/gcp/rules.ts';
import { computeClients } from '../../providers/gcp/calls/compute-clients.ts';
import { createGcpProvider, type GcpProviderOptions } from '../../providers/gcp/gcp-provider.ts';
import { serverNameOf } from '../../providers/cloud/resource-names.ts';
import { chatOnGcp, gcpRequest } from './harness.ts';
import type { ProviderHarness } from '../machines/provider-contract.ts';

const MAKER = fileURLToPath(new URL('./create-elsewhere.ts', import.meta.url));
const SSH_PORT = 22;
const BANNER_TIMEOUT_MS = 120_000;
const CALL = { timeout: 60_000, retry: null } as const;
const never = { signal: new AbortController().signal };

/** The image brings an SSH server, which is what answers on a machine that nothing was installed on. */
function liveRequest(overrides: Partial<CreateMachineRequest> = {}): CreateMachineRequest {
  const ports = [{ name: 'ssh', port: SSH_PORT, protocol: 'tcp' as const }];
  const readiness = { kind: 'machine' as const, port: null, path: null, timeoutSeconds: 300 };
  const spec = chatOnGcp({ externalIp: true, ports, readiness, maxLifetimeSeconds: 900 });
  return gcpRequest({ spec, agentBootstrap: null, ...overrides });
}

/** Settings come from the environment, as `npm run test:gcp-live` has checked them. */
export async function gcpLiveHarness(): Promise<ProviderHarness> {
  const project = process.env['EPHEMERA_GCP_PROJECT'] ?? '';
  const zones = (process.env['EPHEMERA_GCP_ZONES'] ?? 'us-central1-a').split(',');
  const deployment = `live-${randomUUID().slice(0, 8)}`;
  // The machines are talked to from here, so they have an address; the network has to let SSH in.
  const networks = (process.env['EPHEMERA_GCP_NETWORKS'] ?? 'default').split(',');
  const options: GcpProviderOptions = {
    ...{ deployment, project, zones },
    rules: { ...GCP_RULES, networks, externalIp: 'allowed' },
  };
  const make = (name: string): MachineProvider => createGcpProvider({ ...options, deployment: name });
  const { instances, zoneOperations } = await computeClients(options);
  const children: ChildProcess[] = [];
  const [zone = ''] = zones;
  const place = (machineId: string) => ({ project, zone, instance: serverNameOf(deployment, machineId) });
  return {
    provider: make(deployment),
    restarted: () => make(deployment),
    ofAnotherDeployment: () => make(`${deployment}-b`),
    request: liveRequest,
    createElsewhere: (request) => {
      const child = spawn(process.execPath, ['--import', 'tsx', MAKER], { stdio: ['pipe', 'pipe', 'inherit'] });
      children.push(child);
      child.stdin.end(JSON.stringify({ options, request }));
      return child;
    },
    refused: () => [
      { what: 'an image nobody has', request: asking({ image: 'family/win95' }), code: 'imageUnknown' },
      { what: 'a network nobody has', request: asking({ network: 'moon' }), code: 'badSpec' },
    ],
    countRunning: (machineId) =>
      instances.get(place(machineId), CALL).then(
        ([{ status }]) => (status === 'RUNNING' ? 1 : 0),
        () => 0,
      ),
    askMachine,
    crash: async (machineId) => {
      const [{ latestResponse }] = await instances.stop(place(machineId), CALL);
      await zoneOperations.wait({ project, zone, operation: latestResponse.name ?? '' }, { ...CALL, timeout: 150_000 });
    },
    dispose: async () => {
      for (const child of children) child.kill('SIGKILL');
      for (const name of [deployment, `${deployment}-b`]) {
        const provider = make(name);
        const left = await provider.list(never);
        await Promise.all(left.map(({ machineId }) => provider.destroy(machineId, never)));
      }
    },
  };
}

function asking(spec: Partial<CreateMachineRequest['spec']>): CreateMachineRequest {
  const request = liveRequest();
  return { ...request, spec: { ...request.spec, ...spec } };
}

/** The banner of the machine's SSH server, asked for until it is up. */
async function askMachine({ address }: Machine): Promise<string> {
  const ip = address?.ip ?? '';
  const deadline = Date.now() + BANNER_TIMEOUT_MS;
  for (;;) {
    const banner = await bannerOf(ip);
    if (banner !== '') return `${ip} ${banner}`;
    if (Date.now() > deadline) throw new Error(`${ip}:${SSH_PORT} does not answer; does the network allow SSH?`);
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
}

function bannerOf(ip: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: ip, port: SSH_PORT, timeout: 5000 });
    const end = (text: string): void => {
      socket.destroy();
      resolve(text);
    };
    socket.once('data', (data) => end(data.toString().trim()));
    socket.once('error', () => end(''));
    socket.once('timeout', () => end(''));
  });
}

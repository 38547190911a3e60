/**
 * Real machines of any cloud for one test: the smallest ones, with an address on the internet. The image's cloud-init starts a program that
 * says which machine it is, and switches the machine off where it is told to, as a crash does.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { CreateMachineRequest, Machine, MachineProvider } from '../../domain/machine/provider.ts';
import { eventually } from '../eventually.ts';
import type { ProviderHarness } from '../machines/provider-contract.ts';
import { chatTemplateSpec } from '../vm/chat-spec.ts';
import { liveProvider } from './live-provider.ts';

const MAKER = fileURLToPath(new URL('./create-live.ts', import.meta.url));
const PORT = 8099;
const BOOT_MS = 240_000;
const ANSWER_MS = 5000;
const never = { signal: new AbortController().signal };

/** Python is in every image with cloud-init. */
const PROGRAM = `#!/usr/bin/env python3
import http.server, os, socket
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(socket.gethostname().encode())
    def do_POST(self):
        self.do_GET()
        self.wfile.flush()
        os.system('poweroff -f')
if os.fork() == 0:
    os.setsid()
    http.server.HTTPServer(('', ${PORT}), Answer).serve_forever()
`;

function liveRequest(cloud: string, overrides: Partial<CreateMachineRequest> = {}): CreateMachineRequest {
  const ports = [{ name: 'http', port: PORT, protocol: 'tcp' as const }];
  const readiness = { kind: 'machine' as const, port: null, path: null, timeoutSeconds: 300 };
  const asked = { externalIp: true, egress: true, userData: PROGRAM, ports, readiness, maxLifetimeSeconds: 900 };
  return {
    machineId: `m-${randomUUID().replaceAll('-', '').slice(0, 20)}`,
    spec: { ...chatTemplateSpec(cloud), ...asked },
    owner: 'vm/default/lobby',
    agentBootstrap: null,
    ...overrides,
  };
}

/** Settings come from the environment, as `npm run test:CLOUD-live` has checked them. */
export async function liveHarness(cloud: string): Promise<ProviderHarness> {
  const deployment = `live-${randomUUID().slice(0, 8)}`;
  const names = [deployment, `${deployment}-b`] as const;
  const [provider, restarted, other] = await Promise.all([
    liveProvider(cloud, deployment),
    liveProvider(cloud, deployment),
    liveProvider(cloud, names[1]),
  ]);
  const children: ChildProcess[] = [];
  const asking = (spec: Partial<CreateMachineRequest['spec']>): CreateMachineRequest => {
    const request = liveRequest(cloud);
    return { ...request, spec: { ...request.spec, ...spec } };
  };
  const running = async (machineId: string): Promise<Machine[]> => {
    const list = await (await liveProvider(cloud, deployment)).list(never);
    return list.filter((machine) => machine.machineId === machineId && machine.status === 'running');
  };
  return {
    provider,
    restarted: () => restarted,
    ofAnotherDeployment: () => other,
    request: (overrides) => liveRequest(cloud, overrides),
    createElsewhere: (request) => {
      const child = spawn(process.execPath, ['--import', 'tsx', MAKER], { stdio: ['pipe', 'pipe', 'inherit'] });
      children.push(child);
      child.stdin.end(JSON.stringify({ cloud, deployment, request }));
      return child;
    },
    refused: () => [
      { what: 'a machine type nobody has', request: asking({ machineType: 'huge' }), code: 'badSpec' },
      { what: 'another provider', request: asking({ provider: 'local' }), code: 'badSpec' },
    ],
    countRunning: async (machineId) => (await running(machineId)).length,
    askMachine: async ({ address }) => {
      const ip = address?.ip ?? '';
      return `${ip} ${await answerOf(ip, 'GET')}`;
    },
    crash: async (machineId) => {
      const [machine] = await running(machineId);
      await answerOf(machine?.address?.ip ?? '', 'POST');
      await eventually(async () => expectNone(await running(machineId)), BOOT_MS);
    },
    dispose: async () => {
      for (const child of children) child.kill('SIGKILL');
      for (const one of [provider, other]) await removeAll(one);
    },
  };
}

/** Asked until it answers: cloud-init starts it some time after the machine runs. */
async function answerOf(ip: string, method: 'GET' | 'POST'): Promise<string> {
  let text = '';
  await eventually(async () => {
    const answer = await fetch(`http://${ip}:${PORT}/`, { method, signal: AbortSignal.timeout(ANSWER_MS) });
    text = await answer.text();
  }, BOOT_MS);
  return text;
}

function expectNone(machines: readonly Machine[]): void {
  if (machines.length > 0) throw new Error(`${machines.length} still run`);
}

async function removeAll(provider: MachineProvider): Promise<void> {
  const left = await provider.list(never);
  await Promise.all(left.map(({ machineId }) => provider.destroy(machineId, never)));
}

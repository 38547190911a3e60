/**
 * The startup script of machines that run a container, run by a real shell. Docker and the metadata server are played
 * by the test: containers stay on the disk of the machine, and what the agent's container would run runs here.
 */
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { buildVmServer } from '../../../commands/start/build-vm-server.ts';
import { GCP_RULES } from '../../../providers/gcp/rules.ts';
import { containerScript } from '../../../providers/cloud/container-script.ts';
import { GCE_SCRIPTS } from '../../../providers/gcp/machine/start-scripts.ts';
import { instanceResource } from '../../../providers/gcp/machine/instance-resource.ts';
import { chatOnGcp, gcpRequest } from '../../../test-support/gce-server/harness.ts';
import { PlayedInstance } from '../../../test-support/gce-server/played-instance.ts';
import { PlayedMachine } from '../../../test-support/gce-server/played-machine.ts';
import { filesWith } from '../../../test-support/secret-search.ts';

const WAIT = { timeout: 20_000, interval: 50 };

let directory: string;
let played: PlayedInstance;
let machine: PlayedMachine;

beforeAll(buildVmServer);

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'eph-container-'));
  played = await PlayedInstance.start();
  machine = new PlayedMachine(directory, played);
});

afterEach(() => {
  machine.powerOff();
  played.close();
  rmSync(directory, { recursive: true, force: true });
});

interface Start {
  disk: string;
  port: number;
  container?: string;
}

/** Runs the script as the machine with this disk does at a start, and resolves with what it asked of its programs. */
async function boot({ disk, port, container = 'docker.io/library/redis:8' }: Start): Promise<string[]> {
  const script = containerScript({
    cloud: GCE_SCRIPTS,
    vmServerUrl: `${played.url}/v1/agent/vm-server.cjs`,
    identity: 'secret',
    apiCa: 'none',
    container,
    ports: [{ name: 'redis', port, protocol: 'tcp' }],
    directory: join(disk, 'state'),
    memoryDirectory: machine.memory,
  });
  return machine.boot(script, { disk });
}

function isTold(secret: string, more: Record<string, string> = {}): void {
  played.attributes = {
    'ephemera-api-url': played.url,
    'ephemera-agent-secret': secret,
    'ephemera-machine-key': `key beside ${secret}`,
    'ephemera-container-environment': 'MOTD=hello model\n',
    ...more,
  };
}

/** What the container would serve. */
async function anApp(): Promise<{ app: Server; port: number }> {
  const app = createTcpServer((socket) => void socket.on('error', () => undefined)).listen(0, '127.0.0.1');
  await once(app, 'listening');
  return { app, port: (app.address() as AddressInfo).port };
}

it('starts the container with its environment, and an agent that counts who is connected to it', async () => {
  const { app, port } = await anApp();
  isTold('one-time');
  const disk = join(directory, 'disk');
  const calls = await boot({ disk, port });

  const started = calls.filter((call) => call.startsWith('docker run'));
  expect(started).toHaveLength(2);
  expect(started[0]).toMatch(/--network host --env-file environment .*docker\.io\/library\/redis:8$/);
  expect(readFileSync(join(disk, 'state', 'environment'), 'utf8')).toBe('MOTD=hello model\n');
  expect(calls).toContain(`iptables -w -I INPUT -p tcp --dport ${port} -j ACCEPT`);
  expect(calls.join('\n')).not.toContain('one-time');

  await vi.waitFor(() => expect(played.reports.at(-1)).toMatchObject({ ready: true, connections: 0 }), WAIT);
  expect(played.exchanged).toEqual(['one-time']);
  const user = connect(port, '127.0.0.1');
  await vi.waitFor(() => expect(played.reports.at(-1)).toMatchObject({ connections: 1 }), WAIT);
  user.destroy();
  await vi.waitFor(() => expect(played.reports.at(-1)).toMatchObject({ connections: 0 }), WAIT);
  app.close();
});

it('keeps the files of the container over a stop and in an image, where the machine is another one; another image makes it anew', async () => {
  const { app, port } = await anApp();
  const disk = join(directory, 'disk');
  const written = (of: string): string => join(of, 'docker', 'ephemera-app', 'written');
  const reported = async (before: number): Promise<string | undefined> =>
    vi.waitFor(() => {
      expect(played.reports.length).toBeGreaterThan(before);
      return played.reports.at(-1)!.token;
    }, WAIT);

  isTold('one-time-1');
  played.tokens = ['token-1', 'token-2'];
  await boot({ disk, port });
  expect(await reported(0)).toBe('token-1');
  writeFileSync(written(disk), 'by a player');

  machine.powerOff();
  played.attributes['ephemera-agent-secret'] = 'one-time-again';
  let seen = played.reports.length;
  const again = await boot({ disk, port });
  expect(again.filter((call) => /^docker (run|start) .*ephemera-app/.test(call))).toEqual([
    'docker start ephemera-app',
  ]);
  expect(readFileSync(written(disk), 'utf8')).toBe('by a player');
  expect([await reported(seen), played.exchanged]).toEqual(['token-1', ['one-time-1']]);

  machine.powerOff();
  for (const secret of ['one-time-1', 'token-1', 'key beside']) expect(await filesWith(disk, secret)).toEqual([]);
  const image = join(directory, 'image');
  cpSync(disk, image, { recursive: true });
  isTold('one-time-2');
  seen = played.reports.length;
  await boot({ disk: image, port });
  expect(readFileSync(written(image), 'utf8')).toBe('by a player');
  expect([await reported(seen), played.exchanged]).toEqual(['token-2', ['one-time-1', 'one-time-2']]);

  machine.powerOff();
  isTold('one-time-2', { 'ephemera-container-environment': 'MOTD=another\n' });
  await boot({ disk: image, port });
  expect(existsSync(written(image)), 'another environment').toBe(false);
  writeFileSync(written(image), 'by a player');
  machine.powerOff();
  const anew = await boot({ disk: image, port, container: 'docker.io/library/redis:9' });
  expect(existsSync(written(image)), 'another image').toBe(false);
  expect(anew.some((call) => /^docker run .*--label ephemera-made-of=[0-9a-f]{64} .*redis:9$/.test(call))).toBe(true);
  app.close();
});

const DEFAULTS = {
  deployment: 'test',
  project: 'p',
  machineServiceAccount: null,
  vmServerUrl: 'http://10.0.0.2:7400/v1/agent/vm-server.cjs',
  diskType: 'hyperdisk-balanced',
  rules: GCP_RULES,
};

it('leaves cloud-init what the VM asks of it, beside the script of the agent', () => {
  const userData = '#cloud-config\nruncmd: [echo hello]\n';
  const itemsOf = (changes: object): Record<string, string> => {
    const resource = instanceResource(
      gcpRequest({ spec: chatOnGcp({ image: 'container:nginx:1', ...changes }) }),
      'us-central1-a',
      DEFAULTS,
    );
    return Object.fromEntries((resource.metadata?.items ?? []).map(({ key, value }) => [key, value]));
  };
  const items = itemsOf({ userData });
  expect(items['user-data']).toBe(userData);
  expect(items['startup-script']).toContain("'nginx:1'");
  expect(itemsOf({})).not.toHaveProperty('user-data');
});

it('is what an instance of a container image starts with; the disk is Container-Optimized OS', () => {
  const spec = chatOnGcp({ image: 'container:nginx:1', env: { MOTD: 'hello' } });
  const resource = instanceResource(gcpRequest({ spec }), 'us-central1-a', DEFAULTS);
  const parameters = resource.disks?.[0]?.initializeParams;
  expect(parameters?.sourceImage).toBe('projects/cos-cloud/global/images/family/cos-stable');
  expect(parameters?.diskType).toBe('zones/us-central1-a/diskTypes/hyperdisk-balanced');
  const items = Object.fromEntries((resource.metadata?.items ?? []).map(({ key, value }) => [key, value]));
  expect(items['ephemera-container-environment']).toBe('MOTD=hello\n');
  expect(items['startup-script']).toContain("'nginx:1'");
});

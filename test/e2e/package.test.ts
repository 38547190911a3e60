/** The package as somebody has it who never saw this checkout: an empty folder, an empty home directory, npm, and the file. */
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { copyFile, mkdir, readdir, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PassThroughClient } from 'google-auth-library';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { Ephemera } from '../../client/ephemera.ts';
import { findOrGetTemporalCli } from '../../commands/temporal/temporal-cli.ts';
import { bundleCloudClients } from '../../dev/pack/cloud-clients.ts';
import { CODE_ROOT } from '../../lib/processes/checkout.ts';
import { PROVIDERS } from '../../providers/registry.ts';
import { freePort } from '../../test-support/free-port.ts';
import { endEverythingOn, FREE_PORTS, readRunJson } from '../../test-support/npm-start.ts';
import { startTestServer } from '../../test-support/temporal-server.ts';

interface Compose {
  services: Record<string, { command: string[]; environment: Record<string, string> }>;
}

const run = promisify(execFile);
const MAX_BYTES = 60 * 1024 * 1024;
const root = mkdtempSync(join(tmpdir(), 'eph-package-'));
const home = join(root, 'home');
const app = join(root, 'app');
const installed = join(app, 'node_modules/ephemera');
const stateDir = join(home, '.local/state/ephemera');
let env: NodeJS.ProcessEnv;
let file: string;

beforeAll(async () => {
  await Promise.all([home, app].map((directory) => mkdir(directory)));
  const quiet = { note: () => undefined, doing: () => undefined };
  const temporal = await findOrGetTemporalCli(process.env['EPHEMERA_TEMPORAL_CLI'] ?? null, quiet);
  env = { PATH: process.env['PATH'], HOME: home, EPHEMERA_TEMPORAL_CLI: temporal, npm_config_update_notifier: 'false' };
  const { stdout } = await run(process.execPath, ['--import', 'tsx', 'dev/pack.ts'], { cwd: CODE_ROOT });
  file = stdout.trim().split('\n').at(-1) ?? '';
  writeFileSync(join(app, 'package.json'), '{"name": "app", "private": true}');
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', file], { cwd: app, env });
}, 300_000);
afterAll(() => {
  endEverythingOn(stateDir);
  rmSync(root, { recursive: true, force: true });
});

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** With what its source map says, where that is in it. */
function sourceOf(path: string): string {
  const text = readFileSync(path, 'utf8');
  const [, map] = /sourceMappingURL=data:[^,]+,([\w+/=]+)\s*$/.exec(text) ?? [];
  return map === undefined ? text : text + Buffer.from(map, 'base64').toString('utf8');
}

it('is small, and brings no other package with it', async () => {
  const others = await readdir(join(app, 'node_modules'));
  expect(others.filter((name) => !name.startsWith('.'))).toEqual(['ephemera']);
  const files = await filesBelow(installed);
  const sizes = await Promise.all(files.map(async (path) => (await stat(path)).size));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(MAX_BYTES);
  expect(files.filter((path) => /(?<!\.d)\.tsx?$|node_modules\/ephemera\/.*node_modules/.test(path))).toEqual([]);
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as Record<string, unknown>;
  for (const field of ['dependencies', 'devDependencies', 'scripts']) expect(manifest).not.toHaveProperty(field);
  const texts = files.filter((path) => /\.(mjs|cjs|js|json|html)$/.test(path));
  for (const path of texts) expect([path, sourceOf(path).includes(CODE_ROOT)]).toEqual([path, false]);
  expect(readFileSync(join(installed, 'THIRD-PARTY-NOTICES'), 'utf8')).toMatch(/@temporalio\/worker [\d.]+ \("MIT"\)/);
});

it('starts everything, and its client makes a VM, runs a command in it and ends it', async () => {
  const up = spawn('npx', ['--offline', 'ephemera', 'up', ...FREE_PORTS], {
    ...{ cwd: app, env, detached: true },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [up.stdout, up.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  try {
    await expect
      .poll(() => output + (up.exitCode === null ? '' : ` exit ${up.exitCode}`), { timeout: 90_000 })
      .toMatch(/Ctrl-C stops it all|exit \d/);
    expect(output).toContain('Ctrl-C stops it all');
    const { apiUrl, keyFile } = readRunJson(stateDir);
    const key = readFileSync(keyFile, 'utf8').trim();
    writeFileSync(
      join(app, 'life.mjs'),
      `import { Ephemera } from 'ephemera/client';
       const ephemera = new Ephemera({ url: process.argv[2], key: process.env.KEY });
       const made = await ephemera.vms.create({ name: 'lobby', template: 'chat' }, { wait: 'ready' });
       const { stdout } = await ephemera.vms.exec('lobby', { command: ['echo', 'from inside'] });
       const ended = await ephemera.vms.delete('lobby', { wait: 'destroyed' });
       console.log(JSON.stringify([made.state, stdout.trim(), ended.state]));`,
    );
    const life = await run(process.execPath, ['life.mjs', apiUrl], { cwd: app, env: { ...env, KEY: key } });
    expect(JSON.parse(life.stdout)).toEqual(['running', 'from inside', 'destroyed']);
    for (const [path, content] of [
      ['/docs/assets/swagger-ui-bundle.js', 'SwaggerUIBundle'],
      ['/dashboard/', '<script type="module"'],
    ] as const) {
      const answer = await fetch(`${apiUrl}${path}`);
      expect([path, answer.status, (await answer.text()).includes(content)]).toEqual([path, 200, true]);
    }
  } finally {
    // What a Ctrl-C in its terminal does.
    if (up.exitCode === null && up.pid !== undefined) {
      const closed = once(up, 'close');
      process.kill(-up.pid, 'SIGINT');
      await closed;
    }
  }
  expect(output).toContain('stopped; machines go on');
  expect(await readdir(join(home, '.local/state'))).toEqual(['ephemera']);
}, 240_000);

it('runs as the containers of deploy/compose.yaml do, and the API reaches into a machine of the worker', async () => {
  const compose = parse(readFileSync(join(CODE_ROOT, 'deploy/compose.yaml'), 'utf8'), { merge: true }) as Compose;
  const secrets = join(root, 'secrets');
  await mkdir(secrets);
  for (const name of ['secret-key', 'api-key'])
    writeFileSync(join(secrets, name), `${randomBytes(32).toString('hex')}\n`);
  const place = join(installed, 'deploy/container');
  await mkdir(place, { recursive: true });
  await copyFile(join(CODE_ROOT, 'deploy/container/run.mjs'), join(place, 'run.mjs'));
  const [server, apiPort] = [await startTestServer(), await freePort()];
  const ports = {
    EPHEMERA_API_PORT: `${apiPort}`,
    EPHEMERA_API_URL: `http://127.0.0.1:${apiPort}`,
    ...{ EPHEMERA_INTERNAL_PORT: '0', EPHEMERA_METRICS_PORT: '0', EPHEMERA_WORKER_METRICS_PORT: '0' },
  };
  const children = ['worker', 'api'].map((name) => {
    const { command, environment } = compose.services[name]!;
    const written = JSON.stringify(environment)
      .replaceAll('/run/secrets', secrets)
      .replaceAll('temporal:7233', server.address);
    const own = { PATH: env['PATH'], HOME: home, EPHEMERA_STATE_DIR: join(root, `state-${name}`) };
    const settings = { ...(JSON.parse(written) as NodeJS.ProcessEnv), ...own, ...ports };
    return spawn(process.execPath, [join(place, 'run.mjs'), ...command], { cwd: root, env: settings, stdio: 'ignore' });
  });
  try {
    const key = readFileSync(join(secrets, 'api-key'), 'utf8').trim();
    const ephemera = new Ephemera({ url: `http://127.0.0.1:${apiPort}`, key });
    const ready = () =>
      fetch(`http://127.0.0.1:${apiPort}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      );
    await expect.poll(ready, { timeout: 60_000 }).toBe(true);
    const made = await ephemera.vms.create({ template: 'chat' }, { wait: 'ready', timeoutSeconds: 60 });
    expect([made.state, made.host]).toEqual(['running', 'worker']);
    const { stdout } = await ephemera.vms.exec(made.name, { command: ['echo', 'from inside'] });
    expect(stdout).toBe('from inside\n');
    expect((await ephemera.vms.delete(made.name, { wait: 'destroyed' })).state).toBe('destroyed');
  } finally {
    for (const child of children) {
      const closed = once(child, 'close');
      if (child.exitCode === null && child.kill()) await closed;
    }
    endEverythingOn(join(root, 'state-worker'));
    await server.stop();
  }
}, 180_000);

it('has types for its client', async () => {
  const lines = [
    `import { Ephemera, type Vm } from 'ephemera/client';`,
    `const ephemera = new Ephemera({ url: 'http://127.0.0.1:7400' });`,
    `const vm: Vm = await ephemera.vms.get('lobby');`,
    `// @ts-expect-error: a VM has no such field`,
    `console.log(vm.state, vm.nonsense);`,
  ];
  writeFileSync(join(app, 'use.mts'), lines.join('\n'));
  const options = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2022'];
  const libraries = ['--lib', 'es2023,dom,esnext.disposable'];
  const compiler = join(CODE_ROOT, 'node_modules/typescript/bin/tsc');
  const { stdout } = await run(process.execPath, [compiler, ...options, ...libraries, 'use.mts'], { cwd: app });
  expect(stdout).toBe('');
});

it('has the clients of Compute Engine that it needs', async () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ name: 'm-1', status: 'RUNNING' }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const compute = createRequire(import.meta.url)(join(installed, 'dist/google-compute.cjs')) as Record<
      string,
      new (options: object) => { get: (request: object) => Promise<[{ name: string; status: string }]> }
    >;
    expect(Object.keys(compute).sort()).toEqual([
      ...['GlobalOperationsClient', 'ImagesClient', 'InstancesClient', 'ZoneOperationsClient'],
    ]);
    const { port } = server.address() as AddressInfo;
    const instances = new compute['InstancesClient']!({
      ...{ fallback: 'rest', projectId: 'p', apiEndpoint: '127.0.0.1', port, protocol: 'http' },
      authClient: new PassThroughClient(),
    });
    const [instance] = await instances.get({ project: 'p', zone: 'z', instance: 'm-1' });
    expect(instance).toMatchObject({ name: 'm-1', status: 'RUNNING' });
    expect(asked).toEqual([expect.stringContaining('GET /compute/v1/projects/p/zones/z/instances/m-1')]);
  } finally {
    server.close();
  }
});

it('asks each cloud by its own client, and says what that answers', async () => {
  const clouds = PROVIDERS.filter(({ placement }) => placement === 'zone').map(({ name }) => name);
  const server = createServer((_, response) => {
    response.writeHead(403, { 'content-type': 'application/json' }).end('{"error": {"message": "not yours"}}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    for (const name of clouds) {
      const settings = { [`EPHEMERA_${name.toUpperCase()}_ENDPOINT`]: endpoint };
      const asked = run('npx', ['--offline', 'ephemera', 'doctor', name], { cwd: app, env: { ...env, ...settings } });
      const { stdout, stderr } = await asked.catch((error: unknown) => error as { stdout: string; stderr: string });
      expect(`${name}: ${stdout}${stderr}`).toMatch(new RegExp(`Machines cannot be made on ${name} yet`));
      expect(`${name}: ${stdout}${stderr}`).not.toMatch(/Cannot find (module|package)|is not a function/);
    }
  } finally {
    server.close();
  }
  const files = await readdir(join(installed, 'dist/cloud-clients')).catch(() => []);
  const own = { ec2: 'aws-sdk-client-ec2', azure: 'azure-arm-compute', digitalocean: 'digitalocean-dots' };
  for (const [name, file] of Object.entries(own)) if (clouds.includes(name)) expect(files).toContain(`${file}.mjs`);
}, 120_000);

it('has clients of clouds that make calls from files of their own', async () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const json = JSON.stringify({ id: '/m-1', name: 'm-1', location: 'l', droplet: { name: 'm-1' } });
    const xml = '<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>';
    const isXml = request.url === '/';
    response.setHeader('content-type', isXml ? 'text/xml' : 'application/json').end(isXml ? xml : json);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const place = join(root, 'clouds');
    const azure = ['@azure/arm-compute', '@azure/arm-network', '@azure/identity'];
    const others = ['@aws-sdk/client-ec2', '@digitalocean/dots', '@microsoft/kiota-http-fetchlibrary'];
    await bundleCloudClients([...azure, ...others], place);
    const script = join(place, 'calls.mjs');
    writeFileSync(script, CALLS_OF_CLOUDS);
    const { stdout } = await run(process.execPath, [
      script,
      `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ]);
    expect(JSON.parse(stdout)).toEqual([0, 'm-1', 'm-1', 'ManagedIdentityCredential', 'm-1']);
    expect(asked).toEqual([
      'POST /',
      expect.stringMatching(/^GET \/subscriptions\/s\/.*\/virtualMachines\/m-1\?api-version=/),
      expect.stringMatching(/^GET \/subscriptions\/s\/.*\/networkInterfaces\/m-1\?api-version=/),
      'GET /v2/droplets/3',
    ]);
    const sizes = await Promise.all((await filesBelow(place)).map(async (path) => (await stat(path)).size));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(7 * 1024 * 1024);
  } finally {
    server.close();
  }
}, 120_000);

const CALLS_OF_CLOUDS = `
  import { EC2Client, DescribeInstancesCommand } from './cloud-clients/aws-sdk-client-ec2.mjs';
  import { ComputeManagementClient } from './cloud-clients/azure-arm-compute.mjs';
  import { NetworkManagementClient } from './cloud-clients/azure-arm-network.mjs';
  import { ManagedIdentityCredential } from './cloud-clients/azure-identity.mjs';
  import { createDigitalOceanClient, DigitalOceanApiKeyAuthenticationProvider } from './cloud-clients/digitalocean-dots.mjs';
  import { FetchRequestAdapter } from './cloud-clients/microsoft-kiota-http-fetchlibrary.mjs';
  const endpoint = process.argv[2];
  const keys = { accessKeyId: 'a', secretAccessKey: 'b' };
  const ec2 = new EC2Client({ region: 'us-east-1', endpoint, credentials: keys });
  const { Reservations } = await ec2.send(new DescribeInstancesCommand({}));
  const credential = { getToken: async () => ({ token: 't', expiresOnTimestamp: Date.now() + 3_600_000 }) };
  const azure = (Client) => {
    const client = new Client(credential, 's', { endpoint, allowInsecureConnection: true });
    client.pipeline.removePolicy({ name: 'bearerTokenAuthenticationPolicy' });
    return client;
  };
  const vm = await azure(ComputeManagementClient).virtualMachines.get('g', 'm-1');
  const nic = await azure(NetworkManagementClient).networkInterfaces.get('g', 'm-1');
  const adapter = new FetchRequestAdapter(new DigitalOceanApiKeyAuthenticationProvider('t'));
  adapter.baseUrl = endpoint;
  const { droplet } = await createDigitalOceanClient(adapter).v2.droplets.byDroplet_id(3).get();
  const identity = new ManagedIdentityCredential().constructor.name;
  console.log(JSON.stringify([Reservations.length, vm.name, nic.name, identity, droplet.name]));
`;

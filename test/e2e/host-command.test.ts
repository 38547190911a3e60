/** A second computer, as a person adds it: `npm start` here, `npm run host` in a state directory of its own. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ApiCalls } from '../../test-support/api/api-calls.ts';
import { filesWith } from '../../test-support/secret-search.ts';
import { whyNoGuests } from '../../test-support/machines/qemu-harness.ts';
import { FREE_PORTS, NpmRun, endEverythingOn, readRunJson } from '../../test-support/npm-start.ts';

/** A guest by software emulation boots in a quarter of a minute; where none can, the host runs processes. */
const noGuests = whyNoGuests();
const provider = noGuests === undefined ? ('qemu' as const) : ('local' as const);
const root = mkdtempSync(join(tmpdir(), 'eph-host-'));
const mainDir = join(root, 'main');
const hostDir = join(root, 'host');
let start: NpmRun;
let host: NpmRun | undefined;
let apiUrl: string;
let adminKey: string;
let calls: ApiCalls;

beforeAll(async () => {
  const offers = ['--provider', provider];
  // No machine can be made but on the host that joins.
  start = new NpmRun('start', ['--state-dir', mainDir, ...FREE_PORTS, '--worker-roles', 'control', ...offers]);
  await start.prints('Ctrl-C stops it all');
  const run = readRunJson(mainDir);
  apiUrl = run.apiUrl;
  adminKey = readFileSync(run.keyFile, 'utf8').trim();
  calls = new ApiCalls({ url: apiUrl, key: adminKey });
});
afterAll(async () => {
  await host?.pressCtrlC();
  await start.pressCtrlC();
  for (const directory of [hostDir, mainDir]) endEverythingOn(directory);
  rmSync(root, { recursive: true, force: true });
});

const runHost = (...args: string[]) => new NpmRun('host', ['--state-dir', hostDir, ...args]);
const failed = async (run: NpmRun): Promise<string> => {
  expect(await run.exitCode()).toBe(1);
  return run.output;
};

it('joins by a token, runs a VM, and starts again without a token', async () => {
  const { token, command } = (await calls.createJoinToken()).body;
  expect(command).toBe(`EPHEMERA_JOIN_TOKEN=${token} npm run host -- --join ${apiUrl}`);
  const joins = ['--join', apiUrl, '--provider', provider, '--zone', 'attic', '--label', 'disk=ssd'];
  host = new NpmRun('host', ['--state-dir', hostDir, ...joins], { EPHEMERA_JOIN_TOKEN: token });
  await host.prints('Ctrl-C stops it');
  const { hostId } = JSON.parse(readFileSync(join(hostDir, 'host.json'), 'utf8')) as { hostId: string };
  expect(statSync(join(hostDir, 'host.json')).mode & 0o777).toBe(0o600);

  const wanted = { name: 'lobby', template: 'chat', provider, zones: ['attic'], hostSelector: { disk: 'ssd' } };
  const made = await calls.createVm(wanted, { wait: 'ready', timeoutSeconds: 120 });
  expect([made.status, made.body.host]).toEqual([201, hostId]);

  const shown = await calls.getConsole('lobby');
  expect([shown.status, shown.body.text]).toEqual([200, expect.stringContaining(made.body.machineId)]);

  const doctor = new NpmRun('doctor', ['--state-dir', hostDir]);
  expect([await doctor.exitCode(), doctor.output]).toEqual([0, expect.stringMatching(/lease: ready, machines: 1,/)]);
  expect(doctor.output).toContain(`${hostId} has what a host of deployment default needs`);

  // A second one on the same state directory says so and ends.
  expect(await failed(runHost())).toContain(`${hostId} already runs on ${hostDir}`);
  await host.pressCtrlC();
  expect(host.output).toContain('stopped; machines go on');

  host = runHost();
  await host.prints('Ctrl-C stops it');
  expect(host.output).toContain(`${hostId} of deployment default`);
  expect(host.output).toContain('attic');
  const again = await calls.getVm('lobby', { fresh: true });
  expect(again.body).toMatchObject({ state: 'running', host: hostId, machineId: made.body.machineId });
  const ended = await calls.destroyVm('lobby', { wait: 'destroyed' });
  expect([ended.status, ended.body.state]).toEqual([200, 'destroyed']);

  // It leaves for good: its command ends by itself, and says how it comes back.
  expect((await calls.drainHost(hostId)).body.state).toBe('draining');
  await expect.poll(async () => (await calls.removeHost(hostId)).status, { timeout: 30_000 }).toBe(200);
  expect(await host.exitCode()).toBe(0);
  expect(host.output).toContain('`npm run host` enters it again');

  // What was typed once lets nobody else in, and the deployment's own secret never came here.
  const other = new NpmRun('host', ['--state-dir', join(root, 'other'), '--join', apiUrl, '--token', token]);
  expect(await failed(other)).toContain('joinTokenUsed');
  const secret = readFileSync(join(mainDir, 'secret-key'), 'utf8').trim();
  for (const hidden of [secret, adminKey, token]) expect(await filesWith(hostDir, hidden)).toEqual([]);
  expect(host.output).not.toContain(token);
});

it('says what to do where it is no host, where it is one already, and in the directory of a deployment', async () => {
  const nowhere = new NpmRun('host', ['--state-dir', join(root, 'nowhere')]);
  expect(await failed(nowhere)).toContain('npm run keys -- join');
  const plain = new NpmRun('host', [
    '--state-dir',
    join(root, 'plain'),
    '--join',
    'http://192.0.2.1:7400',
    '--token',
    'x',
  ]);
  expect(await failed(plain)).toContain('would travel in plain text');
  const taken = new NpmRun('host', ['--state-dir', mainDir, '--join', apiUrl, '--token', 'x']);
  expect(await failed(taken)).toContain('is the state directory of a deployment');
  await host?.pressCtrlC();
  expect(await failed(runHost('--join', apiUrl, '--token', 'x'))).toContain('start it without --join');
});

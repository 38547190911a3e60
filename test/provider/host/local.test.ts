import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { LocalManifest, LocalMachineProcess } from '../../../domain/machine/local-machine.ts';
import type { LocalProviderOptions } from '../../../providers/local/local-provider.ts';
import { isAlive } from '../../../providers/host/processes/system-process.ts';
import { buildVmServer } from '../../../commands/start/build-vm-server.ts';
import { eventually } from '../../../test-support/eventually.ts';
import {
  chatSpec,
  localHarness,
  machineRequest,
  processesOf,
  type LocalHarness,
} from '../../../test-support/machines/local-harness.ts';
import { describeMachinesOfBefore, forgetOwnerInManifest } from '../../../test-support/machines/machines-of-before.ts';
import { filesWith } from '../../../test-support/secret-search.ts';
import { describeProvider } from '../../../test-support/machines/provider-contract.ts';

const never = { signal: new AbortController().signal };
const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../../test-support/machines/fixtures/${name}`, import.meta.url));

let vmServerFile = '';
beforeAll(async () => {
  vmServerFile = await buildVmServer();
});

describeProvider('local', () => localHarness(vmServerFile));
describeMachinesOfBefore('local', () => localHarness(vmServerFile), forgetOwnerInManifest);

describe('a local machine', () => {
  const harnesses: LocalHarness[] = [];
  const start = async (overrides: Partial<LocalProviderOptions> = {}): Promise<LocalHarness> => {
    const harness = await localHarness(overrides.vmServerFile ?? vmServerFile, overrides);
    harnesses.push(harness);
    return harness;
  };
  afterEach(async () => {
    for (const harness of harnesses.splice(0)) await harness.dispose();
  });
  const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;
  const processOf = async (dir: string): Promise<LocalMachineProcess> =>
    JSON.parse(await readFile(join(dir, 'process.json'), 'utf8')) as LocalMachineProcess;

  it('claims an address of the range of its host, and waits for one when all are taken', async () => {
    const own = networkInterfaces();
    const ip = Object.values(own)
      .flatMap((addresses) => addresses ?? [])
      .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
    if (ip === undefined) return;
    const { provider } = await start({ addresses: [ip] });
    const udp = { name: 'game', port: 7777, protocol: 'udp' } as const;
    const spec = chatSpec({ ports: [{ name: 'http', port: 18_080, protocol: 'tcp' }, udp] });
    const first = machineRequest({ spec });
    expect((await provider.create(first, never)).address).toEqual({ ip, ports: spec.ports });
    const second = machineRequest({ spec });
    await expect(provider.create(second, never)).rejects.toMatchObject({ code: 'addressesExhausted', terminal: false });
    await provider.destroy(first.machineId, never);
    expect((await provider.create(second, never)).address?.ip).toBe(ip);
  });

  it('gets nothing of the environment of the worker but PATH, HOME and a private CA', async () => {
    process.env['EPHEMERA_TEST_LEAK'] = 'secret';
    const { provider, dirOf } = await start();
    const { machineId } = await provider.create(machineRequest(), never);
    const { pid } = await processOf(dirOf(machineId));
    const names = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0').map((entry) => entry.split('=')[0]);
    const passedOn = ['HOME', 'NODE_EXTRA_CA_CERTS', 'PATH'].filter((name) => process.env[name] !== undefined);
    expect(names.filter((name) => name !== '').sort()).toEqual(passedOn);
    delete process.env['EPHEMERA_TEST_LEAK'];
  });

  it('runs in a session of its own, so that the end of a terminal does not end it', async () => {
    const { provider, dirOf } = await start();
    const { machineId } = await provider.create(machineRequest(), never);
    const { pid } = await processOf(dirOf(machineId));
    const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]!.split(' ');
    expect(Number(fields[3])).toBe(pid);
  });

  it('keeps its manifest from the eyes of other users', async () => {
    const { provider, dirOf } = await start();
    const { machineId } = await provider.create(machineRequest(), never);
    expect(await modeOf(dirOf(machineId))).toBe(0o700);
    expect(await modeOf(join(dirOf(machineId), 'machine.json'))).toBe(0o600);
    expect(await modeOf(join(dirOf(machineId), 'console.log'))).toBe(0o600);
  });

  it('gets its secret for the HTTP link through a private file alone', async () => {
    const { provider, dirOf } = await start({ agentTransport: 'http', vmServerFile: fixture('stubborn-machine.mjs') });
    const agentBootstrap = { apiUrl: 'http://127.0.0.1:1', secret: 'one-time-and-secret' };
    const machine = await provider.create(machineRequest({ agentBootstrap }), never);
    expect(machine.agent).toEqual({ kind: 'http' });
    const dir = dirOf(machine.machineId);
    expect(await readFile(join(dir, 'agent-secret'), 'utf8')).toBe(agentBootstrap.secret);
    expect(await modeOf(join(dir, 'agent-secret'))).toBe(0o600);
    const { pid } = await processOf(dir);
    for (const place of [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`, join(dir, 'machine.json')]) {
      expect(await readFile(place, 'utf8')).not.toContain(agentBootstrap.secret);
    }
    expect(JSON.stringify(machine)).not.toContain(agentBootstrap.secret);
  });

  it('is refused over HTTP without a bootstrap secret', async () => {
    const { provider } = await start({ agentTransport: 'http' });
    await expect(provider.create(machineRequest(), never)).rejects.toMatchObject({ code: 'badSpec' });
  });

  it('has a short socket path even when the state directory lies deep', async () => {
    const deep = join(await mkdtemp(join(tmpdir(), 'eph-')), 'd'.repeat(60), 'e'.repeat(60));
    await mkdir(deep, { recursive: true });
    const { provider } = await start({ stateDir: deep });
    const { machineId, agent } = await provider.create(machineRequest(), never);
    if (agent.kind !== 'unix') throw new Error('expected a unix link');
    const socketPath = agent.path;
    expect(Buffer.byteLength(socketPath)).toBeLessThanOrEqual(100);
    await eventually(() => expect(existsSync(socketPath)).toBe(true));
    expect(await modeOf(join(socketPath, '..'))).toBe(0o700);
    await provider.destroy(machineId, never);
    expect(existsSync(join(socketPath, '..'))).toBe(false);
  });

  it('that ends while it starts fails with the last lines of its console', async () => {
    const { provider } = await start({ vmServerFile: fixture('broken-machine.mjs') });
    const creating = provider.create(machineRequest(), never);
    await expect(creating).rejects.toMatchObject({ code: 'bootFailed' });
    await expect(creating).rejects.toThrow('no flux capacitor found');
  });

  it('fails with a retryable code when its Node cannot be started', async () => {
    const { provider } = await start({ nodePath: '/nowhere/node' });
    await expect(provider.create(machineRequest(), never)).rejects.toMatchObject({ code: 'backendUnavailable' });
  });

  it('that ignores SIGTERM is killed after its grace', async () => {
    const { provider, dirOf } = await start({ vmServerFile: fixture('stubborn-machine.mjs') });
    const { machineId } = await provider.create(machineRequest(), never);
    const machine = await processOf(dirOf(machineId));
    await provider.destroy(machineId, never);
    expect(await isAlive(machine)).toBe(false);
    expect(existsSync(dirOf(machineId))).toBe(false);
  });

  it('that locks its id only after its destroy began does not live', async () => {
    const { options, createElsewhere, restarted, dirOf } = await start({
      vmServerFile: fixture('stubborn-machine.mjs'),
    });
    const request = machineRequest();
    const dir = dirOf(request.machineId);
    const maker = createElsewhere(request);
    await eventually(async () => expect(await processesOf(dir)).toHaveLength(1));
    maker.kill('SIGKILL');
    await restarted().destroy(request.machineId, never);
    await eventually(async () => expect(await processesOf(dir)).toHaveLength(0));
    expect(await readdir(join(options.stateDir, 'machines'))).toEqual([]);
  });

  it('whose pid was given to another process counts as ended, and that process is spared', async () => {
    const { provider, dirOf, crash } = await start();
    const { machineId } = await provider.create(machineRequest(), never);
    await crash(machineId);
    const bystander = spawn('sleep', ['60']);
    await writeFile(join(dirOf(machineId), 'process.json'), JSON.stringify({ pid: bystander.pid, startedAt: '1' }));
    expect(await provider.describe(machineId, never)).toMatchObject({ status: 'ended' });
    await provider.destroy(machineId, never);
    expect(bystander.exitCode ?? bystander.signalCode).toBeNull();
    bystander.kill('SIGKILL');
  });

  it('that is a zombie counts as gone', async () => {
    const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const startedAt = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]!;
    expect(await isAlive({ pid, startedAt })).toBe(true);
    process.kill(pid, 'SIGKILL');
    await eventually(async () => expect(await isAlive({ pid, startedAt })).toBe(false));
    expect(await readFile(`/proc/${pid}/stat`, 'utf8')).toContain(') Z ');
    parent.kill('SIGKILL');
  });

  it('whose files are broken disturbs neither the list nor its own destroy', async () => {
    const { provider, options, dirOf } = await start();
    const { machineId } = await provider.create(machineRequest(), never);
    const broken = { 'm-empty': {}, 'm-cut': { 'machine.json': '{"labels": {' }, 'm-null': { 'machine.json': 'null' } };
    for (const [id, files] of Object.entries(broken)) {
      await mkdir(dirOf(id));
      for (const [name, text] of Object.entries(files)) await writeFile(join(dirOf(id), name), text);
    }
    await writeFile(join(options.stateDir, 'machines', 'm-file'), '');
    const halfDone = machineRequest().machineId;
    await mkdir(dirOf(halfDone));
    const manifest = JSON.parse(await readFile(join(dirOf(machineId), 'machine.json'), 'utf8')) as LocalManifest;
    const own = { ...manifest, labels: { ...manifest.labels, machineId: halfDone } };
    await writeFile(join(dirOf(halfDone), 'machine.json'), JSON.stringify(own));
    await writeFile(join(dirOf(halfDone), 'process.json'), '');
    const listed = await provider.list(never);
    expect(Object.fromEntries(listed.map((machine) => [machine.machineId, machine.status]))).toEqual({
      [machineId]: 'running',
      [halfDone]: 'starting',
    });
    for (const id of [...Object.keys(broken), 'm-file', halfDone]) await provider.destroy(id, never);
    expect(await readdir(join(options.stateDir, 'machines'))).toEqual([machineId]);
  });

  it('is reset and removed whatever its programs made: directories too deep for a path, and ones that nobody may write to', async () => {
    const { provider, dirOf, options } = await start();
    const { machineId } = await provider.create(machineRequest(), never);
    const data = join(dirOf(machineId), 'data');
    // A shell goes down step by step, so no path is too long for it.
    const make =
      'name=$(printf %0200d 7); for step in $(seq 60); do mkdir $name && cd $name; done; ' +
      'touch file && chmod 500 . && cd "$1" && mkdir shut && touch shut/file && chmod 500 shut';
    const fill = () => promisify(execFile)('sh', ['-c', make, 'sh', data], { cwd: data });
    await fill();
    await provider.power!.stop(machineId, never);
    await provider.power!.reset!(machineId, never);
    expect((await readdir(dirOf(machineId))).sort()).toEqual(['machine.json', 'power.json']);
    await provider.power!.start({ machineId, agentBootstrap: null }, never);
    await fill();
    await provider.destroy(machineId, never);
    expect(await readdir(join(options.stateDir, 'machines'))).toEqual([]);
  });

  it('that was reset has nothing of what was in it, and is as one that was just made', async () => {
    const { provider, dirOf } = await start();
    const { machineId } = await provider.create(machineRequest(), never);
    const dir = dirOf(machineId);
    const past = 'what-somebody-left-behind';
    const first = await processOf(dir);
    await writeFile(join(dir, 'data', 'notes'), past);
    await mkdir(join(dir, 'data', 'deep', past), { recursive: true });
    for (const name of ['.hidden', 'agent-secret', 'console.log']) await writeFile(join(dir, name), past);
    await provider.power!.stop(machineId, never);
    await provider.power!.reset!(machineId, never);
    expect(await filesWith(dir, past)).toEqual([]);
    expect((await readdir(dir)).sort()).toEqual(['machine.json', 'power.json']);
    await provider.power!.start({ machineId, agentBootstrap: null }, never);
    expect(await isAlive(first)).toBe(false);
    expect(await readdir(join(dir, 'data'))).toEqual([]);
    expect(await filesWith(dir, past)).toEqual([]);
    const { pid } = await processOf(dir);
    expect(await readFile(`/proc/${pid}/environ`, 'utf8')).not.toContain(past);
    const text = new TextDecoder().decode(await provider.readConsole(machineId, { maxBytes: 65_536 }, never));
    expect(text).toContain(machineId);
    expect(text).not.toContain(past);
  });

  it('that was started since its stop is not reset: what is in it stays', async () => {
    const { provider, dirOf } = await start();
    const { machineId } = await provider.create(machineRequest(), never);
    await provider.power!.stop(machineId, never);
    await provider.power!.start({ machineId, agentBootstrap: null }, never);
    const notes = join(dirOf(machineId), 'data', 'notes');
    await writeFile(notes, 'kept');
    await expect(provider.power!.reset!(machineId, never)).rejects.toMatchObject({ code: 'backendUnavailable' });
    expect(await readFile(notes, 'utf8')).toBe('kept');
    expect((await provider.describe(machineId, never))?.status).toBe('running');
  });

  it('leaves a tombstone for a day', async () => {
    const { provider, options, restarted } = await start();
    const [old, young] = [machineRequest().machineId, machineRequest().machineId];
    await provider.destroy(old, never);
    await provider.destroy(young, never);
    const tombstone = (id: string): string => join(options.stateDir, 'machine-tombstones', id);
    const yesterday = Date.now() / 1000 - 25 * 3600;
    await utimes(tombstone(old), yesterday, yesterday);
    await restarted().destroy(machineRequest().machineId, never);
    expect(existsSync(tombstone(old))).toBe(false);
    expect(existsSync(tombstone(young))).toBe(true);
  });

  it('of an id that would leave the state directory is refused', async () => {
    const { provider } = await start();
    for (const machineId of ['../up', 'a/b', '', '.', 'm-'.padEnd(80, 'x')]) {
      await expect(provider.create(machineRequest({ machineId }), never)).rejects.toMatchObject({ code: 'badSpec' });
      expect(await provider.describe(machineId, never)).toBeUndefined();
      await expect(provider.destroy(machineId, never)).resolves.toBeUndefined();
    }
  });
});

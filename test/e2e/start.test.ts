import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ShownVm } from '../../test-support/api/api-calls.ts';
import { callsOf } from '../../test-support/api/npm-start-calls.ts';
import { FREE_PORTS, NpmRun, endEverythingOn, isRunning, readRunJson } from '../../test-support/npm-start.ts';

const run = promisify(execFile);
const modeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mode ?? 0;

describe('npm start', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ephemera-start-'));
  const stateDir = join(directory, 'state');
  const args = ['--state-dir', stateDir, ...FREE_PORTS];
  const runs: NpmRun[] = [];
  let current: NpmRun;
  let vm: ShownVm;

  const start = (): NpmRun => {
    const started = new NpmRun('start', args);
    runs.push(started);
    return started;
  };

  async function getVm(name: string): Promise<ShownVm> {
    return (await (await callsOf(stateDir)).getVm(name)).body;
  }

  beforeAll(async () => {
    mkdirSync(stateDir);
    chmodSync(stateDir, 0o755);
    current = start();
    await current.prints('Ctrl-C stops it all');
  });

  afterAll(async () => {
    for (const one of runs) await one.kill();
    endEverythingOn(stateDir);
    rmSync(directory, { recursive: true, force: true });
  });

  it('shows its progress, then where everything is, a key and a command to try', async () => {
    const { apiUrl, temporalUiUrl, metricsUrls, keyFile } = readRunJson(stateDir);
    for (const step of ['vm-server built', 'Temporal CLI', 'Temporal server', 'worker', 'API']) {
      expect(current.output).toMatch(new RegExp(`✓ ${step}.* \\([\\d.]+ s\\)`));
    }
    expect(current.output).toContain(`${apiUrl}/docs`);
    expect(current.output).toContain(temporalUiUrl);
    expect(current.output).toContain((await readFile(keyFile, 'utf8')).trim());
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
    expect(current.output).toContain(metricsUrls.join('  '));
    expect(metricsUrls).toHaveLength(2);
    for (const url of [`${apiUrl}/readyz`, `${apiUrl}/docs`, temporalUiUrl, ...metricsUrls]) {
      expect((await fetch(url)).status, url).toBe(200);
    }
  });

  it('shuts a state directory that was open before, and writes nothing that another user could read', () => {
    expect(current.output).toContain(`other users could enter ${stateDir}; now they cannot`);
    const files = readdirSync(stateDir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const open = files.map(({ parentPath, name }) => join(parentPath, name)).filter((file) => modeOf(file) & 0o077);
    expect(open).toEqual([]);
    expect(files.map(({ name }) => name)).toContain('temporal.db');
    expect(modeOf(stateDir) & 0o777).toBe(0o700);
  });

  it('prints a command that makes a VM', async () => {
    const command = /curl[^]*?"chat"}'/.exec(current.output)?.[0];
    const { stdout } = await run('sh', ['-c', command!]);
    vm = JSON.parse(stdout) as ShownVm;
    expect(vm).toMatchObject({ name: 'lobby', state: 'running' });
  });

  it('lets the Temporal CLI reach its server and namespace, with nothing but the state directory named', async () => {
    const temporal = (...command: string[]): NpmRun => new NpmRun('temporal', ['--state-dir', stateDir, ...command]);
    const query = temporal('workflow', 'query', '--workflow-id', 'vm/default/lobby', '--type', 'view');
    expect(await query.exitCode(), query.output).toBe(0);
    expect(query.output).toContain(vm.machineId);
    const wrong = temporal('workflow', 'describe', '--workflow-id', 'vm/default/nobody');
    expect(await wrong.exitCode()).not.toBe(0);
    const nowhere = new NpmRun('temporal', ['--state-dir', join(directory, 'nothing'), 'workflow', 'list']);
    expect(await nowhere.exitCode()).toBe(1);
    expect(nowhere.output).toContain(`nothing runs on ${join(directory, 'nothing')}`);
  });

  it('says that it runs already when it is started a second time, and leaves it alone', async () => {
    const second = start();
    expect(await second.exitCode()).toBe(1);
    expect(second.output).toContain(`already runs on ${stateDir}`);
    expect(second.output).toContain(readRunJson(stateDir).apiUrl);
    expect(await getVm('lobby')).toMatchObject({ state: 'running' });
  });

  it('starts a child that dies again and says so', async () => {
    const { pids, apiUrl } = readRunJson(stateDir);
    process.kill(pids['api']!, 'SIGKILL');
    await current.prints('api ended (SIGKILL), starting it again');
    await vi.waitFor(async () => expect((await fetch(`${apiUrl}/readyz`)).status).toBe(200), WAIT);
    await vi.waitFor(() => expect(readRunJson(stateDir).pids['api']).not.toBe(pids['api']), WAIT);
  });

  it('ends all its processes on Ctrl-C, and machines go on', async () => {
    const pids = Object.values(readRunJson(stateDir).pids);
    expect(pids).toHaveLength(4);
    const pressedAt = Date.now();
    await current.pressCtrlC();
    expect(current.output).toContain('stopped; machines go on');
    expect(Date.now() - pressedAt).toBeLessThan(12_000);
    expect(pids.filter(isRunning)).toEqual([]);
    expect(existsSync(join(stateDir, 'run.json'))).toBe(false);
    expect(current.output.match(/\w+ stopped$/gm)).toEqual(['api stopped', 'worker stopped', 'temporal stopped']);
    await answers(vm);
  });

  it('finds its VMs when it is started again, and keeps its key to itself', async () => {
    current = start();
    await current.prints('Ctrl-C stops it all');
    expect(await getVm('lobby')).toMatchObject({ state: 'running', machineId: vm.machineId });
    expect(current.output).toContain(`kept in ${join(stateDir, 'api-key')}`);
    expect(current.output).not.toContain('eph_');
  });

  it('stops all in order when a supervisor ends npm with SIGTERM', async () => {
    const pids = Object.values(readRunJson(stateDir).pids);
    expect(await current.signalNpm('SIGTERM'), current.output).toBe(0);
    expect(pids.filter(isRunning)).toEqual([]);
    expect(current.output.match(/\w+ stopped$/gm)).toEqual(['api stopped', 'worker stopped', 'temporal stopped']);
    expect(existsSync(join(stateDir, 'run.json'))).toBe(false);
  });

  it('stops all in order when npm is killed by -9', async () => {
    current = start();
    await current.prints('Ctrl-C stops it all');
    const pids = Object.values(readRunJson(stateDir).pids);
    await current.signalNpm('SIGKILL');
    await vi.waitFor(() => expect(pids.filter(isRunning)).toEqual([]), WAIT);
    expect(current.output.match(/\w+ stopped$/gm)).toEqual(['api stopped', 'worker stopped', 'temporal stopped']);
    expect(existsSync(join(stateDir, 'start.lock'))).toBe(false);
    current = start();
    await current.prints('Ctrl-C stops it all');
    expect(current.output).not.toContain('ended what an earlier start left behind');
  });

  it('ends what a killed start left behind, and still finds its VMs', async () => {
    const { pids } = readRunJson(stateDir);
    await current.kill();
    expect(isRunning(pids['worker']!)).toBe(true);
    current = start();
    await current.prints('Ctrl-C stops it all');
    expect(current.output).toContain('ended what an earlier start left behind');
    expect([pids['temporal'], pids['worker'], pids['api']].filter((pid) => isRunning(pid!))).toEqual([]);
    expect(await getVm('lobby')).toMatchObject({ state: 'running', machineId: vm.machineId });
    await current.pressCtrlC();
    expect(current.output).toContain('stopped; machines go on');
  });
});

describe('npm start with wrong settings', () => {
  it('lists every mistake at once and exits 1 before anything is made', async () => {
    const stateDir = join(tmpdir(), `ephemera-never-${process.pid}`);
    const wrong = new NpmRun('start', ['--state-dir', stateDir, '--api-prot', '1', '--api-port', '70000'], {
      EPHEMERA_PROVIDER: 'lokal',
      EPHEMERA_WORKER_ROLE: 'host',
    });
    expect(await wrong.exitCode()).toBe(1);
    expect(wrong.output).toContain('4 wrong settings');
    for (const part of ['did you mean --api-port?', '0 to 65535', '"lokal"', 'did you mean EPHEMERA_WORKER_ROLES?']) {
      expect(wrong.output).toContain(part);
    }
    expect(existsSync(stateDir)).toBe(false);
  });
});

describe('npm start with ports that are taken', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ephemera-ports-'));
  const taken = createServer();
  beforeAll(async () => {
    await once(taken.listen(0, '127.0.0.1'), 'listening');
  });
  afterAll(() => {
    taken.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('refuses one that was asked for, says how to set another and leaves nothing running', async () => {
    const { port } = taken.address() as AddressInfo;
    const start = new NpmRun('start', ['--state-dir', directory, ...FREE_PORTS, '--api-port', `${port}`]);
    expect(await start.exitCode()).toBe(1);
    expect(start.output).toContain(`API: port ${port} on 127.0.0.1 is taken`);
    expect(start.output).toContain('--api-port');
    expect(existsSync(join(directory, 'start.lock'))).toBe(false);
  });
});

const WAIT = { timeout: 30_000, interval: 100 };

async function answers({ address }: ShownVm): Promise<void> {
  const socket = connect({ host: address!.ip, port: address!.ports[0]!.port });
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  socket.destroy();
}

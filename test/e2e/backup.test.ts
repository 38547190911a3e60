import { cp, mkdtemp, open, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CreateVm } from '../../client/api-client.ts';
import type { ShownVm } from '../../test-support/api/api-calls.ts';
import { callsOf } from '../../test-support/api/npm-start-calls.ts';
import { joinChat, type ChatClient } from '../../test-support/chat-client.ts';
import { eventually } from '../../test-support/eventually.ts';
import { FREE_PORTS, NpmRun, endEverythingOn, isRunning, readRunJson } from '../../test-support/npm-start.ts';

const SWEEP_SECONDS = '5';

let stateDir: string;
let backups: string;
let start: NpmRun;
let ann: ChatClient;
beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'eph-'));
  backups = await mkdtemp(join(tmpdir(), 'eph-backups-'));
  start = await started();
});
afterAll(async () => {
  await start.pressCtrlC();
  endEverythingOn(stateDir);
  await rm(stateDir, { recursive: true, force: true });
  await rm(backups, { recursive: true, force: true });
});

async function started(): Promise<NpmRun> {
  const args = ['--state-dir', stateDir, '--sweep-interval-seconds', SWEEP_SECONDS, ...FREE_PORTS];
  const run = new NpmRun('start', args);
  await run.prints('Ctrl-C stops it all');
  return run;
}

async function readyVm(name: string, spec: CreateVm = {}): Promise<ShownVm> {
  const calls = await callsOf(stateDir);
  const { body } = await calls.createVm({ name, template: 'chat', ...spec }, { wait: 'ready', timeoutSeconds: 90 });
  expect(body.state).toBe('running');
  return body;
}

const destroy = async (name: string): Promise<unknown> =>
  (await callsOf(stateDir)).destroyVm(name, { wait: 'destroyed', timeoutSeconds: 90 });
const vmNow = async (name: string): Promise<ShownVm> => (await (await callsOf(stateDir)).getVm(name)).body;

async function npm(script: string, ...args: string[]): Promise<{ code: number; output: string }> {
  const run = new NpmRun(script, [...args, '--state-dir', stateDir]);
  return { code: await run.exitCode(), output: run.output };
}

/** VMs that come and go until stopped; resolves with how many there were. */
function churn(): { stop: () => Promise<number> } {
  let isOver = false;
  const lane = async (lane: number): Promise<number> => {
    let lives = 0;
    for (; !isOver; lives += 1) {
      await readyVm(`churn-${lane}-${lives}`);
      await destroy(`churn-${lane}-${lives}`);
    }
    return lives;
  };
  const lanes = [lane(1), lane(2)];
  return {
    stop: async () => {
      isOver = true;
      return (await Promise.all(lanes)).reduce((sum, lives) => sum + lives, 0);
    },
  };
}

async function killEverythingButMachines(): Promise<void> {
  const pids = Object.values(readRunJson(stateDir).pids);
  await start.kill();
  for (const pid of pids) if (isRunning(pid)) process.kill(pid, 'SIGKILL');
  await eventually(() => expect(pids.filter(isRunning)).toEqual([]));
}

/** A copy of the backup with one thing wrong. */
async function spoiled(backup: string, spoil: (folder: string) => Promise<void>): Promise<string> {
  const folder = await mkdtemp(join(backups, 'spoiled-'));
  await cp(backup, folder, { recursive: true });
  await spoil(folder);
  return folder;
}

async function flipOneByte(path: string): Promise<void> {
  const file = await open(path, 'r+');
  const { size } = await file.stat();
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, Math.floor(size / 2));
  await file.write(Buffer.from([byte[0]! ^ 1]), 0, 1, Math.floor(size / 2));
  await file.close();
}

describe('a backup taken while VMs come and go', () => {
  it('brings back the VMs of its moment with machines, users and deadlines, after the Temporal file was lost', async () => {
    const stays = await readyVm('stays', { idle: { timeoutSeconds: 2 } });
    ann = await joinChat(stays.address!.ip, 8080, 'lobby', 'ann');
    await eventually(async () => expect(await vmNow('stays')).toMatchObject({ connections: 1 }), 30_000);
    const dated = await readyVm('dated', { maxLifetimeSeconds: 900 });
    const goes = await readyVm('goes');
    const churning = churn();
    for (let round = 0; round < 2; round += 1) {
      const made = await npm('backup', '--to', backups, '--keep', '1');
      expect(made.code, made.output).toBe(0);
      expect(made.output).toContain('administrator');
    }
    expect(await churning.stop()).toBeGreaterThan(0);
    const names = await readdir(backups);
    expect(names).toHaveLength(1);
    const backup = join(backups, names[0]!);
    expect((await stat(backup)).mode & 0o777).toBe(0o700);
    for (const file of await readdir(backup)) expect((await stat(join(backup, file))).mode & 0o777).toBe(0o600);
    expect((await readdir(backup)).sort()).toEqual([
      'api-key',
      'keys.json',
      'manifest.json',
      'secret-key',
      'temporal.db',
    ]);

    await destroy('goes');
    const later = await readyVm('later');
    const refused = await npm('restore', backup);
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.output).toContain('stop it first');
    await killEverythingButMachines();
    for (const file of ['temporal.db', 'temporal.db-wal', 'temporal.db-shm'])
      await rm(join(stateDir, file), { force: true });
    const restored = await npm('restore', backup);
    expect(restored.code, restored.output).toBe(0);
    start = await started();

    expect(await vmNow('stays')).toMatchObject({ state: 'running', machineId: stays.machineId, connections: 1 });
    ann.say('still here');
    await ann.hears('still here');
    expect(await vmNow('dated')).toMatchObject({ state: 'running', nextDeadline: dated.nextDeadline });
    await eventually(
      async () => expect(await vmNow('goes')).toMatchObject({ state: 'failed', reason: 'lost' }),
      60_000,
    );
    expect((await vmNow('goes')).machineId).toBe(goes.machineId);
    expect((await (await callsOf(stateDir)).getVm('later')).status).toBe(404);
    await eventually(async () => {
      const { body } = await (await callsOf(stateDir)).drySweep();
      const strays = body.sweeps.flatMap(({ machines }) => machines);
      expect(strays).toContainEqual(
        expect.objectContaining({ machineId: later.machineId, vm: 'later', verdict: 'unattributed', action: 'none' }),
      );
    }, 60_000);
    const bob = await joinChat(later.address!.ip, 8080, 'lobby', 'bob');
    await bob.leave();
    await ann.leave();
    await eventually(
      async () => expect(await vmNow('stays')).toMatchObject({ state: 'destroyed', reason: 'idle' }),
      60_000,
    );
    await rm(backup, { recursive: true });
  });

  it('is refused when it is damaged, incomplete or of somebody else, and nothing is touched', async () => {
    const made = await npm('backup', '--to', backups);
    expect(made.code, made.output).toBe(0);
    await start.pressCtrlC();
    const names = (await readdir(backups)).filter((name) => name.startsWith('2'));
    const backup = join(backups, names.sort().at(-1)!);
    const wrong: [string, string, string[]][] = [
      ['damaged', await spoiled(backup, (folder) => flipOneByte(join(folder, 'temporal.db'))), []],
      ['missing', await spoiled(backup, (folder) => rm(join(folder, 'keys.json'))), []],
      ['no backup', await spoiled(backup, (folder) => rm(join(folder, 'manifest.json'))), []],
      ['damaged', await spoiled(backup, (folder) => writeFile(join(folder, 'manifest.json'), '{')), []],
      ['of deployment default', backup, ['--deployment', 'another']],
    ];
    const before = (await readdir(stateDir)).sort();
    for (const [why, folder, args] of wrong) {
      const { code, output } = await npm('restore', folder, ...args);
      expect({ code, output }).toEqual({ code: 1, output: expect.stringContaining(why) as string });
    }
    expect((await readdir(stateDir)).sort()).toEqual(before);
    await writeFile(join(stateDir, 'secret-key'), `${'ab'.repeat(32)}\n`);
    const keyless = await spoiled(backup, async (folder) => {
      const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as { files: object };
      Reflect.deleteProperty(manifest.files, 'secret-key');
      await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest));
    });
    expect((await npm('restore', keyless)).output).toContain('another secret');
  });

  it('is found by the path that docs/backup.md shows, and by the command that it prints', async () => {
    const made = await npm('backup');
    expect(made.code, made.output).toBe(0);
    const [name] = await readdir(join(stateDir, 'backups'));
    expect(made.output).toContain(`npm run restore -- ${join(stateDir, 'backups', name!)}`);
    for (const path of [`backups/${name!}`, name!]) {
      const restored = await npm('restore', path);
      expect(restored.code, restored.output).toBe(0);
    }
    const unknown = await npm('restore', 'backups/never-made');
    expect(unknown).toMatchObject({ code: 1 });
    expect(unknown.output).toContain('there is no backup backups/never-made');
  });
});

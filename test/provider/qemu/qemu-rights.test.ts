/** What the QEMU of a guest may do on its host, and what others there can read of the guest. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chown, copyFile, mkdir, readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterEach, describe, expect, it } from 'vitest';
import type { Machine } from '../../../domain/machine/provider.ts';
import { GUEST_UIDS } from '../../../providers/qemu/machine/guest-users.ts';
import { findNetwork } from '../../../providers/qemu/network/find-network.ts';
import { copyOf } from '../../../test-support/machines/qemu-image-layer.ts';
import {
  BOOT_MS,
  askPort,
  guestRequest,
  guestSpec,
  processesOf,
  setUpGuests,
  whyNoGuests,
} from '../../../test-support/machines/qemu-harness.ts';

const never = { signal: new AbortController().signal };
const LIFE = fileURLToPath(new URL('../../../test-support/machines/qemu-life-elsewhere.ts', import.meta.url));
/** The user that owns nothing. */
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const SECRET = 'correct-horse-battery-staple';

describe.skipIf(whyNoGuests())('the QEMU of a guest', () => {
  const setUp = setUpGuests();
  let maker: ChildProcess | undefined;
  afterEach(() => {
    maker?.kill('SIGKILL');
  });

  it('runs without the rights of root, also when root starts it, and can get none', async () => {
    const harness = await setUp.start(setUp.built);
    const { machineId } = await harness.provider.create(guestRequest(), never);
    const [pid] = await processesOf(harness.dirOf(machineId));
    const status = await statusOf(pid!);
    const [user] = status.users;
    expect(status.users).toEqual(Array(4).fill(user));
    expect(isRoot ? user! >= GUEST_UIDS.first : user === process.getuid!()).toBe(true);
    expect(status.groups).not.toContain(0);
    expect(status.capabilities).toBe(0n);
    expect(status).toMatchObject({ hasSystemCallFilter: true, hasNoNewRights: true });
  });

  it.skipIf(!isRoot)(
    'has a user of its own where root starts it, also for the next worker, until it is destroyed',
    async () => {
      const harness = await setUp.start(setUp.built);
      const users = join(harness.options.stateDir, 'machines-qemu-users');
      const requests = [guestRequest(), guestRequest({ spec: guestSpec({ diskGb: 1 }) })];
      const uids: number[] = [];
      for (const request of requests) {
        const { machineId } = await harness.provider.create(request, never);
        const dir = harness.dirOf(machineId);
        const [pid] = await processesOf(dir);
        const [uid] = (await statusOf(pid!)).users;
        uids.push(uid!);
        expect(await readFile(join(users, `${uid!}`), 'utf8')).toBe(machineId);
        const files = (await readdir(dir)).filter((name) => ['console.log', 'disk.qcow2', 'disk.raw'].includes(name));
        for (const name of files) expect((await stat(join(dir, name))).uid, name).toBe(uid);
        // What belongs to the worker stays the worker's: a guest's user cannot even enter there.
        for (const path of [dir, join(dir, 'machine.json'), join(dir, 'process.json')]) {
          expect((await stat(path)).uid).toBe(0);
        }
        expect((await stat(dir)).mode & 0o077).toBe(0);
      }
      expect(new Set(uids).size).toBe(2);
      expect(await harness.restarted().create(requests[0]!, never)).toMatchObject({ status: 'running' });
      expect((await readdir(users)).sort()).toEqual(uids.map(String).sort());
      await harness.restarted().destroy(requests[0]!.machineId, never);
      expect(await readdir(users)).toEqual([`${uids[1]!}`]);
      await harness.provider.destroy(requests[1]!.machineId, never);
      expect(await readdir(users)).toEqual([]);
    },
  );

  it('shows no secret of its guest to other users of the host', async () => {
    const harness = await setUp.start(setUp.built);
    const request = guestRequest({ spec: guestSpec({ env: { ROOM_PASSWORD: SECRET } }) });
    const { machineId } = await harness.provider.create(request, never);
    const dir = harness.dirOf(machineId);
    const [pid] = await processesOf(dir);
    for (const file of ['cmdline', 'environ'])
      expect(await readFile(`/proc/${pid!}/${file}`, 'utf8')).not.toContain(SECRET);
    expect((await stat(dir)).mode & 0o077).toBe(0);
    const telling = [];
    for (const { name } of (await readdir(dir, { withFileTypes: true })).filter((entry) => entry.isFile())) {
      if (!(await readFile(join(dir, name), 'utf8')).includes(SECRET)) continue;
      telling.push(name);
      expect((await stat(join(dir, name))).mode & 0o077, name).toBe(0);
    }
    expect(telling).toEqual(['assignment.json']);
  });

  it('lives a whole life in the hands of a user without rights', async () => {
    const { built, directory } = setUp;
    const stateDir = join(directory, 'state');
    await mkdir(stateDir);
    const program = await programIn(directory);
    const image = await copyOf(built, directory);
    // In a network of the guest's own, which that user makes too.
    const options = { stateDir, deployment: 'test', hostId: 'here', image, network: await findNetwork() };
    const user = isRoot ? { uid: NOBODY, gid: NOBODY } : {};
    if (isRoot) for (const path of [directory, stateDir]) await chown(path, NOBODY, NOBODY);
    maker = spawn(program.node, [program.script], {
      ...user,
      cwd: directory,
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { PATH: process.env['PATH'] },
    });
    const manifests = { options, request: guestRequest(), timeoutMs: 2 * BOOT_MS };
    maker.stdin!.write(`${JSON.stringify(manifests)}\n`);
    const machines = join(stateDir, 'machines-qemu');
    const died = once(maker, 'exit').then(async ([code]) => {
      throw new Error(`the maker ended with ${String(code)}; its guest's console:\n${await consolesIn(machines)}`);
    });
    const printed = once(createInterface({ input: maker.stdout! }), 'line') as Promise<[string]>;
    const [line] = await Promise.race([printed, died]);
    died.catch(() => undefined);
    const machine = JSON.parse(line) as Machine;

    const pids = await processesOf(machines);
    expect(pids).toHaveLength(1);
    for (const pid of [maker.pid!, pids[0]!]) {
      const { users, capabilities } = await statusOf(pid);
      expect(users).not.toContain(0);
      expect(capabilities).toBe(0n);
    }
    expect(await askPort(machine)).toContain('200');
    const ended = once(maker, 'exit');
    maker.stdin!.end();
    expect(await ended).toEqual([0, null]);
    expect(await readdir(machines)).toEqual([]);
    expect(await processesOf(machines)).toEqual([]);
  }, 200_000);
});

async function consolesIn(machines: string): Promise<string> {
  const names = await readdir(machines).catch(() => []);
  const texts = names.map((name) => readFile(join(machines, name, 'console.log'), 'utf8').catch(String));
  return (await Promise.all(texts)).map((text) => text.slice(-4000)).join('\n');
}

/** One file and a Node where every user may read them, wherever this checkout is. */
async function programIn(directory: string): Promise<{ node: string; script: string }> {
  const [node, script] = [join(directory, 'node'), join(directory, 'life.mjs')];
  await copyFile(process.execPath, node);
  await build({
    entryPoints: [LIFE],
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  });
  return { node, script };
}

interface ProcessStatus {
  /** Real, effective, saved and file system user. */
  users: number[];
  groups: number[];
  /** Effective, permitted and inheritable ones as one set. */
  capabilities: bigint;
  hasSystemCallFilter: boolean;
  hasNoNewRights: boolean;
}

async function statusOf(pid: number): Promise<ProcessStatus> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8');
  const line = (name: string): string => new RegExp(`^${name}:(.*)$`, 'm').exec(text)?.[1]?.trim() ?? '';
  const numbers = (name: string): number[] => line(name).split(/\s+/).filter(Boolean).map(Number);
  const set = (name: string): bigint => BigInt(`0x${line(name)}`);
  return {
    users: numbers('Uid'),
    groups: [...numbers('Gid'), ...numbers('Groups')],
    capabilities: set('CapEff') | set('CapPrm') | set('CapInh'),
    hasSystemCallFilter: line('Seccomp') === '2',
    hasNoNewRights: line('NoNewPrivs') === '1',
  };
}

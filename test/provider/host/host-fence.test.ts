import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { identify, isAlive } from '../../../lib/processes/process-identity.ts';
import { secondsSinceBoot } from '../../../lib/processes/seconds-since-boot.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { LeaseFile } from '../../../worker/host/fence/lease-file.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const FENCE = join(ROOT, 'worker/host/fence/main.ts');

let stateDir: string;
const children: ChildProcess[] = [];
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'eph-fence-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
  await rm(stateDir, { recursive: true, force: true });
});

function run(args: string[], cwd = ROOT): ChildProcess {
  const child = spawn(process.execPath, args, { cwd, detached: true, stdio: 'ignore' });
  children.push(child);
  return child;
}

/** What stands for a machine: a process that leads its session and is named in its directory. */
async function machine(folder: string, machineId: string): Promise<ChildProcess> {
  const dir = join(stateDir, folder, machineId);
  await mkdir(dir, { recursive: true });
  const child = run(['-e', 'setInterval(() => undefined, 1000)', dir], dir);
  await once(child, 'spawn');
  await writeFile(join(dir, 'process.json'), JSON.stringify(await identify(child.pid!)));
  return child;
}

function fence(...nodeOptions: string[]): ChildProcess {
  return run([...nodeOptions, '--import', import.meta.resolve('tsx'), FENCE], stateDir);
}

const lives = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode === null && signalCode === null;
/** When a lease was renewed that is over by now. */
const overdue = (lostSeconds: number): number => secondsSinceBoot() - lostSeconds;

describe('the fence of a state directory', () => {
  it('stops the machines of every provider when the lease is over, also one without a record', async () => {
    const worker = await LeaseFile.open(stateDir, { lostSeconds: 15, temporalPort: null });
    await worker.renew(secondsSinceBoot());
    const machines = [await machine('machines', 'm-1'), await machine('machines-qemu', 'm-2')];
    const unrecorded = await machine('machines', 'm-3');
    await rm(join(stateDir, 'machines', 'm-3', 'process.json'));
    fence();
    await new Promise((resolve) => setTimeout(resolve, 2000));
    expect([...machines, unrecorded].every(lives)).toBe(true);
    await worker.renew(overdue(15));
    await eventually(() => expect([...machines, unrecorded].some(lives)).toBe(false), 10_000);
    await worker.close();
  });

  it('goes by a shorter time as soon as a worker announces it, also when that worker never gets a lease', async () => {
    const before = await LeaseFile.open(stateDir, { lostSeconds: 600, temporalPort: null });
    await before.renew(overdue(15));
    await before.close();
    const worker = await LeaseFile.open(stateDir, { lostSeconds: 15, temporalPort: null });
    const one = await machine('machines', 'm-1');
    fence();
    await new Promise((resolve) => setTimeout(resolve, 2000));
    expect(lives(one)).toBe(true);
    // From now on the registry calls it lost after 15 s.
    await worker.announce(overdue(15));
    await eventually(() => expect(lives(one)).toBe(false), 10_000);
    await worker.close();
  });

  it('does not go by the wall clock: one that jumps a minute changes nothing', async () => {
    const worker = await LeaseFile.open(stateDir, { lostSeconds: 30, temporalPort: null });
    await worker.renew(secondsSinceBoot());
    const one = await machine('machines', 'm-1');
    const jump = 'const real = Date.now; Date.now = () => real() + 60_000;';
    fence('--import', `data:text/javascript,${encodeURIComponent(jump)}`);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    expect(lives(one)).toBe(true);
    await worker.close();
  });

  it('that was stopped itself for too long stops the machines first thing when it goes on', async () => {
    const worker = await LeaseFile.open(stateDir, { lostSeconds: 15, temporalPort: null });
    await worker.renew(secondsSinceBoot());
    const one = await machine('machines', 'm-1');
    const fenced = fence();
    await new Promise((resolve) => setTimeout(resolve, 2000));
    fenced.kill('SIGSTOP');
    await worker.renew(overdue(15));
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(lives(one)).toBe(true);
    fenced.kill('SIGCONT');
    await eventually(() => expect(lives(one)).toBe(false), 3000);
    await worker.close();
  });

  it('is one alone, and ends when no worker and no machine is left', async () => {
    const first = fence();
    await eventually(async () => expect(await isAlive((await identify(first.pid!))!)).toBe(true));
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const second = fence();
    await once(second, 'exit');
    expect(lives(first)).toBe(true);
    await eventually(() => expect(lives(first)).toBe(false), 15_000);
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { identify, isAlive } from '../../../lib/processes/process-identity.ts';
import { holdLock, tryLock } from '../../../lib/processes/process-lock.ts';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ephemera-lock-'));
  path = join(directory, 'lock');
});
afterEach(() => rmSync(directory, { recursive: true }));

const taken = { pid: process.pid, startedAt: expect.any(String) as string };

describe('a process lock', () => {
  it('is held by one and free again after unlock', async () => {
    const lock = await tryLock(path);
    expect(await tryLock(path)).toEqual({ heldBy: taken });
    if ('unlock' in lock) await lock.unlock();
    expect(existsSync(path)).toBe(false);
    expect(await tryLock(path)).toHaveProperty('unlock');
  });

  it('of a process that died is taken over by exactly one of many', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    const dead = { pid: child.pid, startedAt: '1' };
    await once(child, 'exit');
    writeFileSync(path, JSON.stringify(dead));
    const locks = await Promise.all(Array.from({ length: 20 }, () => tryLock(path)));
    expect(locks.filter((lock) => 'unlock' in lock)).toHaveLength(1);
  });

  it('with a reused pid or nonsense in it counts as free', async () => {
    writeFileSync(path, JSON.stringify({ pid: process.pid, startedAt: 'another time' }));
    expect(await tryLock(path)).toHaveProperty('unlock');
    writeFileSync(path, 'nonsense');
    expect(await tryLock(path)).toHaveProperty('unlock');
  });

  it('that cannot be read is an error, neither free nor held', async () => {
    mkdirSync(path);
    await expect(tryLock(path)).rejects.toThrow('EISDIR');
    await expect(holdLock(path, {})).rejects.toThrow('EISDIR');
    rmdirSync(path);
    symlinkSync('lock', path);
    await expect(tryLock(path)).rejects.toThrow('ELOOP');
  });

  it('can be waited for', async () => {
    const first = await tryLock(path);
    const waiters: number[] = [];
    const second = holdLock(path, { onWait: ({ pid }) => waiters.push(pid) });
    await expect.poll(() => waiters).toEqual([process.pid]);
    if ('unlock' in first) await first.unlock();
    await (
      await second
    )();
    expect(existsSync(path)).toBe(false);
  });
});

describe('a process identity', () => {
  it('names one process only', async () => {
    const self = await identify(process.pid);
    expect(await isAlive(self!)).toBe(true);
    expect(await isAlive({ ...self!, startedAt: '1' })).toBe(false);
    expect(await identify(2 ** 22 + 1)).toBeUndefined();
  });

  it('is an error, not an answer, where the system does not tell', async () => {
    mkdirSync(join(directory, '7', 'stat'), { recursive: true });
    await expect(identify(7, directory)).rejects.toThrow('EISDIR');
    mkdirSync(join(directory, '8'));
    writeFileSync(join(directory, '8', 'stat'), '8 (cut) S');
    await expect(identify(8, directory)).rejects.toThrow('does not tell when its process started');
    expect(await identify(9, directory)).toBeUndefined();
  });
});

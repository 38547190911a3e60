import { existsSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeMachineDirectory, type FirstFile } from '../../../providers/host/files/machine-directory.ts';

const FILES: readonly FirstFile[] = [
  ['assignment.json', '{"ports":[]}'],
  ['machine.json', '{"labels":{}}'],
];

describe("a machine's directory", () => {
  let machines: string;
  beforeEach(async () => {
    machines = await mkdtemp(join(tmpdir(), 'eph-machine-directory-'));
  });
  afterEach(async () => {
    await rm(machines, { recursive: true, force: true });
  });
  const idsSeen = (): string[] => readdirSync(machines).filter((name) => name.startsWith('m-'));

  it('is never seen without its manifest, so a death of its maker leaves no machine', async () => {
    const bare: string[] = [];
    let seen = 0;
    const made = new AbortController();
    const watch = (async () => {
      while (!made.signal.aborted) {
        for (const id of idsSeen()) if (!existsSync(join(machines, id, 'machine.json'))) bare.push(id);
        seen += 1;
        await turn();
      }
    })();
    await Promise.all(Array.from({ length: 60 }, (_, id) => makeMachineDirectory(join(machines, `m-${id}`), FILES)));
    made.abort();
    await watch;
    expect(seen).toBeGreaterThan(1);
    expect(bare).toEqual([]);
    expect(readdirSync(machines)).toHaveLength(60);
  });

  it('is made by one of many that want it', async () => {
    const dir = join(machines, 'm-1');
    const firsts = await Promise.all(Array.from({ length: 10 }, () => makeMachineDirectory(dir, FILES)));
    expect(firsts.filter((first) => first)).toHaveLength(1);
    expect((await readdir(dir)).sort()).toEqual(['assignment.json', 'machine.json']);
    expect(await readdir(machines)).toEqual(['m-1']);
  });

  it('keeps the files that it has, and gets those that it lacks', async () => {
    const dir = join(machines, 'm-1');
    await mkdir(dir);
    await writeFile(join(dir, 'assignment.json'), 'of an earlier try');
    expect(await makeMachineDirectory(dir, FILES)).toBe(true);
    expect(await readFile(join(dir, 'assignment.json'), 'utf8')).toBe('of an earlier try');
    expect(await readFile(join(dir, 'machine.json'), 'utf8')).toBe('{"labels":{}}');
    expect(await makeMachineDirectory(dir, FILES)).toBe(false);
  });

  it('is refused where a link or a file has its name', async () => {
    await symlink(tmpdir(), join(machines, 'm-link'));
    await writeFile(join(machines, 'm-file'), '');
    await expect(makeMachineDirectory(join(machines, 'm-link'), FILES)).rejects.toThrow('is not a directory');
    await expect(makeMachineDirectory(join(machines, 'm-file'), FILES)).rejects.toThrow();
    expect((await readdir(machines)).sort()).toEqual(['m-file', 'm-link']);
  });
});

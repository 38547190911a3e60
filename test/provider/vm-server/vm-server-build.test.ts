import { execFile } from 'node:child_process';
import { copyFileSync, readFileSync, statSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { buildVmServer } from '../../../commands/start/build-vm-server.ts';
import { readJson, tempDir } from '../../../test-support/vm-server-processes.ts';

const run = promisify(execFile);

describe('the built vm-server', () => {
  it('is made of its own code, the domain, lib and ws alone: no Temporal, no cloud SDK', async () => {
    const program = await buildVmServer();
    const { inputs } = readJson(join(program, '..'), 'vm-server.inputs.json') as { inputs: Record<string, string> };
    const paths = Object.keys(inputs);
    expect(paths).toContain('vm-server/main.ts');
    expect(paths.filter((path) => !/^(vm-server|domain|lib|node_modules\/ws)\//.test(path))).toEqual([]);
    expect(readFileSync(program, 'utf8')).not.toMatch(/temporalio|google-cloud|googleapis/);
  });

  it('may be read by every user: a container is built by another one than runs it', async () => {
    const program = await buildVmServer();
    for (const file of [program, join(program, '..', 'vm-server.inputs.json')])
      expect(statSync(file).mode & 0o444, file).toBe(0o444);
  });

  it('requires nothing but Node itself', async () => {
    const text = readFileSync(await buildVmServer(), 'utf8');
    const required = [...text.matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name]) => name ?? '');
    expect(required.filter((name) => !builtinModules.includes(name.replace(/^node:/, '')))).toEqual([]);
  });

  it('runs alone from an empty folder and explains itself', async () => {
    const dir = tempDir();
    const program = join(dir, 'vm-server.cjs');
    copyFileSync(await buildVmServer(), program);
    const failure = (await run(process.execPath, [program, 'machine'], { cwd: dir, env: {} }).catch(
      (error: unknown) => error,
    )) as { code: number; stderr: string };
    expect(failure.code).toBe(2);
    expect(failure.stderr).toContain('machine needs --dir <machine directory>');
    expect(failure.stderr).toContain('Usage:');
  });

  it('is built again only when something changed', async () => {
    const program = await buildVmServer();
    const { ino } = statSync(program);
    await Promise.all([buildVmServer(), buildVmServer()]);
    expect(statSync(program).ino).toBe(ino);
  });
});

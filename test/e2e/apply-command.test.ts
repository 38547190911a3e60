/** `npm run apply` as a process, against a replica with a real workflow behind it. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../../test-support/workflow/api-harness.ts';
import { startVmHarness, type VmHarness } from '../../test-support/workflow/vm-harness.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
let harness: VmHarness;
let api: TestApi;
let folder: string;

beforeAll(async () => {
  harness = await startVmHarness();
  const { queue } = await harness.park('apply');
  api = await startTestApi(harness.server, queue);
  folder = await mkdtemp(join(tmpdir(), 'eph-apply-'));
});
afterAll(async () => {
  await api.close();
  await harness.stop();
  await rm(folder, { recursive: true });
});

interface Run {
  code: number;
  stdout: string;
  stderr: string;
}

function apply(...args: string[]): Promise<Run> {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], INIT_CWD: folder, EPHEMERA_STATE_DIR: folder };
  const key = { EPHEMERA_API_KEY: api.keys.operator };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--import', 'tsx', 'commands/apply.ts', '--url', api.url, ...args],
      { cwd: ROOT, env: { ...env, ...key } },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

const file = async (name: string, text: string): Promise<string> => {
  await writeFile(join(folder, name), text);
  return name;
};
const names = async (): Promise<string[]> => {
  const { body } = await api.call('GET', '/v1/templates');
  return (body.templates ?? []).filter(({ builtIn }) => !builtIn).map(({ name, version }) => `${name} ${version}`);
};

const TWO = `name: arena
spec:
  image: vm-server
  cpus: 1
---
name: lobby
spec: { image: vm-server }
`;

describe('npm run apply', () => {
  it('shows what would change, needs --yes where nobody can answer, and then does it', async () => {
    const two = await file('two.yaml', TWO);
    const dry = await apply(two, '--dry-run');
    expect([dry.code, dry.stderr]).toEqual([0, '']);
    expect(dry.stdout).toContain('+ arena: new, version 1\n  + cpus: 1\n  + image: vm-server\n');
    expect(dry.stdout).toContain('nothing was changed');
    expect(dry.stdout).not.toContain('\u001b[');
    const unasked = await apply(two);
    expect([unasked.code, unasked.stderr]).toEqual([1, expect.stringContaining('add --yes')]);
    expect(await names()).toEqual([]);
    const done = await apply(two, '--yes');
    expect([done.code, done.stderr]).toEqual([0, '']);
    expect(done.stdout).toContain('✓ lobby: version 1');
    expect(await names()).toEqual(['arena 1', 'lobby 1']);
    const again = await apply(two, '--yes');
    expect(again.stdout).toBe('= arena, lobby: as it is\nnothing to change\n');
  }, 60_000);

  it('changes what differs and, with --prune, deletes what no file has; built-in templates stay', async () => {
    const one = await file('one.json', '[{"name": "arena", "spec": {"cpus": 2, "image": "vm-server"}}]');
    const done = await apply(one, '--prune', '--yes');
    expect([done.code, done.stderr]).toEqual([0, '']);
    expect(done.stdout).toContain('~ arena: version 1 -> 2\n  - cpus: 1\n  + cpus: 2\n    image: vm-server\n');
    expect(done.stdout).toContain('- lobby: deleted (version 1)');
    expect(await names()).toEqual(['arena 2']);
  }, 60_000);

  it('names file and line of every mistake of every file at once, and changes nothing', async () => {
    const before = await names();
    const bad = await file(
      'bad.yaml',
      `name: arena
spec:
  image: vm-server
  cpus: two
  ports:
    - name: http
      port: 99999
  memory: 1
---
name: cave
spec:
  image: vm-server
  egress: true
  idle:
    timeoutSeconds: 0
---
name: lake
spec:
  image: vm-server
  spot: true
  egress: true
---
name: pond
spec: { image: vm-server }
reuse: sometimes
---
spec: {}
`,
    );
    const broken = await file('broken.yaml', 'name: a\nspec: {image: x\n');
    const twice = await file('twice.yaml', 'name: good\nspec: { image: vm-server }\n---\nname: good\nspec: {}\n');
    const run = await apply(bad, broken, twice, 'missing.yaml', '--yes');
    expect([run.code, run.stdout]).toEqual([1, '']);
    const lines = [...run.stderr.matchAll(/^ {2}([\w.]+:\d+): (.*)$/gm)].map(([, place, text]) => `${place} ${text}`);
    const expected = [
      ...['bad.yaml:4 spec.cpus', 'bad.yaml:7 spec.ports.0.port', 'bad.yaml:8 spec.memory'],
      ...['bad.yaml:15 spec.idle.timeoutSeconds', 'bad.yaml:20 spec.spot', 'bad.yaml:21 spec.egress'],
      ...['bad.yaml:25 reuse', 'bad.yaml:27 name: needed', 'broken.yaml:'],
      ...['twice.yaml:4 the template good is in twice.yaml:1', 'twice.yaml:5 spec.image: needed'],
      'missing.yaml:1 cannot be read (ENOENT)',
    ];
    for (const text of expected)
      expect(
        lines.filter((line) => line.startsWith(text)),
        text,
      ).not.toEqual([]);
    expect(run.stderr).toContain('and nothing was changed');
    expect(await names()).toEqual(before);
  }, 60_000);

  it('shows that VMs which drain are given to others from now on', async () => {
    const run = await apply(
      await file('pond.yaml', 'name: pond\nspec: { image: vm-server }\nreuse: shared\nrollIdle: true\n'),
      '--dry-run',
    );
    expect([run.code, run.stderr]).toEqual([0, '']);
    expect(run.stdout).toContain(
      '+ pond: new, version 1\n  + reuse: shared\n  + rollIdle: true\n  + spec:\n  +   image: vm-server\n',
    );
  }, 60_000);

  it('shows a change of warm alone as one that replaces no machine, one of rollIdle as one for idle VMs, and makes no version for either', async () => {
    const cave = (more: string): Promise<string> =>
      file('cave.yaml', `name: cave\nspec: { image: vm-server }\n${more}`);
    expect((await apply(await cave('warm: { min: 0, max: 2, ttlSeconds: 60 }\n'), '--yes')).code).toBe(0);
    const changed = await cave('warm: { min: 1, max: 2, ttlSeconds: 60 }\n');
    const run = await apply(changed, '--yes');
    expect([run.code, run.stderr]).toEqual([0, '']);
    expect(run.stdout).toContain('~ cave: version 1 stays, and nothing is replaced\n');
    expect(run.stdout).toContain('  -   min: 0\n  +   min: 1\n');
    expect(run.stdout).toContain('✓ cave: version 1');
    expect((await apply(changed, '--yes')).stdout).toContain('nothing to change');
    const rolls = await apply(await cave('warm: { min: 1, max: 2, ttlSeconds: 60 }\nrollIdle: true\n'), '--dry-run');
    expect(rolls.stdout).toContain('~ cave: version 1 stays, and idle VMs of earlier ones go\n  + rollIdle: true\n');
  }, 60_000);

  it('says what is missing: a file, a key that is good, an API that answers', async () => {
    const two = await file('two.yaml', TWO);
    expect((await apply()).stderr).toContain('no file is named');
    const keyFile = await file('key', 'eph_00000000_garbage');
    const refused = await apply(two, '--key-file', join(folder, keyFile));
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('answered 401')]);
    const nobody = await apply(two, '--url', 'http://127.0.0.1:1');
    expect([nobody.code, nobody.stderr]).toEqual([1, expect.stringContaining('does not answer')]);
  }, 60_000);
});

/** The command line against a running deployment: piped, on a terminal, and completed by a shell. */
import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, connect, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Vm } from '../../client/ephemera.ts';
import { removeRunFile, writeRunFile } from '../../commands/start/run-file.ts';
import { identify } from '../../lib/processes/process-identity.ts';
import {
  BUILT,
  buildCommand,
  LAUNCHER,
  removeBuiltCommand,
  RunningEphemera,
  runEphemera,
} from '../../test-support/cli/ephemera-command.ts';
import { freePort } from '../../test-support/free-port.ts';
import { startStack, type Stack } from '../../test-support/stack.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';

const MIB = 1024 * 1024;

let server: TestServer;
let stack: Stack;
let folder: string;
let env: Record<string, string>;
const listeners: Server[] = [];

beforeAll(async () => {
  await buildCommand();
  server = await startTestServer();
  stack = await startStack({ server });
  folder = await mkdtemp(join(tmpdir(), 'eph-cli-'));
  env = {
    ...{ PATH: process.env['PATH'] ?? '', HOME: folder, XDG_CONFIG_HOME: join(folder, 'config') },
    ...{ EPHEMERA_STATE_DIR: join(folder, 'nothing-here') },
    ...{ EPHEMERA_API_URL: stack.apis[0]!.url, EPHEMERA_API_KEY: stack.apiKey },
  };
});
afterAll(async () => {
  for (const one of listeners) one.close();
  await removeBuiltCommand();
  await stack.stop();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const run = (args: string, more: { input?: string | Buffer; env?: Record<string, string>; cwd?: string } = {}) =>
  runEphemera(args.split(' '), { ...more, env: { ...env, ...more.env } });
const onTerminal = (args: string, size = { rows: 24, columns: 80 }, more = {}) =>
  new RunningEphemera(args.split(' '), { env: { ...env, ...more }, size });
const newName = (): string => `vm-${randomUUID().slice(0, 8)}`;

async function create(name = newName()): Promise<string> {
  const made = await run(`create ${name} -t chat --wait -o name --set idle.firstConnectTimeoutSeconds=3000`);
  expect(made, await stack.logs()).toMatchObject({ code: 0, stdout: `${name}\n` });
  return name;
}

describe('piped', () => {
  it('a VM is made, shown, held, and ended, and each step says what it is', async () => {
    const name = newName();
    const made = await run(`create ${name} -t chat --wait -l game=42 --set idle.firstConnectTimeoutSeconds=3000`);
    expect(made.stdout).toMatch(new RegExp(`^${name}: running at 127\\.[\\d.]+:8080 after \\d+\\.\\d s\n$`));
    expect(made.stderr).toMatch(new RegExp(`^${name}: asked for .*\n(${name}: \\w+.* \\(\\d+\\.\\d s\\)\n)+$`));
    expect((await run('ls -l game=42')).stdout).toMatch(/^NAME +STATE +WHY .*\nvm-\w+ +running +firstConnectGrace +0 /);
    const [listed] = JSON.parse((await run('ls -l game=42 -o json')).stdout) as Vm[];
    expect(listed).toMatchObject({ name, state: 'running' });
    expect(parse((await run(`get ${name} -o yaml`)).stdout)).toMatchObject({ uid: listed!.uid });
    expect((await run(`get ${name}`)).stdout).toMatch(
      /^Name: +vm-.*\nState: +running\nAlive because: +firstConnectGrace\n/,
    );
    expect((await run(`hold ${name} 600 -o json`)).stdout).toContain('"holdUntil"');
    expect((await run(`timeline ${name}`)).stdout).toMatch(/KIND +STATE.*\n.*creating/);
    const gone = await run(`rm ${name} --wait -q`);
    expect(gone).toMatchObject({ code: 0, stderr: '', stdout: `${name}: destroyed: requested\n` });
    expect((await run('ls -l game=42')).stderr).toContain('no VMs');
    expect((await run('ls -l game=42 --all -o name')).stdout).toBe(`${name}\n`);
  });

  it('every failure has its exit code, and says what may have been meant', async () => {
    const name = await create();
    const missing = await run(`get ${name.slice(0, -1)}x`);
    expect(missing).toMatchObject({ code: 3, stdout: '' });
    expect(missing.stderr).toContain(`did you mean ${name}?`);
    const unknown = await run('craete');
    expect(unknown).toMatchObject({ code: 2 });
    expect(unknown.stderr).toContain('Did you mean create?');
    expect((await run(`create ${name} -t chat --cpus many`)).code).toBe(2);
    expect((await run(`create ${name} -t no-such-template`)).code).toBe(2);
    const wrongKey = await run('ls', { env: { EPHEMERA_API_KEY: 'wrong' } });
    expect(wrongKey).toMatchObject({ code: 4 });
    expect(wrongKey.stderr).toMatch(/unauthenticated, request /);
    const late = await run(`wait ${name} --for ended --timeout 1`);
    expect(late).toMatchObject({ code: 5 });
    expect(late.stderr).toContain(`${name} was not ended within 1 s: it is running`);
    expect((await run(`create ${name} -t chat -l other=spec`)).code).toBe(6);
    const nobody = await run('ls', { env: { EPHEMERA_API_URL: `http://127.0.0.1:${await freePort()}` } });
    expect(nobody).toMatchObject({ code: 7 });
    expect(nobody.stderr).toContain('ECONNREFUSED');
    const nothing = await run('ls', { env: { EPHEMERA_API_URL: '', EPHEMERA_API_KEY: '' } });
    expect(nothing).toMatchObject({ code: 4 });
    expect(nothing.stderr).toContain('ephemera login URL');
  });

  it('what a machine keeps comes back: stop and start, close and reopen', async () => {
    const name = await create();
    expect((await run(`exec ${name} -- sh -c`.concat(' echo>kept'))).code).toBe(0);
    expect((await run(`stop ${name} --wait`)).stdout).toMatch(/: stopped: requested\n$/);
    expect((await run(`start ${name} --wait`)).stdout).toMatch(/: running\n$/);
    expect((await run(`close ${name} --wait`)).stdout).toMatch(/: destroyed: closed\n$/);
    expect((await run('sessions -o name')).stdout).toContain(name);
    expect((await run('images')).stdout).toContain(name);
    expect((await run(`reopen ${name} --wait`)).stdout).toMatch(/: running\n$/);
    expect((await run(`exec ${name} ls kept`)).stdout).toBe('kept\n');
    expect((await run(`drain ${name} --wait`)).stdout).toMatch(/: destroyed: drained\n$/);
  });

  it('events are told as they happen, and webhooks are asked for like everything else', async () => {
    const events = new RunningEphemera(['events', '-o', 'json', '--kind', 'vm.hold'], { env });
    await events.until(/listening/);
    const name = await create();
    await run(`hold ${name} 600`);
    const told = await events.until(/"kind":"vm.hold"/);
    expect(JSON.parse(told.split('\n').find((line) => line.startsWith('{'))!)).toMatchObject({ vm: name });
    events.signal('SIGINT');
    expect(await events.end()).toBe(130);
    expect(events.text).toMatch(/ephemera events --after \S+/);
    expect((await run('webhooks')).stderr).toContain('no webhooks');
    const refused = await run('webhooks add http://127.0.0.1:1/hook');
    expect(refused.code).toBe(6);
    expect(refused.stderr).toContain('webhookTargetRefused');
    expect((await run(`console ${name}`)).code).toBe(0);
  });

  it('templates, pools, hosts and keys are listed, and a script of the deployment prints what npm prints', async () => {
    expect((await run('templates')).stdout).toMatch(/NAME +VERSION.*\nchat +\d/);
    expect((await run('pools')).stderr).toContain('no pools');
    expect((await run('hosts -o name')).code).toBe(0);
    const added = await run('keys add --project default --role viewer --label cli');
    expect(added.stdout).toMatch(/^\S+\n$/);
    const id = added.stderr.split(' ')[0]!;
    expect((await run('keys', { env: { EPHEMERA_API_KEY: added.stdout.trim() } })).code).toBe(4);
    expect((await run(`keys revoke ${id}`)).stdout).toMatch(/revoked/);
    await writeFile(join(folder, 'templates.yaml'), 'name: cli-made\nspec: { image: vm-server }\n');
    const applied = await run('apply templates.yaml --yes', { cwd: folder });
    expect(applied, applied.stderr).toMatchObject({ code: 0 });
    expect(applied.stdout).toContain('cli-made: version 1');
    expect((await run('templates get cli-made -o json')).stdout).toContain('"version": 1');
    const asInCheckout = await runEphemera(['apply', '--help'], { env, program: LAUNCHER, cwd: folder });
    expect(asInCheckout.stdout).toContain('npm run apply -- FILE…');
    expect((await run('apply')).stderr).toContain('npm run apply');
  });
});

describe('into a VM', () => {
  it('a command has its input, its output and its exit code', async () => {
    const name = await create();
    const data = randomBytes(3 * MIB);
    const echoed = await run(`exec ${name} cat`, { input: data });
    expect(echoed.code).toBe(0);
    expect(echoed.output.equals(data)).toBe(true);
    const failed = await runEphemera(['exec', name, 'sh', '-c', 'echo out; echo err >&2; exit 42'], { env });
    expect(failed).toMatchObject({ code: 42, stdout: 'out\n', stderr: 'err\n' });
    expect((await run(`exec ${name} no-such-program`)).code).toBe(125);
    expect((await run(`exec --timeout 1 ${name} sleep 30`)).code).toBe(124);
    expect((await run(`exec -t ${name} sh`)).stderr).toContain('a terminal needs one here');
    expect((await run('exec no-such-vm true')).code).toBe(125);
  });

  it('files and directories go in and out as with cp', async () => {
    const name = await create();
    const data = randomBytes(2 * MIB);
    await mkdir(join(folder, 'site/deep'), { recursive: true });
    await writeFile(join(folder, 'site/deep/large'), data);
    await writeFile(join(folder, 'word'), 'a word\n');
    const cp = async (args: string): Promise<void> => {
      const copied = await run(`cp ${args}`, { cwd: folder });
      expect(copied.code, copied.stderr).toBe(0);
    };
    await cp(`site ${name}:srv`);
    await cp(`site ${name}:srv`);
    await cp(`word ${name}:srv/renamed`);
    await cp(`word ${name}:srv`);
    expect((await runEphemera(['exec', name, 'sh', '-c', 'cd srv; find . -type f | sort'], { env })).stdout).toBe(
      './deep/large\n./renamed\n./site/deep/large\n./word\n',
    );
    await cp(`${name}:srv/deep back`);
    expect((await readFile(join(folder, 'back/large'))).equals(data)).toBe(true);
    await cp(`${name}:srv/renamed .`);
    await cp(`${name}:srv/word other-name`);
    expect(await readFile(join(folder, 'renamed'), 'utf8')).toBe('a word\n');
    expect(await readFile(join(folder, 'other-name'), 'utf8')).toBe('a word\n');
    expect((await run(`cp ${name}:no/such .`, { cwd: folder })).code).toBe(3);
    const tar = await run(`cp ${name}:srv/word -`);
    expect(tar.output.subarray(257, 262).toString()).toBe('ustar');
  });

  it('a port is forwarded, whole in both directions, and Ctrl-C ends it', async () => {
    const name = await create();
    const { address } = JSON.parse((await run(`get ${name} -o json`)).stdout) as Vm;
    const echo = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
    listeners.push(echo);
    await new Promise<void>((resolve) => echo.listen(0, address!.ip, resolve));
    const forward = new RunningEphemera(['forward', name, `0:${(echo.address() as AddressInfo).port}`], { env });
    const shown = await forward.until(/127\.0\.0\.1:\d+ -> /);
    const port = Number(/:(\d+) ->/.exec(shown)![1]);
    const sent = randomBytes(8 * MIB);
    const got = await Promise.all(
      [1, 2, 3].map(async () => {
        const socket = connect(port, '127.0.0.1');
        socket.end(sent);
        const chunks: Buffer[] = [];
        for await (const chunk of socket) chunks.push(chunk as Buffer);
        return Buffer.concat(chunks);
      }),
    );
    for (const one of got) expect(one.equals(sent), forward.text).toBe(true);
    forward.signal('SIGINT');
    expect(await forward.end()).toBe(130);
  });
});

describe('on a terminal', () => {
  it('a wait shows its state and time on one line, and Ctrl-C says how to go on and leaves the VM alone', async () => {
    const name = newName();
    const args = `create ${name} -t chat --wait --set idle.firstConnectTimeoutSeconds=3000`;
    await stack.worker.kill();
    const waiting = onTerminal(args);
    await waiting.until(new RegExp(`⠋|⠙.*${name}: creating.*\\(\\d+\\.\\d s\\)`));
    waiting.type('\u0003');
    expect(await waiting.end()).toBe(130);
    expect(waiting.plainText).toContain(`ephemera get ${name}   wait again: ephemera wait ${name}`);
    expect(waiting.text).toContain('\r\u001b[2K');
    await stack.worker.start();
    const again = onTerminal(`wait ${name}`);
    expect(await again.end()).toBe(0);
    expect(again.plainText).toMatch(/: running\n$/);
  });

  it('a table fits its width and has colours, unless NO_COLOR asks for none', async () => {
    await create();
    const narrow = onTerminal('ls', { rows: 24, columns: 44 });
    expect(await narrow.end()).toBe(0);
    expect(narrow.text).toMatch(/\u001b\[32mrunning/);
    for (const line of narrow.plainText.split('\n')) expect(line.length, line).toBeLessThanOrEqual(44);
    const plain = onTerminal('ls', { rows: 24, columns: 200 }, { NO_COLOR: '1' });
    expect(await plain.end()).toBe(0);
    expect(plain.text).not.toContain('\u001b[');
  });

  it('a shell has the size of the terminal, follows it, and gives it back with the exit code', async () => {
    const name = await create();
    const shell = onTerminal(`shell -e PS1=ready> ${name} sh`, { rows: 30, columns: 90 });
    await shell.until(/ready>/);
    shell.type('stty size\r');
    await shell.until(/30 90\n/);
    shell.signal('SIGUSR1');
    await expect
      .poll(
        () => {
          shell.type('stty size\r');
          return shell.plainText;
        },
        { timeout: 20_000, interval: 300 },
      )
      .toContain('50 132\n');
    shell.type('exit 7\r');
    expect(await shell.end()).toBe(7);
    const hung = onTerminal(`shell ${name} sh`);
    await hung.until(/[$#]/);
    hung.type('\r~.');
    expect(await hung.end()).toBe(125);
  });

  it('ls --watch shows a VM come and go, and Ctrl-C gives the screen back', async () => {
    const watch = onTerminal('ls --watch', { rows: 40, columns: 120 });
    await watch.until(/Ctrl-C ends/);
    const name = await create();
    await watch.until(new RegExp(`${name} +running`));
    watch.type('\u0003');
    expect(await watch.end()).toBe(130);
    expect(watch.text.endsWith('\u001b[?25h\u001b[?1049l')).toBe(true);
    const lines = new RunningEphemera(['ls', '--watch'], { env });
    await lines.until(new RegExp(`${name} +running`));
    await run(`rm ${name}`);
    await lines.until(new RegExp(`${name} +destroyed +requested`));
    lines.signal('SIGINT');
    expect(await lines.end()).toBe(130);
  });
});

describe('a deployment', () => {
  const alone = { EPHEMERA_API_URL: '', EPHEMERA_API_KEY: '' };

  it('is signed in to once, kept for its owner alone, and chosen by name', async () => {
    const url = stack.apis[0]!.url;
    const wrong = await run(`login ${url} --key-file -`, { env: alone, input: 'wrong\n' });
    expect(wrong).toMatchObject({ code: 4, stderr: expect.stringContaining('nothing was kept') as unknown });
    const signedIn = await run(`login ${url} --name prod --key-file -`, { env: alone, input: `${stack.apiKey}\n` });
    expect(signedIn, signedIn.stderr).toMatchObject({ code: 0 });
    const file = join(folder, 'config/ephemera/config.yaml');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await run('ls', { env: alone })).code).toBe(0);
    const typed = onTerminal(`login ${url} --name typed`, undefined, alone);
    await typed.until(/API key for /);
    typed.type(`${stack.apiKey}\r`);
    expect(await typed.end(), typed.plainText).toBe(0);
    expect(typed.text).not.toContain(stack.apiKey);
    expect((await run('profiles')).stdout).toMatch(/NAME +IN USE +URL\nprod +- .*\ntyped +yes /);
    expect((await run('ls --profile prdo', { env: alone })).stderr).toContain('did you mean prod?');
    const elsewhere = await run(`ls --url http://127.0.0.1:${await freePort()}`, { env: alone });
    expect(elsewhere).toMatchObject({ code: 4, stderr: expect.stringContaining('is not sent there') as unknown });
    expect((await run('use prod')).stdout).toContain(url);
    await chmod(file, 0o644);
    expect((await run('ls', { env: alone })).stderr).toContain('chmod 600');
    for (const name of ['prod', 'typed']) expect((await run(`logout ${name}`)).code).toBe(0);
    expect((await run('ls', { env: alone })).code).toBe(4);
  });

  it('that runs here is found by itself', async () => {
    const stateDir = join(folder, 'state');
    await mkdir(stateDir);
    await writeFile(join(stateDir, 'key'), stack.apiKey);
    const runs = {
      ...{ apiUrl: stack.apis[0]!.url, temporalAddress: '', temporalUiUrl: null, metricsUrls: [], pids: {} },
      ...{ keyFile: join(stateDir, 'key'), startedBy: (await identify(process.pid))! },
    };
    writeRunFile(stateDir, runs);
    const found = { ...alone, EPHEMERA_STATE_DIR: stateDir };
    expect((await run('ls', { env: found })).code).toBe(0);
    const elsewhere = join(folder, 'token-of-something-else');
    await writeFile(elsewhere, stack.apiKey);
    writeRunFile(stateDir, { ...runs, keyFile: elsewhere });
    const refused = await run('ls', { env: found });
    expect(refused, 'a key file of somewhere else was sent').toMatchObject({ code: 4, stdout: '' });
    removeRunFile(stateDir);
    expect((await run('ls', { env: found })).code).toBe(4);
    expect((await run('open', { env })).stdout).toBe(`${stack.apis[0]!.url}/dashboard/\n`);
  });
});

it('runs no code of the directory that it is called in', async () => {
  const hostile = join(folder, 'hostile');
  await mkdir(hostile);
  const paths = { commander: ['./hostile.ts'], yaml: ['./hostile.ts'] };
  await writeFile(join(hostile, 'tsconfig.json'), JSON.stringify({ compilerOptions: { baseUrl: '.', paths } }));
  await writeFile(join(hostile, 'hostile.ts'), 'process.exit(66);');
  const asInCheckout = await runEphemera(['--version'], { env, program: LAUNCHER, cwd: hostile });
  expect(asInCheckout).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\./) as unknown });
});

describe('completion', () => {
  it('of bash knows commands, flags, and names that the API knows, and is quick when there is no API', async () => {
    const name = await create();
    const bin = join(folder, 'bin');
    await mkdir(bin);
    await writeFile(join(bin, 'ephemera'), `#!/bin/sh\nexec ${process.execPath} ${BUILT} "$@"\n`, { mode: 0o755 });
    const complete = async (words: string[], more: Record<string, string> = {}): Promise<string[]> => {
      const script =
        'source <(ephemera completion bash); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ephemera; printf "%s\\n" "${COMPREPLY[@]}"';
      const { stdout } = await promisify(execFile)('bash', ['-c', script, 'bash', 'ephemera', ...words], {
        env: { ...env, ...more, PATH: `${bin}:${env['PATH']}` },
      });
      return stdout.split('\n').filter((line) => line !== '');
    };
    expect(await complete(['sus'])).toEqual(['suspend']);
    expect(await complete(['ls', '--w'])).toEqual(['--watch']);
    expect(await complete(['get', name.slice(0, 6)])).toEqual([name]);
    expect(await complete(['cp', name.slice(0, 6)])).toEqual([`${name}:`]);
    expect(await complete(['create', '-t', 'ch'])).toEqual(['chat']);
    expect(await complete(['templates', 'get', 'ch'])).toEqual(['chat']);
    expect(await complete(['get', 'x', '-o', 'y'])).toEqual(['yaml']);
    expect(await complete(['get', ''], { EPHEMERA_API_URL: 'http://127.0.0.1:1' })).toEqual([]);
  });
});

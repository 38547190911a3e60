/** Into a VM through its agent: ports, commands and files, by real processes; `local` machines, two API replicas. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { request } from 'node:http';
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { TIMEOUTS } from '../../domain/timeouts.ts';
import { vmWorkflowId } from '../../domain/wire-names.ts';
import { plainRequest } from '../../test-support/api/plain-request.ts';
import type { ShownVm } from '../../test-support/api/api-calls.ts';
import { eventually, seeVm, startStack, type Stack } from '../../test-support/stack.ts';
import { StreamClient } from '../../test-support/streams/stream-client.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';

const MIB = 1024 * 1024;

let server: TestServer;
let stack: Stack;
let vm: ShownVm;
/** What listens in the "VM": on the address of the machine, as its own programs do. */
const listeners: Server[] = [];

beforeAll(async () => {
  server = await startTestServer();
  stack = await startStack({ server, apiReplicas: 2 });
  vm = await create();
});
afterAll(async () => {
  for (const one of listeners) one.close();
  await stack.stop();
  await server.stop();
});

async function create(spec: object = {}): Promise<ShownVm> {
  const name = `vm-${randomUUID().slice(0, 8)}`;
  const { status, body } = await stack.calls.createVm(
    { name, template: 'chat', idle: { firstConnectTimeoutSeconds: 3000 }, ...spec },
    { wait: 'ready', timeoutSeconds: 60 },
  );
  expect(status, JSON.stringify(body)).toBe(201);
  return body;
}

const target = (replica = 0) => ({ url: stack.apis[replica]!.url, key: stack.apiKey });
const pathOf = (path: string): string => `/v1/vms/${vm.name}${path}`;

async function open(path: string, replica = 0): Promise<StreamClient> {
  const client = await StreamClient.open(target(replica), pathOf(path));
  onTestFinished(() => client.close());
  return client;
}

async function exec(body: object, name = vm.name) {
  const answer = await plainRequest(target(1), 'POST', `/v1/vms/${name}/exec`, { body });
  return { status: answer.status, body: answer.body };
}

async function listen(onConnection: (socket: Socket) => void, ip = vm.address!.ip): Promise<number> {
  const listener = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  listeners.push(listener);
  await new Promise<void>((resolve) => listener.listen(0, ip, resolve));
  return (listener.address() as { port: number }).port;
}

/** From when the workflow asked for the agent's count until it had it; one question each. */
async function secondsOfConfirm(name: string): Promise<number> {
  const { events } = await server.client.workflow.getHandle(vmWorkflowId('default', name)).fetchHistory();
  const isConfirm = (event: (typeof all)[number]): boolean =>
    event.activityTaskScheduledEventAttributes?.activityType?.name === 'confirmUsage';
  const all = events ?? [];
  const asked = all.findLast(isConfirm);
  const answered = all.find(
    ({ activityTaskCompletedEventAttributes: completed }) =>
      completed?.scheduledEventId?.toString() === asked?.eventId?.toString(),
  );
  const at = (event: typeof asked): number => Number(event?.eventTime?.seconds) + (event?.eventTime?.nanos ?? 0) / 1e9;
  return at(answered) - at(asked);
}

/** Command lines of processes that hold these words. */
async function commandsWith(words: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return lines.map((line) => line.replaceAll('\0', ' ')).filter((line) => line.includes(words));
}

const dataDir = (): string => join(stack.stateDir, 'machines', vm.machineId, 'data');

it('a command runs in the VM, through any replica, and its exit code, output and errors come back', async () => {
  const script = 'cat; echo "$GREETING from $PWD"; echo oops >&2; exit 3';
  const ran = await exec({ command: ['sh', '-c', script], env: { GREETING: 'hello' }, stdin: 'read this\n' });
  expect(ran.status, JSON.stringify(ran.body)).toBe(200);
  expect(ran.body).toEqual({
    exitCode: 3,
    timedOut: false,
    stdout: `read this\nhello from ${dataDir()}\n`,
    stderr: 'oops\n',
    truncated: false,
  });
});

it('a command that takes too long is killed with what it started, and says so', async () => {
  const marker = `sleep 300.${Math.floor(Math.random() * 1e6)}`;
  const ran = await exec({ command: ['sh', '-c', `echo begun; ${marker} & ${marker}`], timeoutSeconds: 1 });
  expect(ran.body).toMatchObject({ exitCode: null, signal: 'SIGKILL', timedOut: true, stdout: 'begun\n' });
  expect(await commandsWith(marker)).toEqual([]);
});

it('what a command prints beyond a MiB is left out, and what it leaves in the background holds nobody up', async () => {
  const ran = await exec({ command: ['sh', '-c', 'sleep 30 & head -c 3000000 /dev/zero | tr "\\0" x'] });
  expect(ran.body).toMatchObject({ exitCode: 0, truncated: true });
  expect((ran.body['stdout'] as string).length).toBe(MIB);
});

it('a program, a directory, a port and a path that are not there are named by their codes', async () => {
  expect((await exec({ command: ['no-such-program'] })).body).toMatchObject({ status: 422, code: 'execFailed' });
  expect((await exec({ command: ['true'], cwd: '/no/such' })).body).toMatchObject({ status: 422, code: 'execFailed' });
  expect((await exec({ command: [] })).body).toMatchObject({ status: 400, code: 'invalidRequest' });
  expect((await exec({ command: ['true'] }, 'no-such-vm')).body).toMatchObject({ code: 'unknownVm' });
  await expect(open('/ports/1')).rejects.toMatchObject({ status: 502, code: 'portRefused' });
  await expect(open('/ports/70000')).rejects.toMatchObject({ status: 400, code: 'invalidRequest' });
  const files = await plainRequest(target(), 'GET', pathOf('/files?path=no-such'));
  expect(files.body).toMatchObject({ status: 404, code: 'fileNotFound' });
  const plain = await plainRequest(target(), 'GET', pathOf('/exec'));
  expect(plain.body).toMatchObject({ status: 426, code: 'upgradeRequired' });
});

it('a terminal answers its new size, takes what is typed, and tells the exit code', async () => {
  const terminal = await open('/exec', 1);
  terminal.say({ type: 'start', command: ['sh'], env: { PS1: 'ready> ' }, tty: { rows: 24, columns: 80 } });
  await terminal.until('a prompt', (client) => client.text(1).includes('ready> '));
  terminal.type('stty size; tty\n');
  await terminal.until('its first size', (client) => /24 80\r\n\/dev\/pts/.test(client.text(1)));
  terminal.say({ type: 'resize', rows: 50, columns: 132 });
  await expect
    .poll(
      async () => {
        terminal.type('stty size\n');
        await terminal.until('a size', (client) => client.text(1).trimEnd().endsWith('ready>'));
        return terminal.text(1);
      },
      { timeout: 20_000, interval: 200 },
    )
    .toContain('50 132\r\n');
  // What is typed ahead of an interrupt is lost, as in any terminal.
  terminal.type('echo be""gun; sleep 1000\n');
  await terminal.until('the command', (client) => client.text(1).includes('begun\r\n'));
  // One that comes while the shell has not given the terminal to the command yet interrupts neither.
  const interrupted = (): string => {
    terminal.type('\u0003');
    return terminal.text(1);
  };
  await expect.poll(interrupted, { timeout: 20_000, interval: 500 }).toMatch(/begun\r\n\^C[^]*ready> $/);
  // What is typed while an interrupt is under way is lost with it.
  const left = (): boolean => {
    if (terminal.closed === undefined) terminal.type('exit 7\n');
    return terminal.closed !== undefined;
  };
  await expect.poll(left, { timeout: 20_000, interval: 500 }).toBe(true);
  expect(terminal.messages.at(-1)).toMatchObject({ type: 'exit', exitCode: 7 });
  expect(terminal.closed?.code).toBe(1000);
});

it('a command whose client goes away is ended, and one whose first message is nonsense is refused', async () => {
  const marker = `sleep 301.${Math.floor(Math.random() * 1e6)}`;
  const client = await open('/exec');
  client.say({ type: 'start', command: ['sh', '-c', marker] });
  await client.until('started', ({ messages }) => messages.some(({ type }) => type === 'started'));
  client.socket.terminate();
  const commands = async (): Promise<true | undefined> => (await commandsWith(marker)).length === 0 || undefined;
  await eventually(stack, 'the command is ended', commands);
  const wrong = await open('/exec');
  wrong.say({ type: 'start', command: 'ls' });
  await wrong.until('a refusal', ({ closed }) => closed !== undefined);
  expect(wrong.messages.at(-1)).toMatchObject({ type: 'error', code: 'invalidRequest' });
});

it('32 MiB go through a port both ways unbroken, and both ends close', async () => {
  const port = await listen((socket) => socket.pipe(socket));
  const sent = randomBytes(32 * MIB);
  const client = await open(`/ports/${port}`);
  const hash = createHash('sha256');
  client.socket.on('message', (data, isBinary) => isBinary && hash.update(data as Buffer));
  for (let at = 0; at < sent.length; at += MIB) client.socket.send(sent.subarray(at, at + MIB));
  client.say({ type: 'end' });
  await client.until('all of it', ({ closed }) => closed !== undefined, 90_000);
  expect(client.bytes).toBe(sent.length);
  expect(hash.digest('hex')).toBe(createHash('sha256').update(sent).digest('hex'));
  expect(client.messages).toEqual([{ type: 'end' }]);
  expect(client.closed?.code).toBe(1000);
}, 120_000);

it('more than 200 MB go through a port both ways unbroken, and a confirm in their midst answers within its time', async () => {
  const idle = await create({ idle: { timeoutSeconds: 1, firstConnectTimeoutSeconds: 3000 } });
  const port = await listen((socket) => socket.pipe(socket), idle.address!.ip);
  const counted = await StreamClient.open(target(), `/v1/vms/${idle.name}/exec?countsAsConnection=true`);
  counted.say({ type: 'start', command: ['sleep', '1000'] });
  await seeVm(stack, idle.name, 'one connection', ({ connections }) => connections === 1);
  // Not a divisor of anything that frames or buffers have, so that a byte too few or too many shows.
  const pattern = randomBytes(1_000_003);
  const client = await StreamClient.open(target(1), `/v1/vms/${idle.name}/ports/${port}`);
  let [sent, wrongAt] = [0, -1];
  const begunAt = performance.now();
  client.socket.on('message', (data, isBinary) => {
    if (!isBinary) return;
    const chunk = client.chunks.splice(0).pop()!;
    for (let at = 0, seen = client.bytes - chunk.length; at < chunk.length && wrongAt < 0;) {
      const piece = pattern.subarray((seen + at) % pattern.length).subarray(0, chunk.length - at);
      if (!chunk.subarray(at, at + piece.length).equals(piece)) wrongAt = seen + at;
      at += piece.length;
    }
    if (sent - client.bytes < 4 * pattern.length) send();
  });
  const send = (): void => {
    sent += pattern.length;
    client.socket.send(pattern);
  };
  send();
  await client.until('200 MB', ({ bytes }) => bytes > 200e6, 90_000);
  process.stdout.write(`a port: ${(200 / ((performance.now() - begunAt) / 1000)).toFixed(0)} MB/s both ways\n`);
  await counted.close();
  const gone = await seeVm(stack, idle.name, 'ended', ({ state }) => state === 'destroyed');
  expect(gone.reason).toBe('idle');
  await client.until('a clear end', ({ closed }) => closed !== undefined);
  expect([wrongAt, client.bytes > 200e6]).toEqual([-1, true]);
  const seconds = await secondsOfConfirm(idle.name);
  process.stdout.write(`a confirm beside it: ${seconds.toFixed(3)} s\n`);
  expect(seconds).toBeLessThan(TIMEOUTS.confirmLinkSeconds);
}, 180_000);

it('100 streams are open at once, the next is refused by its code, and all of them answer', async () => {
  const port = await listen((socket) => socket.pipe(socket));
  const clients: StreamClient[] = [];
  for (let at = 0; at < 10; at += 1) {
    clients.push(...(await Promise.all(Array.from({ length: 10 }, (_, index) => open(`/ports/${port}`, index % 2)))));
  }
  await expect(open(`/ports/${port}`)).rejects.toMatchObject({ status: 429, code: 'tooManyStreams' });
  clients.forEach((client, index) => client.socket.send(Buffer.from(`number ${index}`)));
  await Promise.all(
    clients.map((client, index) => client.until('its echo', () => client.text() === `number ${index}`)),
  );
  await Promise.all(clients.map((client) => client.close()));
  await eventually(stack, 'there is room again', async () => {
    const client = await open(`/ports/${port}`);
    await client.close();
    return true as const;
  });
});

it('a client that never reads stops the program in the VM, not the link, and gets the rest when it reads', async () => {
  let written = 0;
  const total = 24 * MIB;
  const port = await listen((socket) => {
    const more = (): void => {
      while (written < total) {
        written += 64 * 1024;
        if (!socket.write(Buffer.alloc(64 * 1024, written % 251))) return;
      }
      socket.end();
    };
    socket.on('drain', more);
    more();
  });
  const client = await open(`/ports/${port}`);
  client.socket.pause();
  let before = -1;
  await eventually(stack, 'the program waits', () => {
    const isStill = written === before && written > 0;
    before = written;
    return new Promise<true | undefined>((resolve) => setTimeout(() => resolve(isStill ? true : undefined), 500));
  });
  expect(written).toBeLessThan(total);
  const rest = await exec({ command: ['echo', 'the link lives'] });
  expect(rest.body).toMatchObject({ stdout: 'the link lives\n' });
  client.socket.resume();
  await client.until('all of it', ({ messages }) => messages.some(({ type }) => type === 'end'), 60_000);
  expect(client.bytes).toBe(total);
  await client.close();
}, 120_000);

it('each direction of a connection ends by itself', async () => {
  const port = await listen((socket) => {
    let heard = '';
    socket.on('data', (chunk) => (heard += chunk.toString()));
    socket.on('end', () => socket.end(`heard ${heard}`));
  });
  const client = await open(`/ports/${port}`);
  client.socket.send(Buffer.from('a word'));
  client.say({ type: 'end' });
  await client.until('the answer to the end', ({ closed }) => closed !== undefined);
  expect(client.text()).toBe('heard a word');
  expect(client.closed?.code).toBe(1000);
});

it('files go in and out as tars, and a link does not lead out of the directory of a local machine', async () => {
  const made = join(stack.stateDir, 'to-pack');
  await mkdir(join(made, 'deep'), { recursive: true });
  await writeFile(join(made, 'deep', 'word'), 'a word');
  await writeFile(join(made, 'large'), randomBytes(3 * MIB));
  const tar = spawnSync('tar', ['-c', '-f', '-', '-C', made, '.'], { maxBuffer: 64 * MIB }).stdout;
  const put = await fetch(`${target().url}${pathOf('/files?path=/inbox/new')}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${stack.apiKey}`, 'content-type': 'application/x-tar' },
    body: tar,
  });
  expect(await put.json()).toEqual({ name: vm.name, path: '/inbox/new' });
  expect(await readFile(join(dataDir(), 'inbox', 'new', 'deep', 'word'), 'utf8')).toBe('a word');
  const got = await fetch(`${target(1).url}${pathOf('/files?path=inbox/new')}`, {
    headers: { authorization: `Bearer ${stack.apiKey}` },
  });
  expect(got.headers.get('content-type')).toBe('application/x-tar');
  const listed = spawnSync('tar', ['-t', '-f', '-'], { input: Buffer.from(await got.arrayBuffer()) }).stdout.toString();
  expect(listed.trim().split('\n').sort()).toEqual(['./', './deep/', './deep/word', './large']);
  await symlink('/etc', join(dataDir(), 'way-out'));
  for (const [method, path] of [
    ['GET', 'way-out/passwd'],
    ['GET', '../../../../etc/passwd'],
  ]) {
    const refused = await plainRequest(target(), method!, pathOf(`/files?path=${path}`));
    expect(refused.body, path).toMatchObject({ code: path!.startsWith('.') ? 'fileNotFound' : 'fileRefused' });
  }
  const broken = await plainRequest(target(), 'PUT', pathOf('/files?path=inbox'), {
    body: 'no tar at all, and longer than one block would be\n'.repeat(20),
    headers: { 'content-type': 'application/x-tar' },
  });
  expect(broken.body).toMatchObject({ status: 422, code: 'fileRefused' });
});

it('a spec shuts what it does not list, and an audit record tells who came in, without the command', async () => {
  const shut = await create({ remoteAccess: ['ports'] });
  expect((await exec({ command: ['true'] }, shut.name)).body).toMatchObject({ status: 403, code: 'remoteAccessOff' });
  const files = await plainRequest(target(), 'GET', `/v1/vms/${shut.name}/files?path=/`);
  expect(files.body).toMatchObject({ status: 403, code: 'remoteAccessOff' });
  await (await StreamClient.open(target(), `/v1/vms/${shut.name}/ports/8080`)).close();
  const secret = `secret-${randomUUID()}`;
  await exec({ command: ['echo', secret], env: { TOKEN: secret } });
  const audit = await readFile(join(stack.stateDir, 'audit.log'), 'utf8');
  expect(audit).toMatch(/"action":"forwardPort".*"status":101/);
  expect(audit).toMatch(/"action":"runCommand".*"status":403,"code":"remoteAccessOff"/);
  expect(audit + (await stack.logs())).not.toContain(secret);
});

it('an open stream keeps its VM only where that is asked for, and one that floods delays no confirm of its count', async () => {
  const idle = await create({ idle: { timeoutSeconds: 1, firstConnectTimeoutSeconds: 3000 } });
  const counted = await StreamClient.open(target(), `/v1/vms/${idle.name}/exec?countsAsConnection=true`);
  counted.say({ type: 'start', command: ['sleep', '1000'] });
  await seeVm(stack, idle.name, 'one connection', ({ connections }) => connections === 1);
  const uncounted = await StreamClient.open(target(), `/v1/vms/${idle.name}/exec`);
  uncounted.say({ type: 'start', command: ['yes', 'x'.repeat(1000)] });
  // Only how much came is of interest.
  uncounted.socket.on('message', () => uncounted.chunks.splice(0));
  await uncounted.until('a flood', ({ bytes }) => bytes > 16 * MIB);
  await counted.close();
  const gone = await seeVm(stack, idle.name, 'ended', ({ state }) => state === 'destroyed');
  expect(gone.reason).toBe('idle');
  await uncounted.until('a clear end', ({ closed }) => closed !== undefined);
  expect(uncounted.messages.at(-1)).toMatchObject({ type: 'error', code: 'streamLost' });
});

it('a request that offers HTTP/2 beside is answered as any other', async () => {
  const answer = await new Promise<{ status?: number; text: string }>((resolve, reject) => {
    const { hostname, port } = new URL(target().url);
    const asked = request({
      ...{ hostname, port, method: 'POST', path: pathOf('/hold') },
      headers: {
        ...{ connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQAAP__' },
        ...{ authorization: `Bearer ${stack.apiKey}`, 'content-type': 'application/json' },
      },
    });
    asked.on('response', (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode!, text }));
    });
    asked.on('error', reject);
    asked.end(JSON.stringify({ seconds: 1 }));
  });
  expect(answer).toMatchObject({ status: 200 });
  expect(JSON.parse(answer.text)).toMatchObject({ name: vm.name });
});

it('kill -9 of the API, then of the worker: each client sees an end, the VM is untouched and is reached again', async () => {
  const port = await listen((socket) => socket.pipe(socket));
  const through = async (replica: number): Promise<StreamClient> => {
    const client = await open(`/ports/${port}`, replica);
    client.socket.send(Buffer.from('ping'));
    await client.until('its echo', () => client.text() === 'ping');
    return client;
  };
  const [first, second] = [await through(0), await through(1)];
  await stack.apis[0]!.kill();
  await first.until('an end', ({ closed }) => closed !== undefined);
  second.socket.send(Buffer.from(' pong'));
  await second.until('its echo', () => second.text() === 'ping pong');
  await stack.worker.kill();
  await second.until('an end', ({ closed }) => closed !== undefined);
  expect(second.messages.at(-1)).toMatchObject({ type: 'error', code: 'streamLost' });
  await Promise.all([stack.apis[0]!.start(), stack.worker.start()]);
  await eventually(stack, 'the VM is reached again', async () => {
    await (await through(0)).close();
    return true as const;
  });
  const { body } = await stack.calls.getVm(vm.name);
  expect(body).toMatchObject({ state: 'running', machineId: vm.machineId });
}, 120_000);

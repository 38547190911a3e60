/** Into VMs whose agents report over HTTP, as those of clouds do: two replicas of the API behind one address, real processes. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, it, onTestFailed, onTestFinished } from 'vitest';
import { addKey, revokeKey } from '../../security/keys/key-changes.ts';
import type { ShownVm } from '../../test-support/api/api-calls.ts';
import { plainRequest } from '../../test-support/api/plain-request.ts';
import { eventually, startStack, type Stack } from '../../test-support/stack.ts';
import { StreamClient } from '../../test-support/streams/stream-client.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';

const MIB = 1024 * 1024;

let server: TestServer;
let stack: Stack;
let vm: ShownVm;
/** Where the agents reach the API: one replica after the other, whichever is there. */
let balancer: Server;
const balanced = new Set<Socket>();
const listeners: Server[] = [];

beforeAll(async () => {
  server = await startTestServer();
  balancer = createServer(balance);
  await new Promise<void>((resolve) => balancer.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(balancer.address() as AddressInfo).port}`;
  stack = await startStack({ server, agentTransport: 'http', apiReplicas: 2, env: { EPHEMERA_API_URL: url } });
  vm = await create();
});
afterAll(async () => {
  for (const one of listeners) one.close();
  await stack.stop();
  balancer.close();
  balanced.forEach((socket) => socket.destroy());
  await server.stop();
});

let turn = 0;
function balance(socket: Socket): void {
  balanced.add(socket);
  const [first, second] = turn++ % 2 === 0 ? [0, 1] : [1, 0];
  const join = (replica: number, otherwise: () => void): void => {
    const api = connect({ host: '127.0.0.1', port: Number(new URL(stack.apis[replica]!.url).port) });
    const refused = (): void => otherwise();
    api.once('error', refused);
    api.once('connect', () => {
      api.off('error', refused);
      balanced.add(api);
      socket.pipe(api).pipe(socket);
      for (const [one, other] of [
        [socket, api],
        [api, socket],
      ] as const) {
        one.on('error', () => undefined);
        one.on('close', () => {
          balanced.delete(one);
          other.destroy();
        });
      }
    });
  };
  socket.on('error', () => undefined);
  join(first, () => join(second, () => socket.destroy()));
}

async function create(spec: object = {}): Promise<ShownVm> {
  const { status, body } = await stack.calls.createVm(
    { name: `vm-${randomUUID().slice(0, 8)}`, template: 'chat', idle: { firstConnectTimeoutSeconds: 3000 }, ...spec },
    { wait: 'ready', timeoutSeconds: 60 },
  );
  expect(status, JSON.stringify(body)).toBe(201);
  return body;
}

const target = (replica = 0) => ({ url: stack.apis[replica]!.url, key: stack.apiKey });
const pathOf = (path: string): string => `/v1/vms/${vm.name}${path}`;

async function open(path: string, replica: number): Promise<StreamClient> {
  const client = await StreamClient.open(target(replica), pathOf(path));
  onTestFinished(() => client.close());
  return client;
}

const exec = async (replica: number, command: string[], name = vm.name) =>
  (await plainRequest(target(replica), 'POST', `/v1/vms/${name}/exec`, { body: { command } })).body;

async function listen(onConnection: (socket: Socket) => void): Promise<number> {
  const listener = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  listeners.push(listener);
  await new Promise<void>((resolve) => listener.listen(0, vm.address!.ip, resolve));
  return (listener.address() as AddressInfo).port;
}

it('a command runs through either replica, also at once in a VM that has just begun', async () => {
  onTestFailed(async () => console.log(await stack.logs()));
  for (const replica of [0, 1]) {
    expect(await exec(replica, ['sh', '-c', 'echo here; exit 3'])).toMatchObject({ exitCode: 3, stdout: 'here\n' });
  }
  const began = performance.now();
  for (let at = 0; at < 20; at += 1) await exec(at % 2, ['true']);
  process.stdout.write(`streams over HTTP: ${((performance.now() - began) / 20).toFixed(0)} ms for a command\n`);
  const other = await create();
  expect(await exec(1, ['echo', 'new'], other.name)).toMatchObject({ stdout: 'new\n' });
});

it('a terminal answers through the replica that its agent is not connected to, too', async () => {
  for (const replica of [0, 1]) {
    const terminal = await open('/exec', replica);
    terminal.say({ type: 'start', command: ['sh'], env: { PS1: 'ready> ' }, tty: { rows: 24, columns: 80 } });
    await terminal.until('a prompt', (client) => client.text(1).includes('ready> '));
    terminal.type('stty size\n');
    await terminal.until('its size', (client) => client.text(1).includes('24 80\r\n'));
    terminal.type('exit 7\n');
    await terminal.until('its end', ({ closed }) => closed !== undefined);
    expect(terminal.messages.at(-1)).toMatchObject({ type: 'exit', exitCode: 7 });
  }
});

it('128 MiB go through a port both ways unbroken, through either replica at once', async () => {
  const port = await listen((socket) => socket.pipe(socket));
  const sent = randomBytes(64 * MIB);
  const expected = createHash('sha256').update(sent).digest('hex');
  const began = performance.now();
  const hashes = [0, 1].map(async (replica) => {
    const client = await open(`/ports/${port}`, replica);
    const hash = createHash('sha256');
    client.socket.on('message', (data, isBinary) => {
      if (isBinary) hash.update(data as Buffer);
      client.chunks.splice(0);
    });
    for (let at = 0; at < sent.length; at += MIB) client.socket.send(sent.subarray(at, at + MIB));
    client.say({ type: 'end' });
    await client.until('all of it', ({ closed }) => closed !== undefined, 150_000);
    expect(client.closed?.code).toBe(1000);
    return hash.digest('hex');
  });
  expect(await Promise.all(hashes)).toEqual([expected, expected]);
  const seconds = (performance.now() - began) / 1000;
  process.stdout.write(`streams over HTTP: ${(256 / seconds).toFixed(0)} MiB/s, both ways together\n`);
}, 200_000);

it('files go in through one replica and out through the other', async () => {
  const made = join(stack.stateDir, 'word');
  spawnSync('mkdir', [made]);
  spawnSync('sh', ['-c', `echo a word > ${made}/word`]);
  const tar = spawnSync('tar', ['-c', '-f', '-', '-C', made, '.']).stdout;
  const headers = { authorization: `Bearer ${stack.apiKey}` };
  const put = await fetch(`${target(0).url}${pathOf('/files?path=/inbox')}`, {
    ...{ method: 'PUT', body: tar, headers: { ...headers, 'content-type': 'application/x-tar' } },
  });
  expect(put.status).toBe(200);
  expect(await readFile(join(stack.stateDir, 'machines', vm.machineId, 'data', 'inbox', 'word'), 'utf8')).toBe(
    'a word\n',
  );
  const got = await fetch(`${target(1).url}${pathOf('/files?path=/inbox/word')}`, { headers });
  const word = spawnSync('tar', ['-x', '-O', '-f', '-'], { input: Buffer.from(await got.arrayBuffer()) }).stdout;
  expect(word.toString()).toBe('a word\n');
});

it('a spec that shuts all of it has its agent open nothing', async () => {
  const shut = await create({ remoteAccess: [] });
  expect(shut.spec.remoteAccess).toEqual([]);
  expect(await exec(0, ['true'], shut.name)).toMatchObject({ status: 403, code: 'remoteAccessOff' });
});

it('a key that is revoked ends what it opened, within seconds: a port, a terminal, a command that is waited for', async () => {
  const { key, stored } = await addKey(
    stack.stateDir,
    { project: 'default', role: 'operator', label: 'for a while' },
    Date.now(),
  );
  const own = { ...target(1), key };
  await eventually(stack, 'the replica knows the key', async () => {
    const { status } = await plainRequest(own, 'GET', pathOf(''));
    return status === 200 ? true : undefined;
  });
  const port = await listen((socket) => socket.pipe(socket));
  const forwarded = await StreamClient.open(own, pathOf(`/ports/${port}`));
  const terminal = await StreamClient.open(own, pathOf('/exec'));
  terminal.say({ type: 'start', command: ['sh'], tty: { rows: 24, columns: 80 } });
  await terminal.until('started', ({ messages }) => messages.some(({ type }) => type === 'started'));
  const command = plainRequest(own, 'POST', pathOf('/exec'), { body: { command: ['sleep', '1000'] } });
  const others = await open(`/ports/${port}`, 1);
  await revokeKey(stack.stateDir, stored.id, Date.now());
  const began = performance.now();
  for (const client of [forwarded, terminal]) {
    await client.until('its end', ({ closed }) => closed !== undefined, 10_000);
    expect(client.messages.at(-1)).toMatchObject({ type: 'error', code: 'unauthenticated' });
  }
  expect((await command).body).toMatchObject({ status: 401, code: 'unauthenticated' });
  expect(performance.now() - began).toBeLessThan(10_000);
  others.socket.send(Buffer.from('still here'));
  await others.until('its echo', () => others.text() === 'still here');
});

it('kill -9 of either replica: each client sees an end, the VM is untouched and is reached again', async () => {
  onTestFailed(async () => console.log(await stack.logs()));
  const port = await listen((socket) => socket.pipe(socket));
  for (const killed of [0, 1]) {
    const client = await open(`/ports/${port}`, killed);
    client.socket.send(Buffer.from('ping'));
    await client.until('its echo', () => client.text() === 'ping');
    await stack.apis[killed]!.kill();
    await client.until('an end', ({ closed }) => closed !== undefined);
    const began = performance.now();
    await eventually(stack, 'the VM is reached through the other one', async () => {
      const { stdout } = await exec(1 - killed, ['echo', 'again']);
      return stdout === 'again\n' ? true : undefined;
    });
    process.stdout.write(
      `streams over HTTP: reached again ${(performance.now() - began).toFixed(0)} ms after a kill\n`,
    );
    await stack.apis[killed]!.start();
  }
  const { body } = await stack.calls.getVm(vm.name);
  expect(body).toMatchObject({ state: 'running', machineId: vm.machineId });
}, 120_000);

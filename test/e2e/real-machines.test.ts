import { spawnSync } from 'node:child_process';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFailed, onTestFinished } from 'vitest';
import type { CreateVm } from '../../client/api-client.ts';
import { AGENT_LOCAL_PORT } from '../../domain/machine/local-machine.ts';
import { plainRequest } from '../../test-support/api/plain-request.ts';
import { ensureImage } from '../../test-support/machines/guest-image.ts';
import type { ShownVm } from '../../test-support/api/api-calls.ts';
import { joinChat } from '../../test-support/chat-client.ts';
import { whyNoGuests } from '../../test-support/machines/qemu-harness.ts';
import { everythingTemporalTells, filesWith, holds, processes } from '../../test-support/secret-search.ts';
import { eventually, killMachine, seeVm, startStack, type Stack } from '../../test-support/stack.ts';
import { StreamClient } from '../../test-support/streams/stream-client.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';

const unavailable = whyNoGuests();
/** From a create to a guest's ready app, under software emulation beside other tests. */
const READY_SECONDS = 120;
const SWEEP_SECONDS = 5;

describe.skipIf(unavailable !== undefined)('a VM that is a real virtual machine', () => {
  let server: TestServer;
  let stack: Stack;
  /** One that a test has left running. */
  let reached: ShownVm | undefined;
  beforeAll(async () => {
    const image = await ensureImage();
    server = await startTestServer();
    const env = {
      EPHEMERA_PROVIDER: 'qemu',
      EPHEMERA_QEMU_IMAGE_DIR: dirname(image.kernel),
      EPHEMERA_QEMU_ACCELERATOR: 'tcg',
      EPHEMERA_SWEEP_INTERVAL_SECONDS: `${SWEEP_SECONDS}`,
    };
    stack = await startStack({ server, env });
  }, 300_000);
  afterAll(async () => {
    await stack.stop();
    await server.stop();
  });

  async function create(spec: CreateVm = {}): Promise<ShownVm> {
    onTestFailed(async () => console.log(await stack.logs()));
    const name = `vm-${randomUUID().slice(0, 8)}`;
    const wait = { wait: 'ready', timeoutSeconds: READY_SECONDS } as const;
    const { status, body } = await stack.calls.createVm({ name, template: 'chat', ...spec }, wait);
    expect(status, JSON.stringify(body)).toBe(201);
    return body;
  }
  async function directoryWith(name: string, content: Buffer): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), 'eph-files-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    await writeFile(join(directory, name), content);
    return directory;
  }
  const see = (name: string, what: string, wanted: (vm: ShownVm) => boolean, deadlineMs?: number): Promise<ShownVm> =>
    seeVm(stack, name, what, wanted, deadlineMs);

  it('lives a whole life, is adopted by a new worker meanwhile, and is seen gone', async () => {
    const { name, address, machineId } = await create({ idle: { timeoutSeconds: 3 } });
    const { ip } = address!;
    const ann = await joinChat(ip, 8080, 'lobby', 'ann');
    const bob = await joinChat(ip, 8080, 'lobby', 'bob');
    ann.say('hello bob');
    await bob.hears('hello bob');
    await see(name, '2 connections', ({ connections }) => connections === 2, 20_000);
    await stack.worker.kill();
    bob.say('hello ann');
    await ann.hears('hello ann');
    await ann.leave();
    await stack.worker.start();
    expect(await see(name, '1 connection', ({ connections }) => connections === 1, 60_000)).toMatchObject({
      machineId,
    });
    await bob.leave();
    const gone = await see(name, 'ended', ({ state }) => state === 'destroyed', 60_000);
    expect(gone.reason).toBe('idle');
    expect(await stack.machines()).not.toContain(machineId);
    await expect(fetch(`http://${ip}:8080/healthz`)).rejects.toThrow();
  });

  it('runs its startup script once, as root, with secrets that came over its link', async () => {
    const token = `token-${randomUUID()}`;
    const { name, address, machineId } = await create({
      env: { GREETING: 'hello' },
      secretEnv: { TOKEN: token, CHAT_TITLE: `title of ${token}` },
      startupScript: '#!/bin/sh -e\necho "ran with $GREETING and $(echo -n "$TOKEN" | wc -c) bytes as $(id -u)"\n',
    });
    expect(await (await fetch(`http://${address!.ip}:8080/`)).text()).toContain(token);
    const { body } = await stack.calls.getConsole(name);
    const ran = body.text.match(/ran with .*/g);
    expect(ran).toEqual([`ran with hello and ${token.length} bytes as 0`]);
    // Its order, its firmware file, the logs and the command line of QEMU know nothing of it; histories neither.
    expect(await filesWith(stack.stateDir, machineId)).toContain(`machines-qemu/${machineId}/assignment.json`);
    expect(await filesWith(stack.stateDir, token)).toEqual([]);
    const seen = processes().filter((one) => holds(one.commandLine, token) || holds(one.environment, token));
    expect(seen).toEqual([]);
    expect(holds(await everythingTemporalTells(server.client), token)).toBe(false);
    await stack.calls.destroyVm(name, { wait: 'destroyed', timeoutSeconds: 60 });
  });

  it('boots on through a kill -9 of worker and API', async () => {
    const name = `vm-${randomUUID().slice(0, 8)}`;
    await stack.calls.createVm({ name, template: 'chat' });
    const { machineId } = await see(name, 'booting', ({ state }) => state === 'booting', 60_000);
    await Promise.all([stack.worker.kill(), stack.apis[0]!.kill()]);
    await Promise.all([stack.worker.start(), stack.apis[0]!.start()]);
    const vm = await see(name, 'running', ({ state }) => state === 'running', READY_SECONDS * 1000);
    expect(vm.machineId).toBe(machineId);
    await (await joinChat(vm.address!.ip, 8080, 'lobby', 'ann')).leave();
    const ended = await stack.calls.destroyVm(name, { wait: 'destroyed', timeoutSeconds: 60 });
    expect(ended.body).toMatchObject({ state: 'destroyed', reason: 'requested' });
  });

  it('is lost within 15 s of a kill -9 of its hypervisor, and comes back under its name', async () => {
    const { name, machineId } = await create({ onLost: 'recreate' });
    const killedAt = Date.now();
    await killMachine(stack, machineId);
    await see(name, 'lost', (vm) => vm.state !== 'running', 15_000);
    expect(Date.now() - killedAt).toBeLessThan(15_000);
    const again = await see(name, 'back', ({ state }) => state === 'running', READY_SECONDS * 1000);
    expect(again.machineId).not.toBe(machineId);
    const { body } = await stack.calls.getTimeline(name);
    expect(body.events.some(({ reason }) => reason === 'lost')).toBe(true);
    const console_ = await stack.calls.getConsole(name);
    expect(console_.status).toBe(200);
    await stack.calls.destroyVm(name, { wait: 'destroyed', timeoutSeconds: 60 });
    expect(await stack.machines()).not.toContain(again.machineId);
  });

  it('lets a key in through its virtio port: commands, a terminal, files, and a port that it does not publish', async () => {
    reached = await create({ env: { GREETING: 'hello' }, secretEnv: { WORD: 'swordfish' } });
    const target = { url: stack.apis[0]!.url, key: stack.apiKey };
    const path = `/v1/vms/${reached.name}`;
    const command = ['sh', '-c', 'echo "$GREETING $WORD, I am $(id -u) on $(uname -r)"; exit 4'];
    const ran = await plainRequest(target, 'POST', `${path}/exec`, { body: { command } });
    expect(ran.body, JSON.stringify(ran.body)).toMatchObject({ exitCode: 4 });
    expect(ran.body['stdout']).toMatch(/^hello swordfish, I am 0 on \d+\.\d+/);

    const terminal = await StreamClient.open(target, `${path}/exec`);
    terminal.say({ type: 'start', command: ['sh'], env: { PS1: 'ready> ' }, tty: { rows: 24, columns: 80 } });
    await terminal.until('a prompt', (client) => client.text(1).includes('ready> '));
    terminal.say({ type: 'resize', rows: 50, columns: 132 });
    await eventually(stack, 'its new size', async () => {
      const before = terminal.text(1).length;
      terminal.type('stty size\r');
      await terminal.until('a size', (client) => /\d+ \d+\r\n[^]*ready> /.test(client.text(1).slice(before)));
      return terminal.text(1).includes('50 132') || undefined;
    });
    terminal.type('exit 7\r');
    await terminal.until('its end', ({ closed }) => closed !== undefined);
    expect(terminal.messages.at(-1)).toMatchObject({ type: 'exit', exitCode: 7 });

    // Both ways, through what the emulated port takes; a file is as good as any.
    const content = randomBytes(2 * 1024 * 1024);
    const cwd = await directoryWith('word', content);
    const packed = spawnSync('tar', ['-c', '-f', '-', 'word'], { cwd, maxBuffer: 2 * content.length }).stdout;
    const put = await fetch(`${target.url}${path}/files?path=/data/new`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${target.key}`, 'content-type': 'application/x-tar' },
      body: packed,
    });
    expect(await put.json()).toMatchObject({ path: '/data/new' });
    const sum = await plainRequest(target, 'POST', `${path}/exec`, {
      body: { command: ['sha256sum', '/data/new/word'] },
    });
    expect(sum.body['stdout']).toContain(createHash('sha256').update(content).digest('hex'));
    const got = await fetch(`${target.url}${path}/files?path=/data/new/word`, {
      headers: { authorization: `Bearer ${target.key}` },
    });
    const tar = Buffer.from(await got.arrayBuffer());
    const unpacked = spawnSync('tar', ['-x', '-O', '-f', '-'], { input: tar, maxBuffer: 2 * content.length });
    expect(unpacked.stdout.equals(content)).toBe(true);

    // The port of the agent is on the guest's loopback alone.
    const status = await StreamClient.open(target, `${path}/ports/${AGENT_LOCAL_PORT}`);
    status.socket.send(Buffer.from('GET /status HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n\r\n'));
    await status.until('an answer', ({ messages }) => messages.some(({ type }) => type === 'end'));
    await status.close();
    expect(status.text()).toContain('"ready":true');
    await expect(StreamClient.open(target, `${path}/ports/9`)).rejects.toMatchObject({ code: 'portRefused' });
  });

  it('goes with a sweep when its workflow was terminated', async () => {
    const vm = reached ?? (await create());
    await server.client.workflow.getHandle(vm.workflowId).terminate('a person pressed Terminate');
    await eventually(
      stack,
      'the orphan gone',
      async () => ((await stack.machines()).includes(vm.machineId) ? undefined : true),
      (SWEEP_SECONDS + 15) * 1000 + 10_000,
    );
  });
});

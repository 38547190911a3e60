/** A cloud image of the user through the whole product: made here, registered, booted, used, idle, gone. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import type { CreateVm } from '../../client/api-client.ts';
import { addDiskImage } from '../../providers/qemu/image/disk-images.ts';
import { registeredImagesDir } from '../../providers/qemu/image/registered-images.ts';
import { ensureImage } from '../../test-support/machines/guest-image.ts';
import type { ShownVm } from '../../test-support/api/api-calls.ts';
import { makeDebianImage } from '../../test-support/cloud-init/debian-image.ts';
import { seeVm, startStack, type Stack } from '../../test-support/stack.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';

/** A whole system under software emulation takes a minute on a quiet computer, and many on a busy one. */
const BOOT_SECONDS = 900;
const PORT = { name: 'app', port: 8080, protocol: 'tcp' } as const;

describe('a cloud image of Debian with systemd and cloud-init', () => {
  let server: TestServer;
  let stack: Stack;
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'eph-debian-'));
    const [debian, builtIn] = [await timed('making the image', makeDebianImage(directory)), await ensureImage()];
    server = await startTestServer();
    const env = {
      EPHEMERA_PROVIDER: 'qemu',
      EPHEMERA_QEMU_IMAGE_DIR: dirname(builtIn.kernel),
      EPHEMERA_QEMU_ACCELERATOR: 'tcg',
    };
    stack = await startStack({ server, env });
    await timed('registering it', addDiskImage(registeredImagesDir(stack.stateDir), 'debian', debian));
  });
  afterAll(async () => {
    await stack.stop();
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  });

  async function create(name: string, spec: CreateVm): Promise<ShownVm> {
    const size = { cpus: 2, memoryMb: 1024 };
    const { status, body } = await stack.calls.createVm({
      name,
      image: 'debian',
      ...size,
      ports: [PORT],
      ...spec,
    });
    expect(status, JSON.stringify(body)).toBe(201);
    const hasStarted = ({ state }: ShownVm): boolean => state !== 'creating' && state !== 'booting';
    const vm = await seeVm(stack, name, 'its boot', hasStarted, BOOT_SECONDS * 1000);
    expect(vm, JSON.stringify(vm)).toMatchObject({ state: 'running' });
    return vm;
  }

  it('becomes ready by its agent, has the env it was given, counts its users, and ends when idle', async () => {
    onTestFailed(async () => console.log(await stack.logs()));
    const readiness = { kind: 'agent', timeoutSeconds: BOOT_SECONDS } as const;
    const spec = { readiness, diskGb: 4, env: { GREETING: 'good "morning" $HOME' }, idle: { timeoutSeconds: 5 } };
    const vm = await timed('create to ready', create('lobby', spec));
    expect(vm).toMatchObject({ connections: 0 });
    const one = await User.join(vm.address!.ip);
    expect(await one.ask()).toBe('good "morning" $HOME');
    const two = await User.join(vm.address!.ip);
    await two.ask();
    await seeVm(stack, 'lobby', '2 connections', ({ connections }) => connections === 2, 60_000);
    one.leave();
    await seeVm(stack, 'lobby', '1 connection', ({ connections }) => connections === 1, 60_000);
    two.leave();
    const gone = await seeVm(stack, 'lobby', 'its end', ({ state }) => state === 'destroyed', 120_000);
    expect(gone.reason).toBe('idle');
    expect(await stack.machines()).not.toContain(vm.machineId);
  });

  it('is named by cloud-init and becomes ready by its own answer alone', async () => {
    onTestFailed(async () => console.log(await stack.logs()));
    const readiness = { kind: 'http', path: '/', timeoutSeconds: BOOT_SECONDS } as const;
    await timed('create to first answer', create('hall', { readiness }));
    expect((await stack.calls.getConsole('hall')).body.text).toMatch(/hall login:|cloud-init.*running/i);
    const ended = await stack.calls.destroyVm('hall', { wait: 'destroyed', timeoutSeconds: 120 });
    expect(ended.body).toMatchObject({ state: 'destroyed', reason: 'requested' });
  });
});

/** One connection to the image's program. */
class User {
  readonly #socket: Socket;
  readonly #lines: AsyncIterator<string>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  }

  static async join(ip: string): Promise<User> {
    const socket = connect(PORT.port, ip);
    await once(socket, 'connect');
    return new User(socket);
  }

  async ask(): Promise<string> {
    this.#socket.write('hello\n');
    return String((await this.#lines.next()).value);
  }

  leave(): void {
    this.#socket.destroy();
  }
}

async function timed<Result>(what: string, work: Promise<Result>): Promise<Result> {
  const startedAt = Date.now();
  const result = await work;
  console.log(`${what}: ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
  return result;
}

/** Guests of container images: three kinds of apps, each built of this computer's own files, in real virtual machines. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentReport } from '../../../domain/agent/protocol.ts';
import type { StreamEnd } from '../../../domain/agent/streams/frames.ts';
import {
  CHANNEL,
  parseExitNote,
  type ExecRequest,
  type ExitNote,
  type FilesRequest,
} from '../../../domain/agent/streams/requests.ts';
import type { Machine } from '../../../domain/machine/provider.ts';
import type { VmSpec } from '../../../domain/vm/spec.ts';
import { hostTools } from '../../../providers/qemu/host-tools.ts';
import {
  IMAGE_MANIFEST,
  listRegistered,
  registeredImagesDir,
} from '../../../providers/qemu/image/registered-images.ts';
import { readManifest } from '../../../providers/qemu/machine/machine-manifest.ts';
import { findNetwork } from '../../../providers/qemu/network/find-network.ts';
import { askByDatagram } from '../../../test-support/datagrams.ts';
import { layerOf } from '../../../test-support/machines/container-archive.ts';
import { MachineStreams } from '../../../streams/machine-streams.ts';
import { eventually } from '../../../test-support/eventually.ts';
import {
  OWNED_FILES,
  pythonPath,
  writeDatagramImage,
  writeEchoImage,
  writeNodeImage,
  writePythonImage,
} from '../../../test-support/machines/app-images.ts';
import { ensureImage } from '../../../test-support/machines/guest-image.ts';
import {
  BOOT_MS,
  guestRequest,
  guestSpec,
  processesOf,
  qemuHarness,
  temporaryDirectory,
  whyNoGuests,
  type QemuHarness,
} from '../../../test-support/machines/qemu-harness.ts';

/** A boot that hangs is reset, and the computer may be busy with others. */
const WAIT_MS = 3 * BOOT_MS;
const never = { signal: new AbortController().signal };
const SECRET = 'b8f1-secret';
const network = whyNoGuests() === undefined ? await findNetwork() : undefined;

/** In CI nothing is skipped: its computer has namespaces. */
function whyNoDatagrams(): boolean {
  return !process.env['CI'] && network?.kind !== 'namespace';
}

describe.skipIf(whyNoGuests())('a guest of a container image', () => {
  let harness: QemuHarness;
  beforeAll(async () => {
    const image = await ensureImage();
    const stateDir = await temporaryDirectory();
    harness = await qemuHarness(image, { stateDir, ...(network === undefined ? {} : { network }) });
    await writeEchoImage(join(stateDir, 'echo'));
    await writePythonImage(join(stateDir, 'python.tar'));
    await writeNodeImage(join(stateDir, 'node.tar'));
    await writeDatagramImage(join(stateDir, 'datagrams.tar'));
    await hostTools.addImage(stateDir, 'datagrams', join(stateDir, 'datagrams.tar'), {});
    await hostTools.addImage(stateDir, 'echo', join(stateDir, 'echo'), {});
    await hostTools.addImage(stateDir, 'python', join(stateDir, 'python.tar'), {});
    await hostTools.addImage(stateDir, 'chat', join(stateDir, 'node.tar'), {});
  }, 180_000);
  afterAll(() => harness.dispose());

  const create = (spec: Partial<VmSpec>): Promise<Machine> =>
    harness.provider.create(guestRequest({ spec: guestSpec({ ports: [], ...spec }) }), never);
  const consoleOf = async ({ machineId }: Machine): Promise<string> => {
    const bytes = await harness.provider.readConsole(machineId, { maxBytes: 64 * 1024 }, never);
    return new TextDecoder().decode(bytes);
  };

  it(
    'of one static program answers on the port that the image says; two of them read one file',
    { timeout: 4 * WAIT_MS },
    async () => {
      const machines = await Promise.all([create({ image: 'container:echo' }), create({ image: 'echo', diskGb: 2 })]);
      const roots = await Promise.all(machines.map(async ({ machineId }) => rootOf(harness.dirOf(machineId))));
      for (const machine of machines) {
        expect(machine.address?.ports).toEqual([{ name: 'port-7007', port: 7007, protocol: 'tcp' }]);
        expect(await echoOf(machine, `hello ${machine.machineId}`)).toBe(`hello ${machine.machineId}`);
      }
      expect(new Set(roots).size).toBe(1);
      for (const { machineId } of machines) {
        const [pid = 0] = await processesOf(harness.dirOf(machineId));
        expect(await readFile(`/proc/${pid}/cmdline`, 'utf8')).toContain(roots[0]);
        await harness.provider.destroy(machineId, never);
      }
    },
  );

  it.skipIf(whyNoDatagrams())(
    'of one static program and nothing else echoes datagrams on the port that the image says',
    { timeout: 2 * WAIT_MS },
    async () => {
      const machine = await create({ image: 'datagrams' });
      expect(machine.address?.ports).toEqual([{ name: 'udp-7008', port: 7008, protocol: 'udp' }]);
      const to = { ip: machine.address!.ip, port: 7008 };
      // What is sent before the program is there is lost, as with datagrams anywhere.
      await eventually(async () => expect(await askByDatagram(to, 'first', 1000)).toBe('first'), WAIT_MS);
      const large = 'x'.repeat(1400);
      expect(await Promise.all([askByDatagram(to, 'one'), askByDatagram(to, large)])).toEqual(['one', large]);
      await harness.provider.destroy(machine.machineId, never);
      await expect(askByDatagram(to, 'gone', 500)).rejects.toThrow();
    },
  );

  it(
    'finds its files, its user, its directory and its environment as the image says them, and its disk after a stop and a close',
    { timeout: 5 * WAIT_MS },
    async () => {
      const machine = await create({ image: 'python', env: { BOTH: 'vm', OF: 'vm' } });
      const seen = await askApp(machine);
      expect(seen).toMatchObject({ pid: 1, ids: [101, 102, [29]], cwd: '/srv/made', starts: 1 });
      expect(seen.env).toMatchObject({ FROM: 'image', BOTH: 'vm', OF: 'vm', HOME: '/srv' });
      const expected = OWNED_FILES.map(
        ({ name, mode = 0o644, uid = 0, gid = 0 }) => [name, { mode, uid, gid }] as const,
      );
      expect(seen.files).toEqual({ ...Object.fromEntries(expected), 'srv/hidden': null });
      expect(seen.root).toEqual({ mode: 0o751, uid: 0, gid: 9 });
      await lookInside(machine);

      expect(await harness.provider.power!.stop(machine.machineId, never)).toMatchObject({ status: 'stopped' });
      expect(await consoleOf(machine)).toContain('STOPPED BY SIGUSR1');
      const started = await harness
        .restarted()
        .power!.start({ machineId: machine.machineId, agentBootstrap: null }, never);
      expect(await askApp(started)).toMatchObject({ starts: 2, root: { mode: 0o751 } });

      // It is closed, and its name means another image when it is reopened: it goes on above the very files of before.
      await harness.provider.power!.stop(machine.machineId, never);
      const kept = `${machine.machineId}-i1`;
      await harness.provider.images!.create({ name: kept, family: null, machineId: machine.machineId }, never);
      await harness.provider.destroy(machine.machineId, never);
      await hostTools.addImage(harness.options.stateDir, 'python', join(harness.options.stateDir, 'echo'), {});
      const startFrom = { imageId: kept, host: 'here' };
      const reopened = await create({ image: 'python', startFrom });
      expect(reopened.address?.ports).toEqual([{ name: 'port-8080', port: 8080, protocol: 'tcp' }]);
      expect(await askApp(reopened)).toMatchObject({ starts: 3, root: { mode: 0o751 } });

      // A program that ends is the end of its machine.
      await fetch(urlOf(reopened, '/exit')).catch(() => undefined);
      await eventually(async () => expect(await harness.countRunning(reopened.machineId)).toBe(0), WAIT_MS);
      expect(await consoleOf(reopened)).toContain('The program of the image ended with 7');
      await harness.provider.destroy(reopened.machineId, never);
      await harness.provider.images!.delete(kept, never);
    },
  );

  it(
    'starts once it has its secrets, is ready once it accepts, and its users are counted',
    { timeout: 4 * WAIT_MS },
    async () => {
      const ports = [7000, 7001].map((port) => ({ name: `chat-${port}`, port, protocol: 'tcp' as const }));
      const sealed = { secretEnvNames: ['TOKEN'], startupScript: false };
      const machine = await create({ image: 'chat', ports, sealed, memoryMb: 512 });
      const agent = await AgentLink.open(machine);
      await agent.until(({ ready }) => !ready);
      const { machineId } = machine;
      agent.assign({ machineId, name: 'lobby', project: 'default', env: {}, secretEnv: { TOKEN: SECRET } });
      await agent.until(({ ready, connections }) => ready && connections === 0);
      expect(await consoleOf(machine)).toContain(`CHAT WITH ${SECRET}`);
      const users = await Promise.all([dial(machine), dial(machine)]);
      await agent.until(({ connections }) => connections === 2);
      const heard = once(users[1], 'data') as Promise<[Buffer]>;
      users[0].write('good evening\n');
      expect((await heard)[0].toString()).toBe('good evening\n');
      users.forEach((user) => user.destroy());
      await agent.until(({ connections }) => connections === 0);
      agent.close();
      for (const file of ['machine.json', 'assignment.json']) {
        expect(await readFile(join(harness.dirOf(machineId), file), 'utf8')).not.toContain(SECRET);
      }
      await harness.provider.destroy(machineId, never);
    },
  );

  it('is refused before anything is made where it cannot be', async () => {
    const refused = async (spec: Partial<VmSpec>, code: string, says: string): Promise<void> => {
      const message = expect.stringContaining(says) as string;
      const before = await harness.provider.list(never);
      await expect(create(spec)).rejects.toMatchObject({ code, message });
      expect(await harness.provider.list(never)).toHaveLength(before.length);
    };
    await refused({ image: 'container:nothing' }, 'imageUnknown', 'nothing');
    await refused({ image: 'container:docker.io/library/nginx:1' }, 'imageUnknown', 'nginx');
    await refused({ image: 'echo', memoryMb: 64 }, 'memoryTooSmall', 'memoryMb');
    await refused({ image: 'echo', sealed: { secretEnvNames: [], startupScript: true } }, 'badSpec', 'startupScript');
    await refused({ image: 'echo', userData: '#cloud-config\n' }, 'badSpec', 'userData');
    // As if the files of the image were 3 GB.
    const { stateDir } = harness.options;
    await hostTools.addImage(stateDir, 'large', join(stateDir, 'echo'), {});
    const large = (await listRegistered(registeredImagesDir(stateDir))).find(({ name }) => name === 'large');
    const manifest = join(large!.directory, IMAGE_MANIFEST);
    const said = JSON.parse(await readFile(manifest, 'utf8')) as object;
    await writeFile(manifest, JSON.stringify({ ...said, virtualBytes: 3 * 1024 ** 3 }));
    await refused({ image: 'large', diskGb: 2 }, 'badSpec', 'diskGb: 2 is less than the 3 of the image large');
    const size = await harness.provider.sizeOf!(guestSpec({ ports: [], image: 'large' }), never);
    expect(size.diskGb).toBe(3);
  });
});

async function rootOf(dir: string): Promise<string | undefined> {
  const root = (await readManifest(dir))?.container?.root;
  if (root !== undefined) expect((await stat(root)).mode & 0o222).toBe(0);
  return root;
}

function urlOf({ address }: Machine, path: string): string {
  return `http://${address!.ip}:${address!.ports[0]!.port}${path}`;
}

interface Seen {
  env: Record<string, string>;
  files: Record<string, unknown>;
  root: unknown;
}

/** What the app answers once it is there: QEMU takes connections before the guest does. */
async function askApp(machine: Machine): Promise<Seen> {
  let seen: Seen | undefined;
  await eventually(async () => {
    const response = await fetch(urlOf(machine, '/'), { signal: AbortSignal.timeout(5000) });
    seen = (await response.json()) as Seen;
  }, WAIT_MS);
  return seen!;
}

async function dial({ address }: Machine): Promise<Socket> {
  const socket = connect({ host: address!.ip, port: address!.ports[0]!.port });
  await once(socket, 'connect');
  return socket;
}

async function echoOf(machine: Machine, text: string): Promise<string> {
  let echoed = '';
  await eventually(async () => {
    const socket = await dial(machine);
    socket.setTimeout(5000, () => socket.destroy());
    socket.write(text);
    try {
      for await (const chunk of socket as AsyncIterable<Buffer>) {
        echoed = chunk.toString();
        break;
      }
    } finally {
      socket.destroy();
    }
    expect(echoed).toBe(text);
  }, WAIT_MS);
  return echoed;
}

/** Commands and files of a VM are those of its image's root, as its user, through the link of its agent. */
async function lookInside(machine: Machine): Promise<void> {
  const streams = await StreamsOf.open(machine);
  const python = await pythonPath();
  const look =
    'import json,os,sys; print(json.dumps({"ids": [os.getuid(), os.getgid(), sorted(os.getgroups())], "cwd": os.getcwd(), ' +
    '"env": dict(os.environ), "root": [p for p in ["/app.py", "/ephemera", "/srv/hidden"] if os.path.exists(p)], "first": open("/proc/1/cmdline").read(), "tty": os.isatty(0)}))';
  const exec: ExecRequest = { kind: 'exec', command: [python, '-I', '-S', '-c', look], env: { OWN: 'x' } };
  const ran = await streams.run(exec);
  expect(ran.exit, ran.errors).toMatchObject({ exitCode: 0 });
  const inside = JSON.parse(ran.output) as Record<string, unknown>;
  expect(inside).toMatchObject({ ids: [101, 102, [29]], cwd: '/srv/made', tty: false });
  expect(inside['env']).toMatchObject({ FROM: 'image', BOTH: 'vm', OF: 'vm', OWN: 'x', HOME: '/srv' });
  expect(inside['first']).toContain('/app.py');
  expect(inside['root']).toEqual(['/app.py']);
  const inTerminal = await streams.run({ ...exec, tty: { rows: 24, columns: 80 } });
  expect(inTerminal.output).toContain('"tty": true');
  const exits = {
    ...exec,
    command: [python, '-I', '-S', '-c', 'import os, sys; print(os.getcwd()); sys.exit(9)'],
    cwd: '/data',
  };
  expect(await streams.run(exits)).toMatchObject({ output: '/data\n', exit: { exitCode: 9 } });
  expect((await streams.run({ ...exec, command: ['/no/such'] })).end).toMatchObject({ code: 'execFailed' });
  expect((await streams.run({ ...exec, cwd: '/no/such' })).end).toMatchObject({ code: 'execFailed' });

  // Files: a link of the image means its own root, and dots lead nowhere out of it.
  const files = (action: 'read' | 'write', path: string) => ({ kind: 'files', action, path }) as const;
  const app = await streams.run(files('read', '/../../app.py'));
  expect([app.exit?.exitCode, listTar(app.bytes)], app.errors).toEqual([0, ['./app.py']]);
  expect((await streams.run(files('read', '/ephemera/vm-server.cjs'))).end).toMatchObject({ code: 'fileNotFound' });
  const made = { name: 'out', type: 'symlink', target: '/' } as const;
  const tars = [layerOf([made]), layerOf([{ name: 'out/escaped', content: 'a word' }])];
  for (const tar of tars) {
    const put = await streams.run(files('write', '/data/new'), tar);
    expect(put.exit, JSON.stringify(put.end)).toMatchObject({ exitCode: 0 });
  }
  const escaped = await streams.run(files('read', '/escaped'));
  expect(listTar(escaped.bytes)).toEqual(['./escaped']);
  const owner = { ...exec, command: [python, '-I', '-S', '-c', 'import os; print(os.stat("/data/new").st_uid)'] };
  expect((await streams.run(owner)).output).toBe('0\n');
  streams.close();
}

function listTar(tar: Buffer): string[] {
  return spawnSync('tar', ['-t', '-f', '-'], { input: tar }).stdout.toString().trim().split('\n');
}

interface Ran {
  bytes: Buffer;
  output: string;
  errors: string;
  exit?: ExitNote | undefined;
  end?: StreamEnd | null;
}

/** The host's end of streams to a machine. */
class StreamsOf {
  readonly #socket: Socket;
  readonly #streams: MachineStreams;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#streams = new MachineStreams({
      takesData: () => socket.writableLength < 32 * 1024,
      sendFrame: (line) => void socket.write(`${line}\n`),
      cut: (why) => socket.destroy(new Error(why)),
    });
    socket.on('drain', () => this.#streams.pump());
    createInterface({ input: socket }).on('line', (line) => this.#streams.take(line));
  }

  static async open({ agent }: Machine): Promise<StreamsOf> {
    if (agent.kind !== 'unix') throw new Error('the machine has no channel');
    const socket = connect(agent.path);
    await once(socket, 'connect');
    return new StreamsOf(socket);
  }

  /** What comes of a command or a tar, which gets `input` and its end. */
  run(request: ExecRequest | FilesRequest, input: Uint8Array = Buffer.alloc(0)): Promise<Ran> {
    const out: Buffer[] = [];
    const errors: Buffer[] = [];
    let exit: ExitNote | undefined;
    return new Promise((resolve) => {
      const stream = this.#streams.open(
        { ...request, countsAsConnection: false },
        {
          opened: () => stream.write(input, CHANNEL.data, () => stream.end()),
          data: (bytes, channel) => {
            if (channel === CHANNEL.note) exit = parseExitNote(JSON.parse(Buffer.from(bytes).toString()));
            else (channel === CHANNEL.stderr ? errors : out).push(Buffer.from(bytes));
            stream.consumed(bytes.length);
          },
          end: () => undefined,
          closed: (end) => {
            const bytes = Buffer.concat(out);
            resolve({ bytes, output: bytes.toString(), errors: Buffer.concat(errors).toString(), exit, end });
          },
        },
        { streams: 1 },
      );
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** The host's end of the link of a machine's agent. */
class AgentLink {
  readonly #socket: Socket;
  readonly #reports: AgentReport[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    createInterface({ input: socket }).on('line', (line) => this.#reports.push(JSON.parse(line) as AgentReport));
  }

  static async open({ agent }: Machine): Promise<AgentLink> {
    if (agent.kind !== 'unix') throw new Error('the machine has no channel');
    const socket = connect(agent.path);
    await once(socket, 'connect');
    return new AgentLink(socket);
  }

  assign(assignment: object): void {
    const whole = { ...assignment, startupScript: null, timeoutSeconds: 60 };
    this.#socket.write(`${JSON.stringify({ type: 'assign', assignment: whole })}\n`);
  }

  async until(holds: (report: AgentReport) => boolean): Promise<void> {
    await eventually(() => {
      const last = this.#reports.at(-1);
      expect(last !== undefined && holds(last), JSON.stringify(last)).toBe(true);
    }, WAIT_MS);
  }

  close(): void {
    this.#socket.destroy();
  }
}

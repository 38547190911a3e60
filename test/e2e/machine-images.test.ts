/** Images that people registered on one host, and machines of them on another one. Their guests halt at once. */
import { execFile } from 'node:child_process';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import type { CreateVm } from '../../client/api-client.ts';
import { addDiskImage } from '../../providers/qemu/image/disk-images.ts';
import { listRegistered, registeredImagesDir } from '../../providers/qemu/image/registered-images.ts';
import { eventually } from '../../test-support/eventually.ts';
import { startFleet, type Fleet, type FleetHost } from '../../test-support/hosts/fleet.ts';
import { ensureImage } from '../../test-support/machines/guest-image.ts';
import { whyNoGuests } from '../../test-support/machines/qemu-harness.ts';
import { seeVm } from '../../test-support/stack.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';

const run = promisify(execFile);
const PATIENCE_MS = 60_000;
/** A boot sector: cli, hlt, and a jump back to it. */
const HALTS = [0xfa, 0xf4, 0xeb, 0xfc];

describe.skipIf(whyNoGuests())('a machine image of a deployment with two hosts', () => {
  let server: TestServer;
  let fleet: Fleet;
  let home: FleetHost;
  let other: FleetHost;
  let source: string;
  beforeAll(async () => {
    const builtIn = await ensureImage();
    server = await startTestServer();
    fleet = await startFleet({
      server,
      hosts: 2,
      env: {
        EPHEMERA_PROVIDER: 'qemu',
        EPHEMERA_QEMU_IMAGE_DIR: dirname(builtIn.kernel),
        EPHEMERA_QEMU_ACCELERATOR: 'tcg',
        EPHEMERA_HOST_DISK_GB: '100',
      },
      hostEnv: (index) => ({ EPHEMERA_HOST_LABELS: `place=${index === 0 ? 'home' : 'other'}` }),
    });
    [home, other] = fleet.hosts as [FleetHost, FleetHost];
    source = join(fleet.stack.stateDir, 'source.qcow2');
  }, 300_000);
  afterAll(async () => {
    await fleet.stop();
    await server.stop();
  });

  /** Registers a disk with this content on the first host, as `npm run image -- add` does there. */
  async function registered(pattern: number) {
    const disk = Buffer.alloc(8 * 1024 ** 2, pattern);
    disk.set(HALTS, 0);
    disk.set([0x55, 0xaa], 510);
    await writeFile(`${source}.raw`, disk);
    await run('qemu-img', ['resize', '-q', '-f', 'raw', `${source}.raw`, '2G']);
    await run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', `${source}.raw`, source]);
    const added = await addDiskImage(registeredImagesDir(home.stateDir), 'app', source);
    await eventually(async () => {
      expect((await fleet.stack.calls.getMachineImage('app')).body.latest).toBe(added.version);
    }, PATIENCE_MS);
    return added;
  }

  async function create(name: string, spec: CreateVm = {}) {
    const image = { image: 'app', provider: 'qemu', readiness: { kind: 'machine' } } as const;
    const small = { cpus: 1, memoryMb: 256, ports: [{ name: 'http', port: 8080 }] };
    const asked = { name, ...image, ...small, hostSelector: { place: 'other' }, ...spec };
    const { status, body } = await fleet.stack.calls.createVm(asked);
    expect(status, JSON.stringify(body)).toBe(201);
    const vm = await seeVm(
      fleet.stack,
      name,
      'its start',
      ({ state }) => state !== 'creating' && state !== 'booting',
      PATIENCE_MS,
    );
    expect(vm, JSON.stringify(vm)).toMatchObject({ state: 'running', host: other.id });
    return vm.machineId;
  }

  /** The file that the disk of the machine lies over. */
  async function baseOf(machineId: string): Promise<string> {
    const disk = join(other.stateDir, 'machines-qemu', machineId, 'disk.qcow2');
    const { stdout } = await run('qemu-img', ['info', '-U', '--output=json', disk]);
    return (JSON.parse(stdout) as { 'backing-filename': string })['backing-filename'];
  }

  it('is registered on one, fetched by the other when a machine needs it, and removed from both when none has it', async () => {
    onTestFailed(async () => console.log(await fleet.logs()));
    const { calls } = fleet.stack;
    const first = await registered(7);
    const listed = (await calls.listMachineImages()).body.images;
    expect(listed).toMatchObject([{ name: 'app', provider: 'qemu', latest: first.version }]);
    expect(listed[0]!.versions).toMatchObject([
      {
        sha256: first.sha256,
        sizeBytes: first.bytes,
        diskGb: 2,
        hosts: [{ host: home.id, origin: 'registered', machines: 0 }],
      },
    ]);

    const one = await create('one');
    const [fetched] = await listRegistered(registeredImagesDir(other.stateDir));
    expect(fetched).toMatchObject({ version: first.version, sha256: first.sha256, origin: 'fetched' });
    expect(await baseOf(one)).toBe(fetched!.path);
    expect((await readFile(fetched!.path)).equals(await readFile(first.path))).toBe(true);

    // A later version is another image: machines of the one before keep theirs.
    const second = await registered(9);
    const two = await create('two');
    expect(await baseOf(two)).toContain(second.version);
    expect(await baseOf(one)).toBe(fetched!.path);

    await eventually(async () => {
      const { versions } = (await calls.getMachineImage('app')).body;
      const there = versions.map(({ hosts }) => hosts.find(({ host }) => host === other.id)?.machines);
      expect(there).toEqual([1, 1]);
    }, PATIENCE_MS);
    expect((await calls.deleteMachineImage('app')).body).toMatchObject({ code: 'machineImageInUse' });
    const wait = { wait: 'destroyed', timeoutSeconds: 60 } as const;
    await Promise.all(['one', 'two'].map((name) => calls.destroyVm(name, wait)));
    await eventually(async () => {
      const { status, body } = await calls.deleteMachineImage('app');
      expect(status, JSON.stringify(body)).toBe(200);
    }, PATIENCE_MS);
    for (const host of fleet.hosts) expect(await readdir(registeredImagesDir(host.stateDir))).toEqual([]);
    await eventually(async () => expect((await calls.listMachineImages()).body.images).toEqual([]), PATIENCE_MS);

    // Both are asked, and then it is said.
    const lacking = await calls.createVm({
      name: 'three',
      image: 'app',
      provider: 'qemu',
      readiness: { kind: 'machine' },
    });
    expect(lacking.status, JSON.stringify(lacking.body)).toBe(201);
    const failed = await seeVm(fleet.stack, 'three', 'its failure', ({ state }) => state === 'failed', PATIENCE_MS);
    expect(failed.detail).toMatch(/this host has no image "app".* so on every host: /);
  });
});

/** Container images added on one of two hosts: their guests on both, in networks of their own, as a deployment's users see them. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import type { CreateVm } from '../../client/api-client.ts';
import { hostTools } from '../../providers/qemu/host-tools.ts';
import { findNetwork } from '../../providers/qemu/network/find-network.ts';
import type { ShownVm } from '../../test-support/api/api-calls.ts';
import { askByDatagram } from '../../test-support/datagrams.ts';
import { eventually } from '../../test-support/eventually.ts';
import { startFleet, type Fleet, type FleetHost } from '../../test-support/hosts/fleet.ts';
import { writeDatagramImage, writeNodeImage, writePythonImage } from '../../test-support/machines/app-images.ts';
import { ensureImage } from '../../test-support/machines/guest-image.ts';
import { processesOf, whyNoGuests } from '../../test-support/machines/qemu-harness.ts';
import { seeVm } from '../../test-support/stack.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';
import { putTemplate } from '../../test-support/trials/put-template.ts';

/** From a create to an app that answers, with guests of other tests beside it under software emulation. */
const BOOT_MS = 150_000;
const READY = { wait: 'ready', timeoutSeconds: BOOT_MS / 1000 } as const;
/** The fence stops the machines of a host that is cut off 5 s before it may be called lost. */
const LOST_SECONDS = 40;
const ECHO_PORT = 7008;
const SMALL = { provider: 'qemu', cpus: 1, memoryMb: 384 } as const;
/** Nothing in it accepts a connection or says how many use it. */
const ECHO = { image: 'echo', readiness: { kind: 'machine' } } as const;
const KEPT = { timeoutSeconds: 3600, firstConnectTimeoutSeconds: 3600, silenceTimeoutSeconds: 3600 };

/** In CI nothing is skipped: its computer has namespaces. */
async function whyNotHere(): Promise<string | undefined> {
  const why = whyNoGuests();
  if (why !== undefined || process.env['CI']) return why;
  const network = await findNetwork();
  return network.kind === 'user' ? network.why : undefined;
}

describe.skipIf((await whyNotHere()) !== undefined)('a container image of a deployment with two hosts', () => {
  let server: TestServer;
  let fleet: Fleet;
  let home: FleetHost;
  let other: FleetHost;
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
        EPHEMERA_QEMU_NETWORK: 'namespace',
        ...{ EPHEMERA_HOST_CPUS: '8', EPHEMERA_HOST_MEMORY_MB: '6000', EPHEMERA_HOST_DISK_GB: '100' },
      },
      hostEnv: (index) => ({
        EPHEMERA_HOST_LABELS: `place=${index === 0 ? 'home' : 'other'}`,
        EPHEMERA_HOST_LOST_SECONDS: `${index === 0 ? 600 : LOST_SECONDS}`,
      }),
    });
    [home, other] = fleet.hosts as [FleetHost, FleetHost];
    const add = async (name: string, write: (path: string) => Promise<void>): Promise<void> => {
      const archive = join(fleet.stack.stateDir, `${name}.tar`);
      await write(archive);
      await hostTools.addImage(home.stateDir, name, archive, {});
    };
    await add('chat', writeNodeImage);
    await add('web', writePythonImage);
    await add('echo', (path) => writeDatagramImage(path, ECHO_PORT));
    await eventually(async () => {
      expect((await fleet.stack.calls.listMachineImages()).body.images).toHaveLength(3);
    });
  }, 300_000);
  afterAll(async () => {
    await fleet.stop();
    await server.stop();
  });

  async function create(place: 'home' | 'other', spec: CreateVm): Promise<ShownVm> {
    const name = `vm-${randomUUID().slice(0, 8)}`;
    const asked = { ...SMALL, name, idle: KEPT, hostSelector: { place }, ...spec };
    const { status, body } = await fleet.stack.calls.createVm(asked, READY);
    expect(status, JSON.stringify(body)).toBe(201);
    expect(body).toMatchObject({ state: 'running', host: place === 'home' ? home.id : other.id });
    return body;
  }
  const seen = async ({ address }: ShownVm): Promise<Record<string, unknown>> =>
    (await (await fetch(`http://${address!.ip}:8080/`)).json()) as Record<string, unknown>;
  const destroyed = async (name: string): Promise<void> => {
    expect((await fleet.stack.calls.destroyVm(name, { wait: 'destroyed', timeoutSeconds: 60 })).status).toBe(200);
  };
  const echoed = ({ address }: ShownVm, timeoutMs?: number): Promise<string> =>
    askByDatagram({ ip: address!.ip, port: ECHO_PORT }, 'are you there', timeoutMs);
  const chatOf = (name: string): CreateVm => ({
    ...{ image: 'chat', ports: [{ name: 'chat', port: 7000, protocol: 'tcp' }] },
    secretEnv: { TOKEN: name },
  });

  it(
    'runs on both, each of three kinds, by its name and by the name of its registry',
    { timeout: 2 * BOOT_MS },
    async () => {
      onTestFailed(async () => console.log(await fleet.logs()));
      const both = (['home', 'other'] as const).map(async (place) => {
        // One after the other on each host: six at once boot so slowly under software emulation that they are taken for stuck.
        const chat = await create(place, chatOf(`of ${place}`));
        // As its archive names it: the other host was never told of that name.
        const web = await create(place, { image: 'container:test/python-app:1' });
        const echo = await create(place, { ...ECHO, image: 'container:echo' });
        expect((await fleet.stack.calls.getConsole(chat.name)).body.text).toContain(`CHAT WITH of ${place}`);
        expect(await seen(web)).toMatchObject({ cwd: '/srv/made', starts: 1 });
        expect(echo.address?.ports).toMatchObject([{ port: ECHO_PORT, protocol: 'udp' }]);
        await eventually(async () => expect(await echoed(echo, 1000)).toBe('are you there'), BOOT_MS);
        return [chat, web, echo];
      });
      for (const { name } of (await Promise.all(both)).flat()) await destroyed(name);
    },
  );

  it(
    'keeps its data over a close, and its warm machines are had at once, with secrets of their own',
    { timeout: 3 * BOOT_MS },
    async () => {
      onTestFailed(async () => console.log(await fleet.logs()));
      const { calls } = fleet.stack;
      const { image, ports } = chatOf('');
      const spec = { ...SMALL, image, ports, idle: KEPT, hostSelector: { place: 'home' } };
      await putTemplate(fleet.stack, 'chats', {
        spec,
        warm: { min: 1, max: 1, ttlSeconds: 3600 },
      });
      const web = await create('other', { image: 'web' });
      expect(await seen(web)).toMatchObject({ starts: 1 });
      expect((await calls.closeVm(web.name)).status).toBe(200);
      await seeVm(fleet.stack, web.name, 'closed', ({ state, reason }) => state === 'destroyed' && reason === 'closed');
      const reopened = await calls.reopenVm(web.name, READY);
      expect(reopened.status, JSON.stringify(reopened.body)).toBe(201);
      expect(reopened.body).toMatchObject({ startedFrom: 'image', host: other.id });
      expect(await seen(reopened.body)).toMatchObject({ starts: 2, cwd: '/srv/made' });
      await destroyed(web.name);

      await eventually(async () => {
        const { body } = await fleet.stack.call('GET', '/v1/pools');
        expect(body['pools']).toMatchObject([{ template: 'chats', ready: 1 }]);
      }, BOOT_MS);
      const name = `vm-${randomUUID().slice(0, 8)}`;
      const secretEnv = { TOKEN: 'of the claimed' };
      const claimed = await calls.createVm({ name, template: 'chats', secretEnv }, READY);
      expect(claimed.status, JSON.stringify(claimed.body)).toBe(201);
      expect(claimed.body).toMatchObject({ startedFrom: 'warm', state: 'running' });
      expect((await calls.getConsole(name)).body.text).toContain('CHAT WITH of the claimed');
      await putTemplate(fleet.stack, 'chats', { spec }, 2);
      await destroyed(name);
    },
  );

  it(
    'ends with its whole network when its host was cut off for too long, and is called lost after that',
    { timeout: 2 * BOOT_MS },
    async () => {
      onTestFailed(async () => console.log(await fleet.logs()));
      const vm = await create('other', ECHO);
      await eventually(async () => expect(await echoed(vm, 1000)).toBe('are you there'), BOOT_MS);
      const [qemu = 0] = await processesOf(join(other.stateDir, 'machines-qemu', vm.machineId));
      expect(await livingOf(qemu)).toBeGreaterThan(1);
      other.network.cut();
      await eventually(
        async () => {
          await expect(echoed(vm, 500)).rejects.toThrow();
          expect(await livingOf(qemu)).toBe(0);
        },
        (LOST_SECONDS + 20) * 1000,
      );
      expect((await fleet.stack.calls.getVm(vm.name)).body.state).toBe('running');
      other.network.heal();
      const lost = await seeVm(fleet.stack, vm.name, 'lost', ({ state }) => state === 'failed', BOOT_MS);
      expect(lost.reason).toBe('lost');
    },
  );
});

/** How many processes of a group live: QEMU, and its uplink beside it. */
async function livingOf(group: number): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'pgid=,stat=']);
  const lines = stdout.split('\n').map((line) => line.trim().split(/\s+/));
  return lines.filter(([of, state = 'Z']) => Number(of) === group && !state.startsWith('Z')).length;
}

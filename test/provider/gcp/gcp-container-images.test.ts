/**
 * The three images that guests of our own hosts run, as containers of Compute Engine: what the provider asks of the strict
 * server is what a machine then does, with the image's program as a real process. Played are Docker and the metadata server.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildVmServer } from '../../../commands/start/build-vm-server.ts';
import type { VmSpec } from '../../../domain/vm/spec.ts';
import { convertContainerImage } from '../../../providers/qemu/image/container/convert-image.ts';
import { askByDatagram } from '../../../test-support/datagrams.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { freePort } from '../../../test-support/free-port.ts';
import { chatOnGcp, gcpHarness, gcpRequest, type GcpHarness } from '../../../test-support/gce-server/harness.ts';
import { PlayedInstance } from '../../../test-support/gce-server/played-instance.ts';
import { PlayedMachine, type RunImage } from '../../../test-support/gce-server/played-machine.ts';
import { writeDatagramImage, writeNodeImage, writePythonImage } from '../../../test-support/machines/app-images.ts';

const never = { signal: new AbortController().signal };
const REGISTRY = 'docker.io/team';
const hasSquashfs = spawnSync('mksquashfs', ['-version']).error === undefined;

describe.skipIf(!hasSquashfs && !process.env['CI'])('a container image on Compute Engine', () => {
  let shared: string;
  let datagramPort: number;
  const images: Record<string, RunImage> = {};
  let harness: GcpHarness;
  let played: PlayedInstance;
  let directory: string;
  let machine: PlayedMachine;

  /** What a registry would have by the name of the image. */
  async function publish(name: string, write: (path: string) => Promise<void>): Promise<void> {
    const at = (part: string): string => join(shared, `${name}.${part}`);
    const [source, outDir, root] = [at('tar'), at('out'), at('root')];
    await write(source);
    mkdirSync(outDir);
    const { program } = await convertContainerImage({ source, outDir });
    execFileSync('unsquashfs', ['-quiet', '-no-progress', '-d', root, join(outDir, 'root.squashfs')]);
    // As Docker does for an image that lacks its directory.
    mkdirSync(join(root, program.workdir), { recursive: true });
    images[`${REGISTRY}/${name}:1`] = { root, program };
  }

  beforeAll(async () => {
    await buildVmServer();
    shared = mkdtempSync(join(tmpdir(), 'eph-gce-images-'));
    datagramPort = await freePort();
    await publish('chat', writeNodeImage);
    await publish('web', writePythonImage);
    await publish('echo', (path) => writeDatagramImage(path, datagramPort));
  });
  afterAll(() => rmSync(shared, { recursive: true, force: true }));

  beforeEach(async () => {
    harness = await gcpHarness();
    played = await PlayedInstance.start();
    directory = mkdtempSync(join(tmpdir(), 'eph-gce-machine-'));
    machine = new PlayedMachine(directory, played);
  });
  afterEach(async () => {
    machine.powerOff();
    played.close();
    await harness.dispose();
    rmSync(directory, { recursive: true, force: true });
  });

  /** Makes an instance by the provider, and does what that instance's metadata says. */
  async function start(name: string, spec: Partial<VmSpec>): Promise<string[]> {
    const provider = harness.withOptions({ vmServerUrl: `${played.url}/v1/agent/vm-server.cjs` });
    const asked = chatOnGcp({ image: `container:${REGISTRY}/${name}:1`, ...spec });
    const agentBootstrap = { apiUrl: played.url, secret: 'one-time' };
    await provider.create(gcpRequest({ spec: asked, agentBootstrap }), never);
    const [instance] = [...harness.server.model.instances.values()];
    const items = (instance?.metadata?.items ?? []).map(({ key, value }) => [key, value] as const);
    played.attributes = Object.fromEntries(items);
    const script = played.attributes['startup-script'] ?? '';
    const here = script
      .replaceAll('/var/lib/ephemera', join(directory, 'disk', 'state'))
      .replaceAll('/run/ephemera', machine.memory);
    return machine.boot(here, { disk: join(directory, 'disk'), images });
  }

  const opened = (calls: readonly string[]): string[] =>
    calls.filter((call) => call.startsWith('iptables')).map((call) => call.replace('iptables -w -I INPUT ', ''));
  const ran = (calls: readonly string[]): string[] => calls.filter((call) => call.startsWith('docker run'));
  const reportsThat = (wanted: object): Promise<void> =>
    eventually(() => expect(played.reports.at(-1), machine.output()).toMatchObject(wanted));

  it('of a chat for Node takes users, who are counted, with the environment of the VM', async () => {
    const port = await freePort();
    const calls = await start('chat', {
      ports: [{ name: 'chat', port, protocol: 'tcp' }],
      env: { CHAT_PORT: `${port}`, TOKEN: 'hello' },
    });
    expect(opened(calls)).toEqual([`-p tcp --dport ${port} -j ACCEPT`]);
    expect(ran(calls)[0]).toMatch(/--network host --env-file environment .* docker\.io\/team\/chat:1$/);
    await reportsThat({ ready: true, connections: 0 });
    expect(machine.output()).toContain('CHAT WITH hello');
    const users = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')] as const;
    await Promise.all(users.map((user) => once(user, 'connect')));
    await reportsThat({ connections: 2 });
    const heard = once(users[1], 'data') as Promise<[Buffer]>;
    users[0].write('good evening\n');
    expect((await heard)[0].toString()).toBe('good evening\n');
    users.forEach((user) => user.destroy());
    await reportsThat({ connections: 0 });
  });

  it('of an app for Python answers by HTTP with its own command, directory and environment below that of the VM', async () => {
    const port = await freePort();
    const calls = await start('web', {
      ports: [{ name: 'web', port, protocol: 'tcp' }],
      env: { PORT: `${port}`, BOTH: 'vm' },
    });
    expect(opened(calls)).toEqual([`-p tcp --dport ${port} -j ACCEPT`]);
    await reportsThat({ ready: true });
    const seen = (await (await fetch(`http://127.0.0.1:${port}/`)).json()) as Record<string, unknown>;
    expect(seen).toMatchObject({ pid: 1, cwd: '/srv/made', starts: 1, env: { FROM: 'image', BOTH: 'vm' } });
    expect(seen['files']).toMatchObject({ 'srv/hidden': null, 'srv/setuid': { mode: 0o4755 } });
  });

  it('of one static program and nothing else echoes datagrams; it is ready once it is said how many use it', async () => {
    const calls = await start('echo', { ports: [{ name: 'game', port: datagramPort, protocol: 'udp' }] });
    expect(opened(calls)).toEqual([`-p udp --dport ${datagramPort} -j ACCEPT`]);
    const to = { ip: '127.0.0.1', port: datagramPort };
    await eventually(async () => expect(await askByDatagram(to, 'are you there', 1000)).toBe('are you there'));
    const [, agent] = ran(calls);
    expect(agent).not.toContain('--count-port');
    const address = `http://127.0.0.1:${machine.agentPort}/connections`;
    await eventually(async () => {
      expect((await fetch(address, { method: 'PUT', body: '3' })).status).toBe(200);
    });
    await reportsThat({ ready: true, connections: 3 });
  });
});

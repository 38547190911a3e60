/** Programs of examples/ as container images in real virtual machines. */
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Machine } from '../../../domain/machine/provider.ts';
import { hostTools } from '../../../providers/qemu/host-tools.ts';
import { findNetwork } from '../../../providers/qemu/network/find-network.ts';
import { askByDatagram } from '../../../test-support/datagrams.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { writeNodeProgramImage } from '../../../test-support/machines/app-images.ts';
import { ensureImage } from '../../../test-support/machines/guest-image.ts';
import {
  BOOT_MS,
  guestRequest,
  guestSpec,
  qemuHarness,
  temporaryDirectory,
  whyNoGuests,
  type QemuHarness,
} from '../../../test-support/machines/qemu-harness.ts';
import { HostEnd } from '../../../test-support/vm-server-processes.ts';

const ROOT = join(import.meta.dirname, '../../..');
const WAIT_MS = 2 * BOOT_MS;
const never = { signal: new AbortController().signal };
const network = whyNoGuests() === undefined ? await findNetwork() : undefined;
/** In CI nothing is skipped: its computer has namespaces. */
const noDatagrams = !process.env['CI'] && network?.kind !== 'namespace';

describe.skipIf(whyNoGuests())('a container image of an example', () => {
  let harness: QemuHarness;
  beforeAll(async () => {
    const stateDir = await temporaryDirectory();
    harness = await qemuHarness(await ensureImage(), { stateDir, ...(network === undefined ? {} : { network }) });
    for (const [name, ports] of [
      ['word-count', ['8080/tcp']],
      ['game-server', ['7001/tcp', '7000/udp']],
    ] as const) {
      const archive = join(stateDir, `${name}.tar`);
      await writeNodeProgramImage(archive, { program: await bundled(name), ports });
      await hostTools.addImage(stateDir, name, archive, {});
    }
  }, 180_000);
  afterAll(() => harness.dispose());

  const create = async (image: string): Promise<{ machine: Machine; host: HostEnd }> => {
    const spec = guestSpec({ image: `container:${image}`, ports: [], memoryMb: 512, cpus: 2 });
    const machine = await harness.provider.create(guestRequest({ spec }), never);
    if (machine.agent.kind !== 'unix') throw new Error('the machine has no channel');
    return { machine, host: await HostEnd.connect(machine.agent.path) };
  };
  const lastOf = (host: HostEnd, wanted: object): Promise<void> =>
    eventually(() => expect(host.last()).toMatchObject(wanted), WAIT_MS);

  it('counts words, by as many processes as the machine has processors', { timeout: 2 * WAIT_MS }, async () => {
    const { machine, host } = await create('word-count');
    await lastOf(host, { ready: true });
    const { ip } = machine.address!;
    const form = new FormData();
    form.append('file', new Blob(['one two three\n']), 'three.txt');
    const answer = await fetch(`http://${ip}:8080/count`, { method: 'POST', body: form });
    expect(await answer.json()).toMatchObject({ words: 3, lines: 1, name: 'three.txt' });
    const console = await harness.provider.readConsole(machine.machineId, { maxBytes: 64 * 1024 }, never);
    expect(new TextDecoder().decode(console)).toContain('word-count 1: 2 processes on 0.0.0.0:8080');
    await harness.provider.destroy(machine.machineId, never);
  });

  it.skipIf(noDatagrams)(
    'is a game server whose rooms are the connections of its machine',
    { timeout: 2 * WAIT_MS },
    async () => {
      const { machine, host } = await create('game-server');
      await lastOf(host, { ready: true, connections: 0 });
      const to = { ip: machine.address!.ip, port: 7000 };
      expect(await askByDatagram(to, 'join castle ada')).toBe('joined ada 1');
      expect(await askByDatagram(to, 'join castle grace')).toBe('joined grace 2');
      expect(await askByDatagram(to, 'join cave linus')).toBe('joined linus 1');
      await lastOf(host, { connections: 2 });
      // Whoever says nothing for ten seconds is gone.
      await lastOf(host, { connections: 0 });
      await harness.provider.destroy(machine.machineId, never);
    },
  );
});

/** The program of an example and what it imports, as one file. */
async function bundled(example: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [join(ROOT, 'examples', example, 'server.mjs')],
    ...{ bundle: true, platform: 'node', target: 'node20', format: 'cjs', write: false },
  });
  return outputFiles[0]!.contents;
}

/** What goes wrong with guests: each with its documented code, and nothing left behind. */
import { once } from 'node:events';
import { open, readFile, readdir, truncate, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ProviderErrorCode } from '../../../domain/machine/error-codes.ts';
import { AGENT_LOCAL_PORT } from '../../../domain/machine/local-machine.ts';
import type { CreateMachineRequest } from '../../../domain/machine/provider.ts';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import { addressCandidates } from '../../../providers/qemu/machine/claim-address.ts';
import type { QemuImageManifest } from '../../../providers/qemu/image/image-files.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { copyOf, imageWith } from '../../../test-support/machines/qemu-image-layer.ts';
import {
  guestRequest,
  guestSpec,
  processesOf,
  qemuHarness,
  setUpGuests,
  whyNoGuests,
  type QemuHarness,
} from '../../../test-support/machines/qemu-harness.ts';

const never = { signal: new AbortController().signal };

describe.skipIf(whyNoGuests())('a guest that cannot be', () => {
  const setUp = setUpGuests();
  const { start } = setUp;
  const script = async (text: string): Promise<string> => {
    const path = join(setUp.directory, 'qemu');
    await writeFile(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    return path;
  };

  it.each(['kernel', 'initrd', 'manifest'] as const)('lacks the %s of its image: imageMissing', async (part) => {
    const guests = await start({ ...setUp.built, [part]: join(setUp.directory, 'nothing') });
    const error = await refused(guests, 'imageMissing');
    expect(error.message).toContain('npm run image');
    await nothingIsLeft(guests);
  });

  it.each(['kernel', 'initrd'] as const)('has one other byte in the %s of its image: imageDamaged', async (part) => {
    const copy = await copyOf(setUp.built, setUp.directory);
    await changeByte(copy[part]);
    const guests = await start(copy);
    const error = await refused(guests, 'imageDamaged');
    expect(error.message).toContain(copy[part]);
    await nothingIsLeft(guests);
  });

  it('has half of its image: imageDamaged', async () => {
    const copy = await copyOf(setUp.built, setUp.directory);
    await truncate(copy.initrd, 1000);
    const guests = await start(copy);
    await refused(guests, 'imageDamaged');
    await nothingIsLeft(guests);
  });

  it('finds a manifest of its image that is none: imageDamaged', async () => {
    const copy = await copyOf(setUp.built, setUp.directory);
    await truncate(copy.manifest, 20);
    const guests = await start(copy);
    await refused(guests, 'imageDamaged');
    await nothingIsLeft(guests);
  });

  it('has less memory than its image needs: memoryTooSmall, which names what it needs', async () => {
    const guests = await start(setUp.built);
    const error = await refused(guests, 'memoryTooSmall', guestRequest({ spec: guestSpec({ memoryMb: 256 }) }));
    const { minMemoryMb } = JSON.parse(await readFile(setUp.built.manifest, 'utf8')) as QemuImageManifest;
    expect(error.message).toContain(`${minMemoryMb}`);
    await nothingIsLeft(guests);
  });

  it('finds no QEMU: hypervisorMissing', async () => {
    const guests = await start(setUp.built, { qemuPath: join(setUp.directory, 'nowhere') });
    const error = await refused(guests, 'hypervisorMissing');
    expect(error.message).toContain('apt-get install qemu-system-x86');
    await nothingIsLeft(guests);
  });

  it.each(['QEMU emulator version 6.1.1 (Debian 1:6.1+dfsg-8)', 'who knows'])(
    'finds a QEMU that calls itself "%s": hypervisorTooOld',
    async (version) => {
      const guests = await start(setUp.built, { qemuPath: await script(`echo '${version}'`) });
      const error = await refused(guests, 'hypervisorTooOld');
      expect(error.message).toContain('6.2');
      await nothingIsLeft(guests);
    },
  );

  it('asks for more memory than the host can ever give: bootFailed, in the words of QEMU', async () => {
    const guests = await start(setUp.built);
    const request = guestRequest({ spec: guestSpec({ memoryMb: 64 * 1024 * 1024 }) });
    const error = await refused(guests, 'bootFailed', request);
    expect(error.message).toContain('memory');
    expect(await processesOf(guests.dirOf(request.machineId))).toEqual([]);
    await guests.provider.destroy(request.machineId, never);
    await nothingIsLeft(guests);
  });

  it('asks for a port that is taken on its first address: it gets the next one', async () => {
    const guests = await start(setUp.built);
    const request = guestRequest();
    const [first, second] = addressCandidates(request.machineId);
    const other = createServer();
    await once(other.listen(request.spec.ports[0]!.port, first), 'listening');
    try {
      const machine = await guests.provider.create(request, never);
      expect(machine.address?.ip).toBe(second);
    } finally {
      other.close();
    }
  });

  it('asks for a port that another program has everywhere: portTaken, no address kept, made once it is free', async () => {
    const guests = await start(setUp.built);
    const other = createServer();
    await once(other.listen(0, '0.0.0.0'), 'listening');
    const { port } = other.address() as AddressInfo;
    const request = guestRequest({ spec: guestSpec({ ports: [{ name: 'web', port, protocol: 'tcp' }] }) });
    try {
      const error = await refused(guests, 'portTaken', request);
      expect(error.message).toContain(`tcp port ${port}`);
      expect(error.terminal).toBe(false);
      expect(await guests.provider.describe(request.machineId, never)).toMatchObject({ address: null });
      for (const ip of addressCandidates(request.machineId))
        await expect(isFree(ip, AGENT_LOCAL_PORT)).resolves.toBe(true);
    } finally {
      other.close();
      await once(other, 'close');
    }
    const machine = await guests.provider.create(request, never);
    expect(machine).toMatchObject({ status: 'running', address: { ports: [{ port }] } });
    await guests.provider.destroy(request.machineId, never);
    await nothingIsLeft(guests);
  });

  it('is given up while its port is taken: nothing is left', async () => {
    const guests = await start(setUp.built);
    const other = createServer();
    await once(other.listen(0, '0.0.0.0'), 'listening');
    const { port } = other.address() as AddressInfo;
    try {
      const request = guestRequest({ spec: guestSpec({ ports: [{ name: 'web', port, protocol: 'tcp' }] }) });
      await refused(guests, 'portTaken', request);
      await guests.provider.destroy(request.machineId, never);
      await nothingIsLeft(guests);
    } finally {
      other.close();
    }
  });

  it('hangs in every boot: it is tried again, then ended: bootHung', async () => {
    const init = '#!/bin/busybox sh\necho stuck\nwhile :; do /bin/busybox sleep 1000; done\n';
    const guests = await start(await imageWith(setUp.built, { init }, setUp.directory), {
      bootDeadlineSeconds: 3,
      bootTries: 2,
    });
    const request = guestRequest();
    const { machineId } = await guests.provider.create(request, never);
    await eventually(async () => {
      expect(await guests.provider.describe(machineId, never)).toMatchObject({ status: 'ended' });
    }, 30_000);
    expect(await processesOf(guests.dirOf(machineId))).toEqual([]);
    const text = await consoleOf(guests, machineId);
    expect(text).toContain('boot 1 of 2 did not reach the agent within 3 s; the machine is reset');
    expect(text).toContain('boot 2 of 2 did not reach the agent within 3 s; the machine is ended');
    await refused(guests, 'bootHung', request);
    await guests.provider.destroy(machineId, never);
    await nothingIsLeft(guests);
  });

  it('is reset in the middle of its boot by a worker that then dies: it boots under the next one', async () => {
    const hasty = await start(setUp.built, { bootDeadlineSeconds: 1, bootTries: 1000 });
    const request = guestRequest();
    const maker = hasty.createElsewhere(request);
    await eventually(async () => {
      expect(await consoleOf(hasty, request.machineId)).toContain('the machine is reset');
    }, 30_000);
    const ended = once(maker, 'exit');
    maker.kill('SIGKILL');
    await ended;
    const pids = await processesOf(hasty.dirOf(request.machineId));
    const { stateDir } = hasty.options;
    const patient = await qemuHarness(setUp.built, { stateDir });
    const machine = await patient.provider.describe(request.machineId, never);
    expect(machine).toMatchObject({ status: 'running' });
    await expect(patient.askMachine(machine!)).resolves.toContain('200');
    expect(await processesOf(hasty.dirOf(request.machineId))).toEqual(pids);
    const { number } = JSON.parse(await readFile(join(hasty.dirOf(request.machineId), 'boot.json'), 'utf8')) as {
      number: number;
    };
    expect(number).toBeGreaterThan(1);
  }, 100_000);
});

async function refused(
  { provider }: QemuHarness,
  code: ProviderErrorCode,
  request: CreateMachineRequest = guestRequest(),
): Promise<ProviderError> {
  const error = await provider.create(request, never).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ProviderError);
  expect(error).toMatchObject({ code });
  return error as ProviderError;
}

async function nothingIsLeft({ options, provider }: QemuHarness): Promise<void> {
  expect(await provider.list(never)).toEqual([]);
  const machines = join(options.stateDir, 'machines-qemu');
  expect(await readdir(machines).catch(() => [])).toEqual([]);
  expect(await processesOf(machines)).toEqual([]);
}

async function isFree(ip: string, port: number): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen(port, ip), 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

async function consoleOf({ provider }: QemuHarness, machineId: string): Promise<string> {
  return new TextDecoder().decode(await provider.readConsole(machineId, { maxBytes: 256 * 1024 }, never));
}

async function changeByte(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const byte = new Uint8Array(1);
    await file.read(byte, 0, 1, 5000);
    byte[0]! ^= 1;
    await file.write(byte, 0, 1, 5000);
  } finally {
    await file.close();
  }
}

/** Guests with networks of their own: who reaches them, and what they reach. */
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Machine } from '../../../domain/machine/provider.ts';
import { parseNetworkText, type Egress } from '../../../domain/network/egress.ts';
import { findNetwork } from '../../../providers/qemu/network/find-network.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { freePort } from '../../../test-support/free-port.ts';
import { ensureImage } from '../../../test-support/machines/guest-image.ts';
import { OUTSIDE, outsideNetwork, type OutsideNetwork } from '../../../test-support/machines/outside-network.ts';
import { PROBE_PORT, probe, probingImage, type Target } from '../../../test-support/machines/probing-guest.ts';
import {
  BOOT_MS,
  askPort,
  guestRequest,
  guestSpec,
  processesOf,
  qemuHarness,
  temporaryDirectory,
  whyNoGuests,
  type QemuHarness,
} from '../../../test-support/machines/qemu-harness.ts';

const run = promisify(execFile);
const never = { signal: new AbortController().signal };
const WEB = { name: 'web', port: 8080, protocol: 'tcp' } as const;
const GAME = { name: 'game', port: 7000, protocol: 'udp' } as const;

/** In CI nothing is skipped: there is root, and namespaces. */
function whyNoNetworks(): string | undefined {
  if (whyNoGuests() !== undefined) return 'no guests';
  if (process.env['CI'] || process.getuid?.() === 0) return undefined;
  const why = 'networks of guests are not tested here: run the tests as root, for they make a network to reach';
  console.warn(`\n! ${why}\n`);
  return why;
}

describe.skipIf(whyNoNetworks())('a guest with a network of its own', () => {
  let harness: QemuHarness;
  let outside: OutsideNetwork;
  let ports: [number, number];
  const guests: Record<'shut' | 'listed' | 'open', Machine> = {} as never;
  const reached: Record<keyof typeof guests, string[]> = {} as never;
  let heardFromShut: string[];
  let heardByHost: string[];
  let directory: string;
  const closers: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    directory = await temporaryDirectory();
    ports = [await freePort(), await freePort()];
    outside = await outsideNetwork(ports);
    closers.push(outside.close);
    const image = await probingImage(await ensureImage(), directory);
    const egressNetworks = [parseNetworkText(`${OUTSIDE.private}/32`)!];
    harness = await qemuHarness(image, { network: { kind: 'namespace' }, addresses: [outside.range], egressNetworks });
    closers.push(harness.dispose);
    const policies: Record<keyof typeof guests, Egress> = {
      shut: false,
      listed: [`${OUTSIDE.internet}/32:${ports[0]}/tcp`, `${ports[1]}/udp`, OUTSIDE.private],
      open: true,
    };
    const started = Object.entries(policies).map(async ([name, egress]) => {
      const spec = guestSpec({ egress, ports: [WEB, GAME, PROBE_PORT], memoryMb: 384 });
      guests[name as keyof typeof guests] = await harness.provider.create(guestRequest({ spec }), never);
    });
    await Promise.all(started);
    for (const guest of Object.values(guests)) {
      await eventually(async () => expect(await probe(guest, [])).toEqual([]), BOOT_MS);
    }
    const targets = [...everywhere(ports), ...hostTargets(ports)];
    const probeFrom = async (name: keyof typeof guests): Promise<void> => {
      reached[name] = reachedOf(await probe(guests[name], targets)).sort();
    };
    await probeFrom('shut');
    heardFromShut = [...outside.heard()];
    await Promise.all([probeFrom('listed'), probeFrom('open')]);
    heardByHost = [...outside.heardByHost()];
  }, 180_000);
  afterAll(async () => {
    for (const close of closers.reverse()) await close();
    await rm(directory, { recursive: true, force: true });
  });

  it('answers on its address by TCP and by UDP', async () => {
    for (const guest of Object.values(guests)) {
      expect(await askPort(guest)).toContain('200');
      expect(await datagram(guest)).toBe('are you there');
    }
  });

  it('answers another computer by TCP and by UDP at its own address of the range of its host', async () => {
    const ips = Object.values(guests).map(({ address }) => address!.ip);
    expect(new Set(ips).size).toBe(3);
    for (const ip of ips) {
      expect(ip.startsWith('198.18.78.')).toBe(true);
      expect(await outside.ask(ip, { tcp: WEB.port, udp: GAME.port })).toEqual(['tcp', 'udp']);
    }
  });

  it('never reaches another guest of its host', async () => {
    const others = [guests.shut, guests.listed].flatMap(({ address }): Target[] => [
      { protocol: 'tcp', ip: address!.ip, port: WEB.port },
      { protocol: 'udp', ip: address!.ip, port: GAME.port },
    ]);
    expect(reachedOf(await probe(guests.open, others))).toEqual([]);
  });

  it('reaches nothing where its spec names no egress', () => {
    expect(reached.shut).toEqual([]);
    expect(heardFromShut).toEqual([]);
  });

  it('reaches with a list of rules what they name and nothing else', () => {
    const [first, second] = ports;
    const named = [
      `tcp ${OUTSIDE.internet}:${first}`,
      `udp ${OUTSIDE.internet}:${second}`,
      `udp ${OUTSIDE.internetToo}:${second}`,
      ...ports.flatMap((port) => [`tcp ${OUTSIDE.private}:${port}`, `udp ${OUTSIDE.private}:${port}`]),
    ];
    expect(reached.listed).toEqual(named.sort());
  });

  it('reaches with egress true the internet alone, and looks up names', async () => {
    const internet = [OUTSIDE.internet, OUTSIDE.internetToo].flatMap((ip) =>
      ports.flatMap((port) => [`tcp ${ip}:${port}`, `udp ${ip}:${port}`]),
    );
    const names = (await hostFindsNames()) ? [`names ${RESOLVER}:53`] : [];
    expect(reached.open).toEqual([...internet, ...names].sort());
  });

  it('is refused a private network that its operator does not let guests reach, before anything is made', async () => {
    const before = await harness.provider.list(never);
    const spec = guestSpec({ egress: ['443/tcp', OUTSIDE.privateToo] });
    await expect(harness.provider.create(guestRequest({ spec }), never)).rejects.toMatchObject({
      code: 'badSpec',
      message: expect.stringContaining('EPHEMERA_QEMU_EGRESS_NETWORKS') as string,
    });
    expect(await harness.provider.list(never)).toHaveLength(before.length);
  });

  it('never reaches its host', () => {
    expect(heardByHost).toEqual([]);
  });

  it('gives its QEMU no rights over its network', async () => {
    for (const guest of Object.values(guests)) {
      const qemu = await qemuOf(guest);
      const ofQemu = await statusOf(qemu);
      expect(ofQemu.capabilities).toBe(0n);
      for (const { pid } of (await groupOf(qemu)).filter(({ pid: other }) => other !== qemu)) {
        expect((await statusOf(pid)).uid).not.toBe(ofQemu.uid);
        expect((await statusOf(pid)).uid).not.toBe(0);
      }
    }
  });

  it('does not reach an address that its host gets while it runs', async () => {
    const own: Target = { protocol: 'tcp', ip: '198.51.100.99', port: ports[0] };
    await run('ip', ['address', 'add', `${own.ip}/32`, 'dev', 'lo']);
    try {
      await eventually(async () => {
        expect((await rulesOf(guests.open)).includes(own.ip)).toBe(true);
      });
      expect(reachedOf(await probe(guests.open, [own]))).toEqual([]);
    } finally {
      await run('ip', ['address', 'del', `${own.ip}/32`, 'dev', 'lo']);
    }
  });

  it('would reach its host and its neighbours without the rules, and the probe would see it', async () => {
    await run('nsenter', ['-t', `${await qemuOf(guests.shut)}`, '-n', 'nft', 'flush', 'ruleset']);
    const targets = [...everywhere(ports).filter(({ protocol }) => protocol !== 'names'), ...ofHost(ports)];
    const found = await probe(guests.shut, targets);
    expect(reachedOf(found)).toEqual(targets.map(({ protocol, ip, port }) => `${protocol} ${ip}:${port}`));
    expect(outside.heardByHost()).not.toEqual([]);
  });

  it('answers again after its uplink was killed, with nobody to look after it', async () => {
    const { dir, qemu } = { dir: harness.dirOf(guests.listed.machineId), qemu: await qemuOf(guests.listed) };
    const uplinks = (await groupOf(qemu)).filter(({ name }) => name.startsWith('pas'));
    expect(uplinks).toHaveLength(1);
    process.kill(uplinks[0]!.pid, 'SIGKILL');
    await eventually(async () => {
      expect(await askPort(guests.listed, 0)).toContain('200');
      expect(await datagram(guests.listed)).toBe('are you there');
    });
    expect(await processesOf(dir)).toEqual([qemu]);
    expect((await harness.restarted().describe(guests.listed.machineId, never))?.address).toEqual(
      guests.listed.address,
    );
  });

  it('ends when its whole uplink was killed, and says so on its console', async () => {
    const { machineId } = guests.open;
    const uplink = (await groupOf(await qemuOf(guests.open))).find(({ name }) => name === 'unshare');
    process.kill(uplink!.pid, 'SIGKILL');
    await eventually(async () => {
      expect((await harness.provider.describe(machineId, never))?.status).toBe('ended');
    });
    const text = await harness.provider.readConsole(machineId, { maxBytes: 10_000 }, never);
    expect(new TextDecoder().decode(text)).toContain('the network of this virtual machine ended');
  });

  it('ends when its uplink ended and cannot be started again, and says why on its console', async () => {
    // An uplink has a /tmp of its own, and is another user's.
    const bin = await mkdtemp('/var/tmp/eph-');
    await chmod(bin, 0o755);
    const broken = join(bin, 'broken');
    const pasta = (await run('sh', ['-c', 'command -v pasta'])).stdout.trim();
    const script = `#!/bin/sh\n[ ! -e ${broken} ] || { echo 'no pasta today'; exit 1; }\nexec ${pasta} "$@"\n`;
    await writeFile(join(bin, 'pasta'), script, { mode: 0o755 });
    const path = process.env['PATH'];
    process.env['PATH'] = `${bin}:${path}`;
    const other = await qemuHarness(harness.options.image, { network: { kind: 'namespace' }, uplinkTries: 3 });
    try {
      const guest = await other.provider.create(guestRequest({ spec: guestSpec({ ports: [WEB] }) }), never);
      await writeFile(broken, '');
      const uplink = (await groupOf(await qemuOf(guest))).find(({ name }) => name.startsWith('pas'));
      process.kill(uplink!.pid, 'SIGKILL');
      await eventually(async () => {
        expect((await other.provider.describe(guest.machineId, never))?.status).toBe('ended');
      });
      const text = await other.provider.readConsole(guest.machineId, { maxBytes: 10_000 }, never);
      expect(new TextDecoder().decode(text)).toContain('cannot be started again: no pasta today; the machine is ended');
    } finally {
      process.env['PATH'] = path;
      await other.dispose();
      await rm(bin, { recursive: true });
    }
  });

  it('leaves no process and no port behind, however it ends', async () => {
    const groups = await Promise.all([guests.shut, guests.listed].map(qemuOf));
    process.kill(groups[0]!, 'SIGKILL');
    await harness.provider.destroy(guests.open.machineId, never);
    await harness.restarted().destroy(guests.listed.machineId, never);
    for (const group of groups) await eventually(async () => expect(await groupOf(group)).toEqual([]));
    for (const { address } of Object.values(guests)) {
      await expect(fetch(`http://${address!.ip}:${WEB.port}/`)).rejects.toThrow();
    }
  });
});

describe('a computer that gives guests no networks', () => {
  it.skipIf(process.platform !== 'linux')('is told which tool it lacks', async () => {
    const path = process.env['PATH'];
    process.env['PATH'] = '/nowhere';
    try {
      const found = await findNetwork();
      expect(found).toMatchObject({ kind: 'user' });
      expect(found.kind === 'user' && found.why).toContain('apt-get install passt');
    } finally {
      process.env['PATH'] = path;
    }
  });
});

/** The host and its resolver, as QEMU's network numbers them. */
const GATEWAY = '10.0.2.2';
const RESOLVER = '10.0.2.3';

function everywhere(ports: readonly number[]): Target[] {
  const { internet, internetToo, private: own, privateToo, metadata, neighbour } = OUTSIDE;
  const ips = [internet, internetToo, own, privateToo, metadata, neighbour];
  return [...ips.flatMap((ip) => bothWays(ip, ports)), { protocol: 'names', ip: RESOLVER, port: 53 }];
}

/** Addresses that other computers know this one by. */
function ofHost(ports: readonly number[]): Target[] {
  const own = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4');
  return own.flatMap(({ address }) => bothWays(address, ports));
}

function hostTargets(ports: readonly number[]): Target[] {
  return [...ofHost(ports), ...bothWays(GATEWAY, ports), ...bothWays('10.99.0.1', ports)];
}

function bothWays(ip: string, ports: readonly number[]): Target[] {
  return ports.flatMap((port) => (['tcp', 'udp'] as const).map((protocol) => ({ protocol, ip, port })));
}

function reachedOf(found: readonly string[]): string[] {
  return found.filter((line) => line.endsWith(' reached')).map((line) => line.replace(' reached', ''));
}

async function datagram({ address }: Machine): Promise<string> {
  const socket = createSocket('udp4');
  try {
    const answer = once(socket, 'message', { signal: AbortSignal.timeout(5000) });
    socket.send('are you there', GAME.port, address!.ip);
    return String((await answer)[0]);
  } finally {
    socket.close();
  }
}

async function hostFindsNames(): Promise<boolean> {
  const { Resolver } = await import('node:dns/promises');
  const resolver = new Resolver({ timeout: 5000, tries: 1 });
  return resolver.resolve4('ephemera.example').then(
    () => true,
    (error: unknown) => !['ETIMEOUT', 'ECONNREFUSED'].includes(String((error as NodeJS.ErrnoException).code)),
  );
}

async function qemuOf({ machineId }: Machine): Promise<number> {
  const pids = (await run('pgrep', ['-f', `qemu-system.* -name ${machineId} `])).stdout.trim().split('\n').map(Number);
  expect(pids).toHaveLength(1);
  return pids[0]!;
}

async function statusOf(pid: number): Promise<{ uid: number; capabilities: bigint }> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8');
  const [, uid = ''] = /^Uid:\s+(\d+)/m.exec(text) ?? [];
  const [, permitted = '0'] = /^CapPrm:\s+(\w+)/m.exec(text) ?? [];
  return { uid: Number(uid), capabilities: BigInt(`0x${permitted}`) };
}

async function rulesOf(guest: Machine): Promise<string> {
  return (await run('nsenter', ['-t', `${await qemuOf(guest)}`, '-n', 'nft', 'list', 'ruleset'])).stdout;
}

/** Processes of a group that live. */
async function groupOf(group: number): Promise<{ pid: number; name: string }[]> {
  const { stdout } = await run('ps', ['-eo', 'pid=,pgid=,stat=,comm=']);
  return stdout.split('\n').flatMap((line) => {
    const [pid, of, state = '', name = ''] = line.trim().split(/\s+/);
    return Number(of) === group && !state.startsWith('Z') ? [{ pid: Number(pid), name }] : [];
  });
}

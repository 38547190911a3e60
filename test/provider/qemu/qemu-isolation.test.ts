/**
 * What a guest reaches of its host and of the network, asked from inside of one: a last layer of its image runs a
 * probe beside the machine program. The product has no way to run it.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { QemuProviderOptions } from '../../../providers/qemu/qemu-provider.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { imageWith } from '../../../test-support/machines/qemu-image-layer.ts';
import {
  BOOT_MS,
  guestRequest,
  guestSpec,
  setUpGuests,
  whyNoGuests,
  type QemuHarness,
} from '../../../test-support/machines/qemu-harness.ts';

const never = { signal: new AbortController().signal };
const WEB = { name: 'web', port: 8080, protocol: 'tcp' } as const;

/** The guest itself, its host and its name server, as QEMU's network numbers them. */
const OWN = '10.0.2.15';
const GATEWAY = '10.0.2.2';
const RESOLVER = '10.0.2.3';
/** For documentation: nobody has it, but a guest that may go outside sends to it. */
const OUTSIDE = '203.0.113.1';

interface Target {
  protocol: 'tcp' | 'udp';
  ip: string;
  port: number;
}

const FIRST_PROCESS = `#!/bin/busybox sh
/bin/busybox mknod /dev/null c 1 3
(
  while [ ! -e /run/agent.sock ]; do /bin/busybox sleep 1; done
  /ephemera/node /probe.cjs >/dev/console 2>&1
) &
exec /ephemera/init
`;

/** Prints what became of each target, as the guest saw it. */
function probe(targets: Target[]): string {
  return `
const dgram = require('node:dgram');
const net = require('node:net');
const tries = {
  tcp: ({ ip, port }, end) => {
    const socket = net.connect(port, ip, () => end('reached'));
    socket.on('error', ({ code }) => end(code === 'ECONNREFUSED' ? 'refused' : code));
  },
  udp: ({ ip, port }, end) => {
    const socket = dgram.createSocket(net.isIPv6(ip) ? 'udp6' : 'udp4', () => end('reached'));
    socket.on('error', ({ code }) => end(code));
    socket.send('probe', port, ip);
  },
};
const all = ${JSON.stringify(targets)}.map((target) => new Promise((resolve) => {
  const end = (what) => resolve('PROBE ' + target.protocol + ' ' + target.ip + ' ' + target.port + ' ' + what + '.\\n');
  tries[target.protocol](target, end);
  setTimeout(end, 5000, 'silent');
}));
Promise.all(all).then((lines) => {
  require('node:fs').writeSync(1, '\\n' + lines.join('') + 'PROBE done\\n');
  process.exit();
});
`;
}

describe.skipIf(whyNoGuests())('a guest', () => {
  const setUp = setUpGuests();
  let host: HostServers;
  beforeEach(async () => {
    host = await hostServers();
  });
  afterEach(() => {
    host.close();
  });

  const probeFrom = async (targets: Target[], options: Partial<QemuProviderOptions> = {}): Promise<Findings> => {
    const image = await imageWith(setUp.built, { init: FIRST_PROCESS, 'probe.cjs': probe(targets) }, setUp.directory);
    const harness = await setUp.start(image, options);
    const request = guestRequest({ spec: guestSpec({ ports: [WEB] }) });
    const { machineId } = await harness.provider.create(request, never);
    return probed(harness, machineId);
  };

  it('reaches nothing of its host, no other network and no name server, only itself', async () => {
    const forbidden = [...hostTargets(host), ...elsewhere(host)];
    const found = await probeFrom([...forbidden, ...ITSELF]);
    for (const target of ITSELF) expect(found(target), JSON.stringify(target)).toBe('reached');
    for (const target of forbidden) expect(UNREACHED, JSON.stringify(target)).toContain(found(target));
    expect(host.heard).toEqual([]);
  }, 120_000);

  it('would reach its host if QEMU did not restrict its network, and the probe would see it', async () => {
    const found = await probeFrom(hostTargets(host), { qemuPath: await unrestricting(setUp.directory) });
    for (const target of hostTargets(host)) expect(found(target), JSON.stringify(target)).toBe('reached');
    expect(host.heard.sort()).toEqual(['connection on 0.0.0.0', 'connection on 127.0.0.1', 'datagram']);
  }, 120_000);
});

const ITSELF: readonly Target[] = [
  { protocol: 'tcp', ip: '127.0.0.1', port: WEB.port },
  { protocol: 'tcp', ip: OWN, port: WEB.port },
];
const UNREACHED = ['refused', 'silent', 'ENETUNREACH', 'EHOSTUNREACH', 'EADDRNOTAVAIL'];

/** A QEMU that is the real one without the option under test. */
async function unrestricting(directory: string): Promise<string> {
  const path = join(directory, 'qemu');
  const text = `#!/bin/sh
for argument do
  shift
  case $argument in user,*) argument=$(echo "$argument" | sed s/,restrict=on//) ;; esac
  set -- "$@" "$argument"
done
exec qemu-system-x86_64 "$@"
`;
  await writeFile(path, text, { mode: 0o755 });
  return path;
}

interface HostServers {
  loopbackPort: number;
  everywherePort: number;
  datagramPort: number;
  /** A word for every connection and datagram that came. */
  heard: string[];
  close: () => void;
}

async function hostServers(): Promise<HostServers> {
  const heard: string[] = [];
  const listening = async (ip: string): Promise<Server> => {
    const server = createServer((socket) => {
      heard.push(`connection on ${ip}`);
      socket.destroy();
    });
    await once(server.listen(0, ip), 'listening');
    return server;
  };
  const [loopback, everywhere] = [await listening('127.0.0.1'), await listening('0.0.0.0')];
  const datagrams: Socket = createSocket('udp4', (message, { address, port }) => {
    heard.push('datagram');
    datagrams.send(message, port, address);
  });
  datagrams.bind(0, '0.0.0.0');
  await once(datagrams, 'listening');
  return {
    loopbackPort: (loopback.address() as AddressInfo).port,
    everywherePort: (everywhere.address() as AddressInfo).port,
    datagramPort: datagrams.address().port,
    heard,
    close: () => {
      for (const server of [loopback, everywhere, datagrams]) server.close();
    },
  };
}

function hostTargets({ loopbackPort, everywherePort, datagramPort }: HostServers): Target[] {
  return [
    { protocol: 'tcp', ip: GATEWAY, port: loopbackPort },
    { protocol: 'tcp', ip: GATEWAY, port: everywherePort },
    { protocol: 'udp', ip: GATEWAY, port: datagramPort },
  ];
}

function elsewhere({ everywherePort, datagramPort }: HostServers): Target[] {
  const ofHost = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4')
    .flatMap(({ address }): Target[] => [
      { protocol: 'tcp', ip: address, port: everywherePort },
      { protocol: 'udp', ip: address, port: datagramPort },
    ]);
  return [
    ...ofHost,
    { protocol: 'tcp', ip: GATEWAY, port: 22 },
    { protocol: 'tcp', ip: GATEWAY, port: 80 },
    // The host's own forward into this guest.
    { protocol: 'tcp', ip: GATEWAY, port: WEB.port },
    { protocol: 'tcp', ip: RESOLVER, port: 53 },
    { protocol: 'udp', ip: RESOLVER, port: 53 },
    { protocol: 'tcp', ip: OUTSIDE, port: 80 },
    { protocol: 'udp', ip: OUTSIDE, port: 53 },
    { protocol: 'tcp', ip: 'fec0::2', port: everywherePort },
  ];
}

/** What the guest printed about a target. */
type Findings = (target: Target) => string | undefined;

async function probed({ provider }: QemuHarness, machineId: string): Promise<Findings> {
  let text = '';
  await eventually(async () => {
    text = new TextDecoder().decode(await provider.readConsole(machineId, { maxBytes: 256 * 1024 }, never));
    expect(text).toContain('PROBE done');
  }, BOOT_MS);
  return ({ protocol, ip, port }) => text.split(`PROBE ${protocol} ${ip} ${port} `)[1]?.split('.\r')[0]?.trim();
}

/** A guest with a network of its own beside one on the user network of QEMU: TCP both ways, round trips, datagrams. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../test-support/eventually.ts';
import { ensureImage } from '../test-support/machines/guest-image.ts';
import { BOOT_MS, guestRequest, guestSpec, qemuHarness } from '../test-support/machines/qemu-harness.ts';
import { progress, report, sizeOption, type BenchLine } from './harness/bench-report.ts';
import { NETWORK_PORTS, networkBenchImage } from './harness/network-guest.ts';
import { median, percentile } from './harness/statistics.ts';

const ROUNDS = sizeOption('rounds', 12);
const MEGABYTES = sizeOption('megabytes', 32);
const ROUND_TRIPS = sizeOption('round-trips', 200);
const DATAGRAM_SECONDS = 2;
const DATAGRAM_BYTES = 1200;
const DATAGRAM_RATES = [1000, 4000] as const;
const MB = 1e6;
const never = { signal: new AbortController().signal };

type Kind = 'own' | 'user';

interface Measured {
  toGuest: number;
  fromGuest: number;
  roundTrips: number[];
}

interface Datagrams {
  perSecond: number;
  sent: number;
  echoed: number;
  seconds: number;
}

const directory = await mkdtemp(join(tmpdir(), 'eph-networks-'));
const image = await networkBenchImage(await ensureImage(), directory);
const harnesses = {
  own: await qemuHarness(image, { network: { kind: 'namespace' } }),
  user: await qemuHarness(image),
};
try {
  const guests = { own: await guestOf('own'), user: await guestOf('user') };
  const rounds: Record<Kind, Measured[]> = { own: [], user: [] };
  const datagrams: Datagrams[] = [];
  const datagramTrips: number[] = [];
  for (const kind of ['own', 'user'] as const) await measure(guests[kind]);
  for (let round = 0; round < ROUNDS; round += 1) {
    const order: Kind[] = round % 2 === 0 ? ['own', 'user'] : ['user', 'own'];
    for (const kind of order) {
      const measured = await measure(guests[kind]);
      rounds[kind].push(measured);
      const { toGuest, fromGuest } = measured;
      progress(`round ${round + 1} of ${ROUNDS}, ${kind}: ${toGuest.toFixed(0)} and ${fromGuest.toFixed(0)} MB/s`);
    }
    for (const rate of DATAGRAM_RATES) datagrams.push(await measureDatagrams(guests.own, rate));
    datagramTrips.push(...(await datagramRoundTrips(guests.own)));
  }
  await report({
    name: 'networks',
    connection: null,
    lines: linesOf(rounds, datagrams, datagramTrips),
    raw: { rounds, datagrams, datagramTrips },
  });
} finally {
  await Promise.all(Object.values(harnesses).map((harness) => harness.dispose()));
  await rm(directory, { recursive: true, force: true });
}

/** Its address; it answers already. */
async function guestOf(kind: Kind): Promise<string> {
  const { sink, source, echo, datagrams } = NETWORK_PORTS;
  const ports = [sink, source, echo, ...(kind === 'own' ? [datagrams] : [])];
  const { address } = await harnesses[kind].provider.create(
    guestRequest({ spec: guestSpec({ ports, memoryMb: 384 }) }),
    never,
  );
  if (address === null) throw new Error('the guest has no address');
  await eventually(async () => {
    await roundTripsOf(address.ip, 1);
  }, BOOT_MS);
  return address.ip;
}

async function measure(ip: string): Promise<Measured> {
  const toGuest = await sendTo(ip);
  const fromGuest = await takeFrom(ip);
  return { toGuest, fromGuest, roundTrips: await roundTripsOf(ip, ROUND_TRIPS) };
}

/** MB a second until the guest says that it has everything. */
async function sendTo(ip: string): Promise<number> {
  const socket = await dial(ip, NETWORK_PORTS.sink.port);
  const chunk = Buffer.alloc(64 * 1024);
  const chunks = Math.round((MEGABYTES * MB) / chunk.length);
  const begunAt = performance.now();
  for (let sent = 0; sent < chunks; sent += 1) {
    if (!socket.write(chunk)) await once(socket, 'drain');
  }
  socket.end();
  const [said] = (await once(socket, 'data')) as [Buffer];
  const seconds = (performance.now() - begunAt) / 1000;
  if (Number(said.toString()) !== chunks * chunk.length) throw new Error(`the guest had ${said.toString()} bytes`);
  return (chunks * chunk.length) / MB / seconds;
}

/** MB a second from the request until the last byte. */
async function takeFrom(ip: string): Promise<number> {
  const socket = await dial(ip, NETWORK_PORTS.source.port);
  const wanted = MEGABYTES * MB;
  const begunAt = performance.now();
  socket.write(`${wanted}\n`);
  let bytes = 0;
  for await (const chunk of socket as AsyncIterable<Buffer>) bytes += chunk.length;
  if (bytes !== wanted) throw new Error(`the guest sent ${bytes} bytes of ${wanted}`);
  return bytes / MB / ((performance.now() - begunAt) / 1000);
}

/** Milliseconds of each, one after the other on one connection. */
async function roundTripsOf(ip: string, count: number): Promise<number[]> {
  const socket = await dial(ip, NETWORK_PORTS.echo.port);
  const found: number[] = [];
  try {
    for (let trip = 0; trip < count; trip += 1) {
      const begunAt = performance.now();
      socket.write('x');
      await once(socket, 'data', { signal: AbortSignal.timeout(5000) });
      found.push(performance.now() - begunAt);
    }
    return found;
  } finally {
    socket.destroy();
  }
}

/** Sends at a steady rate, and counts what comes back; some milliseconds' worth at a time, for timers are no finer. */
async function measureDatagrams(ip: string, perSecond: number): Promise<Datagrams> {
  const socket = createSocket('udp4');
  let echoed = 0;
  socket.on('message', () => (echoed += 1));
  const payload = Buffer.alloc(DATAGRAM_BYTES);
  let sent = 0;
  const begunAt = performance.now();
  const elapsed = (): number => (performance.now() - begunAt) / 1000;
  while (elapsed() < DATAGRAM_SECONDS) {
    for (; sent < elapsed() * perSecond; sent += 1) socket.send(payload, NETWORK_PORTS.datagrams.port, ip);
    await sleep(2);
  }
  const seconds = elapsed();
  await sleep(500);
  socket.close();
  return { perSecond, sent, echoed, seconds };
}

async function datagramRoundTrips(ip: string): Promise<number[]> {
  const socket = createSocket('udp4');
  const found: number[] = [];
  for (let trip = 0; trip < ROUND_TRIPS; trip += 1) {
    const begunAt = performance.now();
    socket.send('x', NETWORK_PORTS.datagrams.port, ip);
    // One that is lost is counted by the test of loss.
    const answered = await once(socket, 'message', { signal: AbortSignal.timeout(1000) }).then(
      () => true,
      () => false,
    );
    if (answered) found.push(performance.now() - begunAt);
  }
  socket.close();
  return found;
}

async function dial(host: string, port: number): Promise<Socket> {
  const socket = connect({ host, port, noDelay: true });
  await once(socket, 'connect', { signal: AbortSignal.timeout(5000) });
  return socket;
}

function linesOf(rounds: Record<Kind, Measured[]>, datagrams: Datagrams[], datagramTrips: number[]): BenchLine[] {
  const line = (what: string, of: (measured: Measured) => number): BenchLine => ({
    what,
    peer: median(rounds.user.map(of)),
    ours: median(rounds.own.map(of)),
    ...{ bar: null, met: null },
  });
  const only = (what: string, ours: number): BenchLine => ({ what, peer: null, ours, bar: null, met: null });
  const trips = (share: number) => (of: Measured) => percentile(of.roundTrips, share) * 1000;
  return [
    line(
      `MB/s to the guest by TCP, ${MEGABYTES} MB at a time, ${ROUNDS} rounds (the peer: the user network)`,
      (of) => of.toGuest,
    ),
    line('MB/s from the guest by TCP', (of) => of.fromGuest),
    line('p50 µs of a round trip by TCP', trips(0.5)),
    line('p99 µs of a round trip by TCP', trips(0.99)),
    only('p50 µs of a round trip by UDP', median(datagramTrips) * 1000),
    only('p99 µs of a round trip by UDP', percentile(datagramTrips, 0.99) * 1000),
    ...DATAGRAM_RATES.flatMap((rate) => {
      const of = datagrams.filter(({ perSecond }) => perSecond === rate);
      const lost = of.map(({ sent, echoed }) => 100 * (1 - echoed / sent));
      const back = of.map(({ echoed, seconds }) => (echoed * DATAGRAM_BYTES) / MB / seconds);
      const what = `at ${rate} datagrams/s of ${DATAGRAM_BYTES} bytes there and back`;
      return [only(`% of datagrams lost ${what}`, median(lost)), only(`MB/s echoed ${what}`, median(back))];
    }),
  ];
}

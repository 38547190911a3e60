/**
 * A guest whose program answers on its ports and tries connections and datagrams for tests, which ask it over one of those. The
 * product has no way to run it.
 */
import { connect } from 'node:net';
import type { Machine } from '../../domain/machine/provider.ts';
import type { QemuImage } from '../../providers/qemu/image/image-files.ts';
import { imageWith } from './qemu-image-layer.ts';

/** `names`: asks the resolver at the address for a name; any answer counts. */
export interface Target {
  protocol: 'tcp' | 'udp' | 'names';
  ip: string;
  port: number;
}

export const PROBE_PORT = { name: 'probe', port: 9100, protocol: 'tcp' } as const;

/** A drop on the way is silent, so a try has to end by itself; what is reached answers within a fraction, also when all is busy. */
const TRY_MS = 4000;

const PROBE = `
const { Resolver } = require('node:dns');
const fs = require('node:fs');
const http = require('node:http');
const dgram = require('node:dgram');
const net = require('node:net');
const tries = {
  tcp: ({ ip, port }, end) => {
    const socket = net.connect(port, ip);
    socket.on('error', ({ code }) => end(code)).on('close', () => end('reached')).resume();
  },
  udp: ({ ip, port }, end) => {
    const socket = dgram.createSocket('udp4', () => end('reached'));
    socket.on('error', ({ code }) => end(code));
    const send = () => socket.send('probe', port, ip, () => undefined);
    send();
    setTimeout(send, 1500);
  },
  names: ({ ip }, end) => {
    const resolver = new Resolver({ timeout: 3500, tries: 1 });
    resolver.setServers([ip]);
    resolver.resolve4('ephemera.example', (error) => end(['ETIMEOUT', 'ECONNREFUSED'].includes(error?.code) ? 'silent' : 'reached'));
  },
};
net.createServer((client) => {
  client.on('error', () => undefined);
  let asked = '';
  client.on('data', async (text) => {
    asked += text;
    if (!asked.endsWith('\\n')) return;
    const found = JSON.parse(asked).map((target) => new Promise((resolve) => {
      tries[target.protocol](target, resolve);
      setTimeout(resolve, ${TRY_MS}, 'silent');
    }));
    client.end(JSON.stringify(await Promise.all(found)));
  });
}).listen(${PROBE_PORT.port}, '0.0.0.0');

const option = (name) => process.argv[process.argv.indexOf(name) + 1];
for (const { name, port, protocol } of JSON.parse(fs.readFileSync(option('--assignment'))).ports) {
  if (name === '${PROBE_PORT.name}') continue;
  if (protocol === 'tcp') http.createServer((_, response) => response.end('here')).listen(port, '0.0.0.0');
  else {
    const socket = dgram.createSocket('udp4', (message, { port: from, address }) => socket.send(message, from, address));
    socket.bind(port, '0.0.0.0');
  }
}
const link = fs.openSync(option('--port'), 'r+');
const hear = () => fs.read(link, Buffer.alloc(4096), 0, 4096, null, (_, count, said) => {
  if (count > 0 && said.toString('utf8', 0, count).includes('shutdown')) process.exit();
  setTimeout(hear, 200);
});
hear();
`;

/** Makes the image of such guests in `directory`; they need {@link PROBE_PORT}. */
export async function probingImage(built: QemuImage, directory: string): Promise<QemuImage> {
  return imageWith(built, { 'ephemera/vm-server.cjs': PROBE }, directory);
}

/** What became of each target, as `tcp 192.0.2.1:80 reached`; every other word than `reached` says why not. */
export async function probe({ address }: Machine, targets: readonly Target[]): Promise<string[]> {
  const socket = connect(address!.ports.find(({ name }) => name === PROBE_PORT.name)!.port, address!.ip);
  // More than one packet holds, so it may come in pieces.
  socket.write(`${JSON.stringify(targets)}\n`);
  let text = '';
  for await (const chunk of socket.setEncoding('utf8') as AsyncIterable<string>) text += chunk;
  const found = JSON.parse(text) as string[];
  return targets.map(({ protocol, ip, port }, index) => `${protocol} ${ip}:${port} ${found[index]!}`);
}

/** A guest that takes, sends and echoes bytes on ports of its own: nothing of ours runs in it besides this. */
import type { QemuImage } from '../../providers/qemu/image/image-files.ts';
import { imageWith } from '../../test-support/machines/qemu-image-layer.ts';

/** `sink` says at the end how many bytes it had; `source` sends as many as it is asked for in a line. */
export const NETWORK_PORTS = {
  sink: { name: 'sink', port: 9001, protocol: 'tcp' },
  source: { name: 'source', port: 9002, protocol: 'tcp' },
  echo: { name: 'echo', port: 9003, protocol: 'tcp' },
  datagrams: { name: 'datagrams', port: 9004, protocol: 'udp' },
} as const;

const PROGRAM = `
const dgram = require('node:dgram');
const fs = require('node:fs');
const net = require('node:net');
const serve = (port, take) => net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  take(socket);
}).listen(port, '0.0.0.0');
serve(${NETWORK_PORTS.sink.port}, (socket) => {
  let bytes = 0;
  socket.on('data', (chunk) => { bytes += chunk.length; }).on('end', () => socket.end(String(bytes)));
});
const chunk = Buffer.alloc(64 * 1024);
serve(${NETWORK_PORTS.source.port}, (socket) => socket.once('data', (asked) => {
  let left = Number(asked);
  const send = () => {
    while (left > 0) {
      const piece = chunk.subarray(0, left);
      left -= piece.length;
      if (!socket.write(piece)) return socket.once('drain', send);
    }
    socket.end();
  };
  send();
}));
serve(${NETWORK_PORTS.echo.port}, (socket) => socket.on('data', (data) => socket.write(data)).on('end', () => socket.end()));
const datagrams = dgram.createSocket('udp4', (message, { port, address }) => datagrams.send(message, port, address));
datagrams.bind(${NETWORK_PORTS.datagrams.port}, '0.0.0.0');
const link = fs.openSync(process.argv[process.argv.indexOf('--port') + 1], 'r+');
const hear = () => fs.read(link, Buffer.alloc(4096), 0, 4096, null, (_, count, said) => {
  if (count > 0 && said.toString('utf8', 0, count).includes('shutdown')) process.exit();
  setTimeout(hear, 200);
});
hear();
`;

/** Makes the image of such guests in `directory`. */
export async function networkBenchImage(built: QemuImage, directory: string): Promise<QemuImage> {
  return imageWith(built, { 'ephemera/vm-server.cjs': PROGRAM }, directory);
}

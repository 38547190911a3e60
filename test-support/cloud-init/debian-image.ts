/**
 * A cloud image of Debian 12 from scratch: systemd, cloud-init, the cloud kernel, and a small program that takes
 * connections on port 8080. Needs root, for mmdebstrap's chroot alone; nothing is mounted.
 */
import { execFile } from 'node:child_process';
import { open, readdir, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const MB = 1024 * 1024;
const SECTOR_BYTES = 512;
/** Boot partition (FAT, for the loader) and root partition (ext4), after the first megabyte. */
const LAYOUT = { startMb: 1, bootMb: 64, rootMb: 1200 } as const;
const PARTITION = { fat: 0x0c, linux: 0x83, active: 0x80 } as const;

/** Debian's packages of the image. */
const CONTENT = 'systemd-sysv,udev,dbus,kmod,iproute2,cloud-init,linux-image-cloud-amd64';
/** Programs that make it, with the packages that hold them. */
export const IMAGE_TOOLS = {
  mmdebstrap: 'mmdebstrap',
  syslinux: 'syslinux',
  mcopy: 'mtools',
  mke2fs: 'e2fsprogs',
  'qemu-img': 'qemu-utils',
} as const;

const MASTER_BOOT_RECORD = '/usr/lib/syslinux/mbr/mbr.bin';
const LOADER = `SERIAL 0 115200
DEFAULT linux
LABEL linux
  KERNEL vmlinuz
  INITRD initrd.img
  APPEND root=LABEL=root ro console=ttyS0 quiet
`;
/** The image's own program: answers each line with its environment's greeting, and a browser with nothing. */
const PROGRAM = `import os, socketserver
class Answer(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            if line.startswith(b'GET '):
                self.wfile.write(b'HTTP/1.1 204 No Content\\r\\nConnection: close\\r\\n\\r\\n')
                return
            self.wfile.write((os.environ.get('GREETING', 'nobody greets') + '\\n').encode())
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
Server(('0.0.0.0', 8080), Answer).serve_forever()
`;
const UNIT = `[Unit]
Description=The program of this image
After=cloud-init.service
[Service]
EnvironmentFile=-/run/ephemera/env
ExecStart=/usr/bin/python3 /opt/program.py
[Install]
WantedBy=multi-user.target
`;

/** Makes the image in `directory` and tells its path. Takes one to three minutes and 3 GB while it works. */
export async function makeDebianImage(directory: string): Promise<string> {
  const root = join(directory, 'root');
  await run('mmdebstrap', ['--variant=minbase', `--include=${CONTENT}`, 'bookworm', root], { maxBuffer: 64 * MB });
  await rm(join(root, 'var/cache/apt'), { recursive: true, force: true });
  await writeFile(join(root, 'etc/fstab'), 'LABEL=root / ext4 defaults 0 1\n');
  await writeFile(join(root, 'opt/program.py'), PROGRAM);
  await writeFile(join(root, 'etc/systemd/system/program.service'), UNIT);
  for (const unit of ['program', 'systemd-networkd']) await run('systemctl', [`--root=${root}`, 'enable', unit]);
  // Each machine makes its own.
  await writeFile(join(root, 'etc/machine-id'), '');
  const bootFiles = await takeKernel(root, directory);
  const [boot, system] = [join(directory, 'boot.fat'), join(directory, 'root.ext4')];
  await makeBootPartition(boot, bootFiles, directory);
  await sized(system, LAYOUT.rootMb * MB);
  await run('mke2fs', ['-q', '-t', 'ext4', '-L', 'root', '-d', root, system]);
  const raw = join(directory, 'disk.raw');
  await makeDisk(raw, boot, system);
  const image = join(directory, 'debian.qcow2');
  await run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, image]);
  for (const path of [root, boot, system, raw]) await rm(path, { recursive: true, force: true });
  return image;
}

/** The loader reads the boot partition alone, so the kernel lies there. */
async function takeKernel(root: string, directory: string): Promise<string[]> {
  const boot = join(root, 'boot');
  const names = await readdir(boot);
  const taken = [
    ['vmlinuz-', 'vmlinuz'],
    ['initrd.img-', 'initrd.img'],
  ].map(async ([prefix = '', name = '']) => {
    await rename(join(boot, names.find((one) => one.startsWith(prefix)) ?? prefix), join(directory, name));
    return join(directory, name);
  });
  return Promise.all(taken);
}

async function makeBootPartition(path: string, files: string[], directory: string): Promise<void> {
  const loader = join(directory, 'syslinux.cfg');
  await writeFile(loader, LOADER);
  await sized(path, LAYOUT.bootMb * MB);
  await run('mformat', ['-i', path, '-F', '-v', 'BOOT', '::']);
  await run('mcopy', ['-i', path, ...files, loader, '::']);
  await run('syslinux', ['--install', path]);
}

async function makeDisk(path: string, boot: string, system: string): Promise<void> {
  const { startMb, bootMb, rootMb } = LAYOUT;
  await sized(path, (startMb + bootMb + rootMb + 1) * MB);
  const write = (file: string, atMb: number): Promise<unknown> =>
    run('dd', [`if=${file}`, `of=${path}`, 'bs=1M', `seek=${atMb}`, 'conv=notrunc,sparse', 'status=none']);
  await write(boot, startMb);
  await write(system, startMb + bootMb);
  await run('dd', [`if=${MASTER_BOOT_RECORD}`, `of=${path}`, 'bs=440', 'count=1', 'conv=notrunc', 'status=none']);
  const disk = await open(path, 'r+');
  try {
    const table = Buffer.concat([
      partition(PARTITION.active, PARTITION.fat, startMb, bootMb),
      partition(0, PARTITION.linux, startMb + bootMb, rootMb),
      Buffer.alloc(32),
      Buffer.from([0x55, 0xaa]),
    ]);
    await disk.write(table, 0, table.length, 446);
  } finally {
    await disk.close();
  }
}

/** An entry of the partition table; the old addresses by cylinder are not given. */
function partition(active: number, kind: number, startMb: number, sizeMb: number): Buffer {
  const entry = Buffer.from([active, 0xfe, 0xff, 0xff, kind, 0xfe, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]);
  entry.writeUInt32LE((startMb * MB) / SECTOR_BYTES, 8);
  entry.writeUInt32LE((sizeMb * MB) / SECTOR_BYTES, 12);
  return entry;
}

async function sized(path: string, bytes: number): Promise<void> {
  await writeFile(path, '');
  await truncate(path, bytes);
}

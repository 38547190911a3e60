/**
 * A guest that is a shell and a disk: it boots in a fraction of the time of the built-in one, and keeps a word on its disk
 * that tests give it, and ask it for, over the port that is the agent's link.
 */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { HOST_KIT } from '../../commands/image/host-kit.ts';
import { CpioArchive } from '../../providers/qemu/image/cpio-archive.ts';
import type { QemuImage, QemuImageManifest } from '../../providers/qemu/image/image-files.ts';
import { systemParts } from '../../providers/qemu/image/system-parts.ts';
import { socketsOf } from '../../providers/qemu/machine/machine-manifest.ts';
import { copyOf } from './qemu-image-layer.ts';
import { BOOT_MS } from './qemu-harness.ts';

const INIT = `#!/bin/busybox sh
export PATH=/bin
/bin/busybox mkdir -p /proc /sys /dev
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
/bin/busybox --install -s /bin
while read -r module; do insmod "/modules/$module.ko"; done </modules.order
for name in /sys/class/virtio-ports/*/name; do
  [ "$(cat "$name")" = ephemera ] && port=/dev/$(basename "$(dirname "$name")")
done
exec 3<>"$port"
while :; do
  read -r line <&3 || { sleep 0.1; continue; }
  case "$line" in
    *shutdown*) sync; reboot -f ;;
    'write '*) printf '%s\\n' "\${line#write }" | dd of=/dev/vda bs=512 conv=sync,fsync 2>/dev/null; echo written >&3 ;;
    read) echo "word $(dd if=/dev/vda bs=512 count=1 2>/dev/null | tr -d '\\000')" >&3 ;;
  esac
done
`;

/** Makes the image of such a guest in `directory`, with the kernel of `built`. */
export async function wordGuestImage(built: QemuImage, directory: string): Promise<QemuImage> {
  const { busybox, modules } = await systemParts(join(HOST_KIT.cacheDir, 'image-parts'), false, HOST_KIT);
  const files = new CpioArchive();
  files.characterDevice('dev/console', 5, 1);
  files.file('bin/busybox', busybox, 0o755);
  for (const { name, content } of modules) files.file(`modules/${name}.ko`, content, 0o644);
  files.file('modules.order', Buffer.from(modules.map(({ name }) => `${name}\n`).join('')), 0o644);
  files.file('init', Buffer.from(INIT), 0o755);
  const image = await copyOf(built, directory);
  const initrd = gzipSync(files.bytes());
  await writeFile(image.initrd, initrd);
  const manifest = JSON.parse(await readFile(image.manifest, 'utf8')) as QemuImageManifest;
  manifest.initrd = { bytes: initrd.length, sha256: createHash('sha256').update(initrd).digest('hex') };
  await writeFile(image.manifest, JSON.stringify(manifest));
  return image;
}

/** Has the guest in `dir` write a word to its disk. */
export async function writeWord(dir: string, word: string): Promise<void> {
  const answer = await askGuest(dir, `write ${word}`);
  if (answer !== 'written') throw new Error(`the guest says ${answer}`);
}

/** The word on the disk of the guest in `dir`; undefined where there is none. */
export async function readWord(dir: string): Promise<string | undefined> {
  const [, word = ''] = /^word ?(.*)$/.exec(await askGuest(dir, 'read')) ?? [];
  return word === '' ? undefined : word;
}

/** The line that it answers with, once it has booted: until then the port takes and keeps what it is asked. */
function askGuest(dir: string, question: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const link = connect(socketsOf(dir).agent, () => link.write(`${question}\n`));
    let answer = '';
    const deadline = setTimeout(() => link.destroy(new Error(`the guest says nothing to ${question}`)), BOOT_MS);
    link.once('error', reject);
    link.once('close', () => {
      clearTimeout(deadline);
      reject(new Error(`the guest leaves ${question} unanswered`));
    });
    link.on('data', (chunk: Buffer) => {
      answer += chunk.toString('utf8');
      if (!answer.includes('\n')) return;
      resolve(answer.trim());
      link.destroy();
    });
  });
}

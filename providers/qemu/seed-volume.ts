import { randomUUID } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CLOUD_INIT_LABEL, cloudInitFiles, type CloudInitMachine } from '../../domain/cloud-init.ts';
import { isoVolume } from './iso-volume.ts';
import { QEMU_MACHINE_FILE } from './machine-order.ts';

/** Writes the volume from which cloud-init of the machine in `dir` learns who it is; again with the same content. */
export async function writeSeedVolume(dir: string, machine: CloudInitMachine): Promise<void> {
  const files = Object.entries(cloudInitFiles(machine, { hasAgentVolume: true }));
  const volume = isoVolume(
    CLOUD_INIT_LABEL,
    files.map(([name, text]) => ({ name, content: Buffer.from(text) })),
  );
  const draft = join(dir, `.${QEMU_MACHINE_FILE.seed}.${randomUUID()}`);
  await writeFile(draft, volume, { mode: 0o600 });
  await rename(draft, join(dir, QEMU_MACHINE_FILE.seed));
}

import { join } from 'node:path';
import { CLOUD_INIT_LABEL, cloudInitFiles, type CloudInitMachine } from '../../../domain/machine/cloud-init.ts';
import { isoVolume } from '../image/iso-volume.ts';
import { QEMU_MACHINE_FILE } from './machine-manifest.ts';
import { replaceFile } from '../../../lib/files/atomic-file.ts';

/** Writes the volume from which cloud-init of the machine in `dir` learns who it is; again with the same content. */
export async function writeSeedVolume(dir: string, machine: CloudInitMachine): Promise<void> {
  const files = Object.entries(cloudInitFiles(machine, { hasAgentVolume: true }));
  const volume = isoVolume(
    CLOUD_INIT_LABEL,
    files.map(([name, text]) => ({ name, content: Buffer.from(text) })),
  );
  await replaceFile(join(dir, QEMU_MACHINE_FILE.seed), volume);
}

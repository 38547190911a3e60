import { open } from 'node:fs/promises';
import { CONSOLE_LIMIT_BYTES } from '../../../domain/machine/local-machine.ts';
import { unlessAbsent } from '../../host/host-failure.ts';

/**
 * Cuts a console file that grew past the limit to its newer half, from the first whole line on. QEMU appends to
 * the file it has open, so the file stays the same one; a line it writes in this very moment may be lost.
 */
export async function capConsole(path: string, limitBytes: number = CONSOLE_LIMIT_BYTES): Promise<void> {
  const file = await unlessAbsent(open(path, 'r+'));
  if (file === undefined) return;
  try {
    const { size } = await file.stat();
    if (size <= limitBytes) return;
    const half = new Uint8Array(Math.floor(limitBytes / 2));
    const { bytesRead } = await file.read(half, 0, half.length, size - half.length);
    const newer = half.subarray(half.indexOf(0x0a) + 1, bytesRead);
    // In this order it is never empty for who reads it meanwhile.
    await file.write(newer, 0, newer.length, 0);
    await file.truncate(newer.length);
  } finally {
    await file.close();
  }
}

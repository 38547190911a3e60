import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ProviderError } from '../../domain/provider-error.ts';
import { isErrno } from '../host/machine-files.ts';

const run = promisify(execFile);
const TIMEOUT_MS = 120_000;

/** QEMU's own tool for disk files. */
export const QEMU_IMG = 'qemu-img';

/** Whether this host has it. */
export async function hasQemuImg(path = QEMU_IMG): Promise<boolean> {
  return run(path, ['--version'], { timeout: TIMEOUT_MS }).then(
    () => true,
    () => false,
  );
}

/**
 * What one command of it prints. Rejects with `hypervisorMissing` where it is not installed, and else with its own
 * words as the message.
 */
export async function qemuImg(args: readonly string[], path = QEMU_IMG): Promise<string> {
  try {
    const { stdout } = await run(path, [...args], { timeout: TIMEOUT_MS, env: { PATH: process.env['PATH'] ?? '' } });
    return stdout;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) {
      throw new ProviderError(
        'hypervisorMissing',
        `${path} is not on this host, and disks are made with it: install it (Debian and Ubuntu: apt-get install qemu-utils)`,
        { cause: error },
      );
    }
    const { stderr, message } = error as { stderr?: string; message: string };
    throw new Error((stderr ?? '').trim() || message, { cause: error });
  }
}

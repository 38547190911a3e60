import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import { isAbsent } from '../../../lib/files/absent.ts';
import { asHostFailure } from '../../host/host-failure.ts';

const run = promisify(execFile);
const TIMEOUT_MS = 120_000;

/** QEMU's own tool for disk files. */
export const QEMU_IMG = 'qemu-img';

/** Whether this host has it. Rejects with `hostFailure` where no program starts. */
export async function hasQemuImg(path = QEMU_IMG): Promise<boolean> {
  return run(path, ['--version'], { timeout: TIMEOUT_MS }).then(
    () => true,
    (error: unknown) => {
      if (hasNotStarted(error) && !isAbsent(error)) throw asHostFailure(error);
      return false;
    },
  );
}

/**
 * What one command of it prints. Rejects with `hypervisorMissing` where it is not installed, with `hostFailure` where no
 * program starts, and else with its own words as the message.
 */
export async function qemuImg(args: readonly string[], path = QEMU_IMG): Promise<string> {
  try {
    const { stdout } = await run(path, [...args], { timeout: TIMEOUT_MS, env: { PATH: process.env['PATH'] ?? '' } });
    return stdout;
  } catch (error) {
    if (isAbsent(error)) {
      throw new ProviderError(
        'hypervisorMissing',
        `${path} is not on this host, and disks are made with it: install it (Debian and Ubuntu: apt-get install qemu-utils)`,
        { cause: error },
      );
    }
    if (hasNotStarted(error)) throw asHostFailure(error);
    const { stderr, message } = error as { stderr?: string; message: string };
    throw new Error((stderr ?? '').trim() || message, { cause: error });
  }
}

/** A program that ran and failed has a number as its code, the system's refusal a word. */
function hasNotStarted(error: unknown): boolean {
  return typeof (error as { code?: unknown }).code === 'string';
}

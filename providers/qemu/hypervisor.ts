import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ProviderError } from '../../domain/machine/provider-error.ts';
import { asHostFailure } from '../host/host-failure.ts';
import { isErrno } from '../host/files/machine-files.ts';

const run = promisify(execFile);

/** Older ones lack commands that a machine's life needs, or are not seen to work. */
const OLDEST = [6, 2] as const;
/** From here on QEMU changes its user by another option. */
const RUN_WITH_USER = [9, 1] as const;

/** The host starts no program now, whichever it is. */
const NO_ROOM = ['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM'];

export interface Hypervisor {
  path: string;
  version: string;
  /** `-run-with user=` in place of `-runas`. */
  hasRunWith: boolean;
}

/**
 * The QEMU of this host. Rejects with `hypervisorMissing` or `hypervisorTooOld`, each with what to install, or with
 * `hostFailure` where no program starts.
 */
export async function findHypervisor(path = 'qemu-system-x86_64'): Promise<Hypervisor> {
  const text = await run(path, ['--version'], { timeout: 20_000 }).then(
    ({ stdout }) => stdout,
    (cause: unknown) => {
      if (NO_ROOM.some((code) => isErrno(cause, code))) throw asHostFailure(cause);
      throw new ProviderError(
        'hypervisorMissing',
        `${path} does not run on this host: install QEMU (Debian and Ubuntu: apt-get install qemu-system-x86)`,
        { cause },
      );
    },
  );
  const [, version = '', major = '0', minor = '0'] = /version ((\d+)\.(\d+)[\w.]*)/.exec(text) ?? [];
  const found = [Number(major), Number(minor)] as const;
  if (!isAtLeast(found, OLDEST)) {
    throw new ProviderError(
      'hypervisorTooOld',
      `${path} is version ${version || 'unknown'}: install QEMU ${OLDEST.join('.')} or newer`,
    );
  }
  return { path, version, hasRunWith: isAtLeast(found, RUN_WITH_USER) };
}

type Version = readonly [major: number, minor: number];

function isAtLeast(found: Version, wanted: Version): boolean {
  return found[0] > wanted[0] || (found[0] === wanted[0] && found[1] >= wanted[1]);
}

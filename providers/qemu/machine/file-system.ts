import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import { isErrno } from '../../host/files/machine-files.ts';

const run = promisify(execFile);
/** Programs of the system's administrator are not on everybody's PATH. */
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
/** Nothing is written that an empty disk already says, so the file stays as small as it can; it makes no use of root. */
const FLAGS = ['-q', '-F', '-t', 'ext4', '-m', '0', '-E', 'lazy_itable_init=1,lazy_journal_init=1,nodiscard'];

/** Makes an empty ext4 on a sparse file. Needs no root. Errors: `toolMissing`, `diskFull`, `bootFailed`. */
export async function makeFileSystem(path: string): Promise<void> {
  try {
    await run('mke2fs', [...FLAGS, path], { env: { PATH } });
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) {
      const text = 'mke2fs is not installed on this host; machines of container images need it';
      throw new ProviderError('toolMissing', `${text} (Debian: apt-get install e2fsprogs)`, { cause });
    }
    const { stderr = '' } = cause as { stderr?: string };
    const code = stderr.includes('No space left') ? 'diskFull' : 'bootFailed';
    throw new ProviderError(code, `the disk gets no file system: ${stderr.trim()}`, { cause });
  }
}

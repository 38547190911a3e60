/** A disk that is full, said the same way by every provider whose machines have their files on this host. */
import { statfs } from 'node:fs/promises';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import { isErrno } from './machine-files.ts';

const ANOTHER_MACHINE = 'another machine';

/** Before anything of a machine is written: what is refused leaves nothing. Errors: `diskFull`. */
export async function refuseFullDisk(machinesDir: string, stateDir: string, minFreeBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(machinesDir);
  if (bavail * bsize < minFreeBytes) throw diskFull(stateDir, ANOTHER_MACHINE);
}

/** Does `work`; that the disk or its quota has no room becomes `diskFull`. */
export async function withFullDisk<Result>(stateDir: string, work: () => Promise<Result>): Promise<Result> {
  return withFullDiskOf(stateDir, ANOTHER_MACHINE, work);
}

/** The same for something else than a machine; `what` names it. Sees through `hostFailure` to what the system said. */
export async function withFullDiskOf<Result>(
  stateDir: string,
  what: string,
  work: () => Promise<Result>,
): Promise<Result> {
  return work().catch((error: unknown) => {
    throw isFullDisk(error) ? diskFull(stateDir, what, error) : error;
  });
}

function isFullDisk(error: unknown): boolean {
  const said = error instanceof ProviderError ? error.cause : error;
  return isErrno(said, 'ENOSPC') || isErrno(said, 'EDQUOT');
}

function diskFull(stateDir: string, what: string, cause?: unknown): ProviderError {
  return new ProviderError('diskFull', `${stateDir} has no room for ${what}`, { cause });
}

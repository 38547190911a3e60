/**
 * What the host's system cannot do or tell now. That a file, a directory or a process is not there is an answer; every
 * other error leaves what was asked unknown, and what is unknown is never taken for gone.
 */
import { ProviderError } from '../../domain/machine/provider-error.ts';
import { isAbsent } from '../../lib/files/absent.ts';

const SYSTEM_ERROR = /^E[A-Z0-9]+$/;

/** A file of a machine that is there and does not hold what it must. Trying again helps nobody but a repair does. */
export class DamagedFile extends ProviderError {
  constructor(path: string, why: string) {
    super('hostFailure', `${path} is damaged: ${why}; destroy its VM, or put back the file`);
  }
}

/** What `asking` found; undefined when it is not there. Errors: `hostFailure` where that is unknown. */
export async function unlessAbsent<Found>(asking: Promise<Found>): Promise<Found | undefined> {
  return asking.catch((error: unknown) => {
    if (isAbsent(error)) return undefined;
    throw asHostFailure(error);
  });
}

/** Does `work`; the system's errors in it become `hostFailure`, which can be tried again. */
export async function withHostFailures<Result>(work: () => Promise<Result>): Promise<Result> {
  return work().catch((error: unknown) => {
    throw asHostFailure(error);
  });
}

/** The same error as `hostFailure` where the system made it; another one as it is. */
export function asHostFailure(error: unknown): Error {
  const known = error instanceof Error ? error : new Error(String(error));
  if (known instanceof ProviderError || systemCodeOf(known) === undefined) return known;
  return new ProviderError('hostFailure', `the host cannot do this now: ${known.message}`, { cause: known });
}

function systemCodeOf(error: unknown): string | undefined {
  const code: unknown = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' && SYSTEM_ERROR.test(code) ? code : undefined;
}

/** How a command ends, for scripts; docs/cli.md lists them. */
import { ApiError, ApiUnreachable, StreamError, VmEnded, WaitTimeout } from '../client/ephemera.ts';

export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  refused: 4,
  timeout: 5,
  conflict: 6,
  unreachable: 7,
  /** A command in a VM was killed because its time was over, as `timeout` of coreutils says it. */
  commandTimedOut: 124,
  /** `exec` and `shell` themselves failed: any other code is of the command. */
  execFailed: 125,
  interrupted: 130,
} as const;

export const EXIT_MEANINGS: readonly (readonly [code: number, meaning: string])[] = [
  [EXIT.ok, 'done'],
  [EXIT.failed, 'failed; standard error says why'],
  [EXIT.usage, 'the command line is wrong, and nothing was done'],
  [EXIT.notFound, 'no such VM, template, host, …'],
  [EXIT.refused, 'no key, a wrong key, or one that may not do this'],
  [EXIT.timeout, 'what was waited for did not come in time; it may still come'],
  [EXIT.conflict, 'the state of things does not allow it, or the VM went another way than the one that was waited for'],
  [EXIT.unreachable, 'the API does not answer'],
  [EXIT.commandTimedOut, '`exec --timeout`: the command was killed because its time was over'],
  [EXIT.execFailed, '`exec` or `shell` failed itself; every other code of theirs is that of the command'],
  [EXIT.interrupted, 'ended by Ctrl-C'],
];

/** A mistake with a message for people, and the exit code that goes with it. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT.failed) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** The command line asks for what cannot be. */
export function usageError(message: string): CliError {
  return new CliError(message, EXIT.usage);
}

/** The exit code of a failure. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CliError) return error.exitCode;
  if (error instanceof WaitTimeout) return EXIT.timeout;
  if (error instanceof VmEnded) return EXIT.conflict;
  if (error instanceof ApiUnreachable) return EXIT.unreachable;
  if (error instanceof StreamError) return exitCodeOfStatus(error.status);
  return error instanceof ApiError ? exitCodeOfStatus(error.status) : EXIT.failed;
}

function exitCodeOfStatus(status: number | undefined): number {
  if (status === 400) return EXIT.usage;
  if (status === 401 || status === 403) return EXIT.refused;
  if (status === 404) return EXIT.notFound;
  if (status === 409 || status === 422) return EXIT.conflict;
  return status === 502 || status === 503 || status === 504 ? EXIT.unreachable : EXIT.failed;
}

/** `--wait` and `--timeout` of what takes its time. */
import type { Command } from 'commander';
import { usageError } from '../exit-codes.ts';

export interface WaitingOptions {
  wait?: boolean;
  timeout: string;
}

const DEFAULT_SECONDS = '300';
const MAX_SECONDS = 86_400;

export function withWait(one: Command, until: string): Command {
  return withTimeout(one.option('-w, --wait', `returns only then: ${until} (default: at once)`));
}

export function withTimeout(one: Command): Command {
  return one.option('--timeout <SECONDS>', `how long it waits; then exit code 5`, DEFAULT_SECONDS);
}

/** @throws CliError. */
export function timeoutOf({ timeout }: { timeout: string }): number {
  const seconds = /^\d{1,6}$/.test(timeout) ? Number(timeout) : Number.NaN;
  if (seconds >= 1 && seconds <= MAX_SECONDS) return seconds;
  throw usageError(`--timeout must be 1 to ${MAX_SECONDS} seconds, not ${timeout}`);
}

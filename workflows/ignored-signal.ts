import { log } from '@temporalio/workflow';

/** Notes a signal whose argument is not what it takes: anyone with a CLI may send it, so it fails no workflow. */
export function ignoreSignal({ name }: { name: string }, expected?: string): void {
  const wanted = expected === undefined ? {} : { expected };
  log.warn('a signal was ignored: its argument is not what it takes', { signal: name, ...wanted });
}

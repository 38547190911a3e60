import type { AppControl } from './agent/counting/app-control.ts';
import type { Log } from './log.ts';

/** How long the clients have to say goodbye after a SIGTERM. */
const SIGNAL_GRACE_SECONDS = 4;

export interface EndingApp extends Pick<AppControl, 'recount' | 'setDraining'> {
  /** Tells the clients and closes their connections, within the grace time. */
  close: (graceMs: number) => Promise<void>;
  log: Log;
}

/** Gives the agent its hold on the app, and ends the program in the same orderly way on SIGTERM and SIGINT. */
export function endOnSignals({ recount, setDraining, close, log }: EndingApp): AppControl {
  const end = (why: string, graceSeconds: number): void => {
    log(`Ending: ${why}.`);
    const exit = (): void => process.exit(0);
    setTimeout(exit, graceSeconds * 1000);
    // The last tenth is for what is left to write.
    void close(graceSeconds * 900).then(exit, exit);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => end(signal, SIGNAL_GRACE_SECONDS));
  return {
    recount,
    setDraining: (draining) => {
      setDraining(draining);
      log(draining ? 'Draining: nobody new is admitted.' : 'No longer draining.');
    },
    shutdown: (graceSeconds) => end('the host asked for it', graceSeconds),
  };
}

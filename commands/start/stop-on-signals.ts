import { say } from '../terminal/terminal.ts';

/**
 * A key press may reach this process several times: from the terminal and through npm. A SIGTERM may too, and never means
 * more than the first: who sends them has SIGKILL for that.
 */
const SAME_PRESS_MS = 700;

export interface Stoppable {
  /** Stops everything in order. */
  stop: () => Promise<void>;
  /** Ends everything at once. */
  kill: () => void;
  /** Said when all is stopped. */
  stopped: string;
}

/** Ctrl-C and SIGTERM stop in order, a second Ctrl-C at once; then the process ends. */
export function stopOnSignals({ stop, kill, stopped }: Stoppable): void {
  let firstAt: number | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (firstAt === undefined) {
      firstAt = Date.now();
      say(`\n${signal}: stopping; Ctrl-C ${signal === 'SIGINT' ? 'once more ' : ''}ends everything at once`);
      void stop().then(() => {
        say(stopped);
        process.exit(0);
      });
    } else if (signal === 'SIGINT' && Date.now() - firstAt > SAME_PRESS_MS) {
      kill();
      process.exit(130);
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
}

import { Runtime, type Logger as TemporalLogger, type LogLevel, type LogMetadata } from '@temporalio/worker';
import { pino, type Logger } from 'pino';
import type { Settings } from '../config/settings.ts';

/** JSON lines on standard output. */
export function createLogger(settings: Pick<Settings, 'logLevel'>): Logger {
  return pino({ name: 'worker', level: settings.logLevel });
}

/**
 * Routes the logs of the Temporal SDK, of its core and of workflows into ours, and leaves signals to us. Once a
 * process, before anything else of the SDK is used.
 */
export function installTemporalRuntime(log: Logger): void {
  Runtime.install({
    logger: temporalLogger(log.child({ part: 'temporal' })),
    telemetryOptions: { logging: { forward: {}, filter: { core: 'WARN', other: 'WARN' } } },
    shutdownSignals: [],
  });
}

const PINO_LEVEL = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

function temporalLogger(log: Logger): TemporalLogger {
  const write = (level: LogLevel, message: string, meta: LogMetadata = {}): void => {
    const { error, ...rest } = meta as LogMetadata & { error?: unknown };
    log[PINO_LEVEL[level]]({ ...plain(rest), ...(error === undefined ? {} : { err: error }) }, message);
  };
  return {
    log: write,
    trace: (message, meta) => write('TRACE', message, meta),
    debug: (message, meta) => write('DEBUG', message, meta),
    info: (message, meta) => write('INFO', message, meta),
    warn: (message, meta) => write('WARN', message, meta),
    error: (message, meta) => write('ERROR', message, meta),
  };
}

/** The SDK logs times as big integers, which JSON does not know. */
function plain(meta: LogMetadata): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(meta).map(([key, value]) => [
      key,
      typeof value === 'bigint' ? value.toString() : (value as unknown),
    ]),
  );
}

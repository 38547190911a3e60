import {
  Runtime,
  type Logger as TemporalLogger,
  type LogLevel,
  type LogMetadata,
  type MetricsBuffer,
} from '@temporalio/worker';
import type { Logger } from 'pino';

/**
 * Routes the logs of the Temporal SDK, of its core and of workflows into ours, its metrics into the buffer, and leaves
 * signals to us. Once a process, before anything else of the SDK is used.
 */
export function installTemporalRuntime(log: Logger, buffer: MetricsBuffer): void {
  Runtime.install({
    logger: temporalLogger(log.child({ part: 'temporal' })),
    telemetryOptions: { logging: { forward: {}, filter: { core: 'WARN', other: 'WARN' } }, metrics: { buffer } },
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

/** The SDK's names for what our lines call otherwise. */
const OUR_NAMES: Readonly<Record<string, string>> = { workflowRunId: 'runId', activityType: 'activity' };
/** Says nothing to a reader. */
const LEFT_OUT: ReadonlySet<string> = new Set(['taskToken', 'isLocal', 'sdkComponent', 'namespace']);

/** What the SDK says of a line, in our names. Its times are big integers, which JSON does not know. */
function plain(meta: LogMetadata): Record<string, unknown> {
  const entries = Object.entries(meta).flatMap(([key, value]: [string, unknown]) =>
    LEFT_OUT.has(key) ? [] : [[OUR_NAMES[key] ?? key, typeof value === 'bigint' ? value.toString() : value] as const],
  );
  return Object.fromEntries(entries);
}

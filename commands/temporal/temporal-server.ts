/** The Temporal dev server that `npm start` runs: its command line, and waiting until it is of use. */
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import proto from '@temporalio/proto';
import type { TemporalConnectionOptions } from '../../config/temporal/temporal-connection.ts';
import { SEARCH_ATTRIBUTE } from '../../domain/wire-names.ts';
import { ScriptError } from '../terminal/terminal.ts';

/** The dev server's database in the state directory. */
export const TEMPORAL_DB_FILE = 'temporal.db';

const RETENTION_DAYS = 30;
const POLL_MS = 100;

const ATTRIBUTE_TYPE = { KEYWORD: 'Keyword', KEYWORD_LIST: 'KeywordList', DATETIME: 'Datetime' } as const;

/** The dev server allows 100 visibility requests a second; a burst of pages, polls and lists needs more. */
const DYNAMIC_CONFIG = {
  'frontend.namespaceRPS.visibility': 1000,
  'frontend.namespaceBurstRatio.visibility': 2,
  // Its HTTP API, which cannot be turned off, takes a POST from any page. Nobody here uses it, so no host name fits.
  'frontend.httpAllowedHosts': '["no-host-fits.invalid"]',
  // It has HTTP routes of its own, beside that rule.
  'system.enableNexus': false,
} as const;

export interface TemporalServerPlace {
  port: number;
  /** Where the Web UI itself listens, behind its gate. */
  ui: { host: string; port: number };
  /** Its metrics tell anybody who asks names of namespaces and task queues. */
  metricsPort: number;
  /** The database file: a restart on it loses nothing. */
  dbFile: string;
  namespace: string;
}

/** Arguments for the Temporal CLI. */
export function temporalServerArguments(place: TemporalServerPlace): string[] {
  const attributes = Object.values(SEARCH_ATTRIBUTE).map(({ name, type }) => `${name}=${ATTRIBUTE_TYPE[type]}`);
  return [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', `${place.port}`],
    ...['--ui-ip', place.ui.host, '--ui-port', `${place.ui.port}`, '--metrics-port', `${place.metricsPort}`],
    ...['--db-filename', place.dbFile, '--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=1'],
    ...['--namespace', place.namespace, '--log-level', 'warn'],
    ...attributes.flatMap((attribute) => ['--search-attribute', attribute]),
    ...Object.entries(DYNAMIC_CONFIG).flatMap(([key, value]) => ['--dynamic-config-value', `${key}=${value}`]),
  ];
}

/**
 * Waits until the server answers for the namespace, or at all when it is null.
 * @param gaveUp tells why waiting is of no use any more, if so.
 */
export async function awaitTemporal(
  options: TemporalConnectionOptions,
  namespace: string | null,
  deadlineMs: number,
  gaveUp: () => string | undefined,
): Promise<void> {
  const until = Date.now() + deadlineMs;
  for (;;) {
    try {
      await withConnection(options, async (connection) => {
        if (namespace !== null) await connection.workflowService.describeNamespace({ namespace });
      });
      return;
    } catch (error) {
      const reason = gaveUp() ?? (Date.now() > until ? `no answer in ${deadlineMs / 1000} s` : undefined);
      if (reason !== undefined) throw new ScriptError(`Temporal at ${options.address}: ${reason} (${textOf(error)})`);
      await sleep(POLL_MS);
    }
  }
}

/** Keeps closed workflows for 30 days: the dev server's 24 hours would forget yesterday's VMs. */
export async function keepClosedWorkflows(options: TemporalConnectionOptions, namespace: string): Promise<void> {
  await withConnection(options, (connection) =>
    connection.workflowService.updateNamespace({
      namespace,
      config: { workflowExecutionRetentionTtl: msToTs(`${RETENTION_DAYS} days`) },
    }),
  );
}

/** Waits until a worker asked for work on the task queue after `sinceMs` (epoch ms). */
export async function awaitWorkerPolls(
  options: TemporalConnectionOptions,
  queue: { namespace: string; taskQueue: string; sinceMs: number },
  deadlineMs: number,
  gaveUp: () => string | undefined,
): Promise<void> {
  const isNew = ({ lastAccessTime }: Poller): boolean =>
    Number(lastAccessTime?.seconds ?? 0) * 1000 + 999 >= queue.sinceMs;
  await awaitPoller(options, { ...queue, kind: 'workflow' }, isNew, deadlineMs, gaveUp);
}

/** Waits until this very worker asks for activities: the clock of a server elsewhere tells nothing about ours. */
export async function awaitOwnPolls(
  options: TemporalConnectionOptions,
  queue: { namespace: string; taskQueue: string; pid: () => number | undefined },
  deadlineMs: number,
  gaveUp: () => string | undefined,
): Promise<void> {
  const isOurs = ({ identity }: Poller): boolean => identity === `${queue.pid() ?? 0}@${hostname()}`;
  await awaitPoller(options, { ...queue, kind: 'activity' }, isOurs, deadlineMs, gaveUp);
}

type Poller = proto.temporal.api.taskqueue.v1.IPollerInfo;

async function awaitPoller(
  options: TemporalConnectionOptions,
  queue: { namespace: string; taskQueue: string; kind: 'workflow' | 'activity' },
  isIt: (poller: Poller) => boolean,
  deadlineMs: number,
  gaveUp: () => string | undefined,
): Promise<void> {
  const until = Date.now() + deadlineMs;
  const { TASK_QUEUE_TYPE_WORKFLOW, TASK_QUEUE_TYPE_ACTIVITY } = proto.temporal.api.enums.v1.TaskQueueType;
  const taskQueueType = queue.kind === 'workflow' ? TASK_QUEUE_TYPE_WORKFLOW : TASK_QUEUE_TYPE_ACTIVITY;
  await withConnection(options, async (connection) => {
    for (;;) {
      const { pollers } = await connection.workflowService.describeTaskQueue({
        namespace: queue.namespace,
        taskQueue: { name: queue.taskQueue },
        taskQueueType,
      });
      if (pollers.some(isIt)) return;
      const reason = gaveUp() ?? (Date.now() > until ? `no poll in ${deadlineMs / 1000} s` : undefined);
      if (reason !== undefined) throw new ScriptError(`worker: ${reason}`);
      await sleep(POLL_MS);
    }
  });
}

async function withConnection<Result>(
  options: TemporalConnectionOptions,
  use: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  const connection = await Connection.connect({ ...options, connectTimeout: 3000 });
  try {
    return await use(connection);
  } finally {
    await connection.close();
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

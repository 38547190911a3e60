/** API replicas in this process, against a real dev server, with a park of machines behind the real workflow. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection, type WorkflowClientInterceptor } from '@temporalio/client';
import { pino } from 'pino';
import { startApi, type ApiParts, type RunningApi } from '../../api/server.ts';
import type { ApiTemplate } from '../../api/schemas/template.ts';
import type { ApiVm } from '../../api/schemas/vm.ts';
import { KEYS_FILE, type Role } from '../../security/keys/keys-file.ts';
import { loadSettings } from '../../config/load-settings.ts';
import type { Settings } from '../../config/settings.ts';
import type { TimelineEntryView } from '../../domain/vm/view.ts';
import { plainRequest, type PlainAnswer } from '../api/plain-request.ts';
import { TEST_NAMESPACE, type TestServer } from '../temporal-server.ts';

export interface ApiAnswer {
  status: number;
  headers: Headers;
  text: string;
  body: ApiVm & {
    vms: ApiVm[];
    nextPageToken?: string;
    events: TimelineEntryView[];
    code?: string;
    vm?: ApiVm;
    token?: string;
    templates?: ApiTemplate[];
    version?: number;
    versions?: ApiTemplate['versions'];
    heldBack?: ApiTemplate['heldBack'];
    fields?: { field: string; problem: string }[];
    detail?: string;
  };
}

export interface CallOptions {
  body?: unknown;
  /** Null sends no key. */
  key?: string | null;
  headers?: Record<string, string>;
}

export interface TestApi {
  url: string;
  settings: Settings;
  /** One key for each role in project `default`, and an operator's in `other`. */
  keys: Record<Role | 'other', string>;
  call: (method: string, path: string, options?: CallOptions) => Promise<ApiAnswer>;
  close: () => Promise<void>;
}

function testSettings(stateDir: string, server: Pick<TestServer, 'address' | 'uiUrl'>, queue: string): Settings {
  const settings = loadSettings({
    argv: [],
    env: {
      EPHEMERA_STATE_DIR: stateDir,
      EPHEMERA_DEPLOYMENT: 'test',
      EPHEMERA_CONTROL_TASK_QUEUE: queue,
      EPHEMERA_TEMPORAL_UI_URL: server.uiUrl,
      TEMPORAL_ADDRESS: server.address,
      TEMPORAL_NAMESPACE: TEST_NAMESPACE,
    },
    cwd: stateDir,
  });
  settings.providers = ['local'];
  settings.api.port = 0;
  // Nobody listens there: these tests run no worker process that could serve a console.
  settings.worker.internalPort = 1;
  return settings;
}

/** Starts a replica and waits until it is ready. `stateDir`: that of another replica, to share its keys and secret. */
export async function startTestApi(
  server: TestServer,
  queue: string,
  options: {
    share?: TestApi;
    change?: (settings: Settings) => void | Promise<void>;
    waitUntilReady?: boolean;
    interceptors?: WorkflowClientInterceptor[];
    instanceKeysUrl?: string;
    reportTokenSeconds?: number;
    now?: () => number;
    pollMs?: number;
    requestsAtOnce?: NonNullable<ApiParts['requestsAtOnce']>;
  } = {},
): Promise<TestApi> {
  const stateDir = options.share?.settings.stateDir ?? (await mkdtemp(join(tmpdir(), 'eph-api-')));
  const keys = options.share?.keys ?? (await writeKeys(stateDir));
  const settings = testSettings(stateDir, server, queue);
  await options.change?.(settings);
  const connection = Connection.lazy({ address: settings.temporal.address ?? server.address });
  const client = new Client({
    connection,
    namespace: TEST_NAMESPACE,
    interceptors: { workflow: options.interceptors ?? [] },
  });
  const api: RunningApi = await startApi({
    settings,
    client,
    log: pino({ level: 'error' }),
    ...pick(options, ['instanceKeysUrl', 'reportTokenSeconds', 'now', 'pollMs', 'requestsAtOnce']),
  });
  if (options.waitUntilReady ?? true) await untilReady(api.url);
  return {
    url: api.url,
    settings,
    keys,
    call: (method, path, callOptions) => call(api.url, keys.operator, method, path, callOptions),
    close: async () => {
      await api.close();
      await connection.close();
      if (!options.share) await rm(stateDir, { recursive: true, force: true });
    },
  };
}

/** Those of the options that are set. */
function pick<T extends object, K extends keyof T>(options: T, names: readonly K[]): Pick<Required<T>, K> {
  return Object.fromEntries(
    names.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
  ) as Pick<Required<T>, K>;
}

async function writeKeys(stateDir: string): Promise<TestApi['keys']> {
  const holders = [
    { id: 'viewer', project: 'default', role: 'viewer' },
    { id: 'operator', project: 'default', role: 'operator' },
    { id: 'admin', project: 'default', role: 'admin' },
    { id: 'other', project: 'other', role: 'operator' },
  ] as const;
  const made = holders.map((holder) => ({ holder, key: `key-${holder.id}-${randomUUID()}` }));
  const stored = made.map(({ holder, key }) => ({
    ...holder,
    sha256: createHash('sha256').update(key).digest('hex'),
    createdAt: new Date().toISOString(),
  }));
  await writeFile(join(stateDir, KEYS_FILE), JSON.stringify({ keys: stored }), { mode: 0o600 });
  return Object.fromEntries(made.map(({ holder, key }) => [holder.id, key])) as TestApi['keys'];
}

async function untilReady(url: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await fetch(`${url}/readyz`)).ok) {
    if (Date.now() > deadline) throw new Error('the API was never ready');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function call(
  url: string,
  defaultKey: string,
  method: string,
  path: string,
  { key = defaultKey, ...more }: CallOptions = {},
): Promise<ApiAnswer> {
  return (await plainRequest({ url, key }, method, path, more)) as PlainAnswer & Pick<ApiAnswer, 'body'>;
}

/** Waits until `probe` gives something. */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | undefined>,
  deadlineMs = 30_000,
): Promise<T> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    const seen = await probe();
    if (seen !== undefined) return seen;
    if (Date.now() > deadline) throw new Error(`never saw: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export function uniqueName(prefix = 't'): string {
  return `${prefix}-${randomUUID().slice(0, 8)}`;
}

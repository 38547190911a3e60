/** A real Temporal dev server for tests: its own port, file and search attributes, stopped by its process id. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTE } from '../domain/wire-names.ts';
import { freePort } from './free-port.ts';

const START_DEADLINE_MS = 30_000;
export const TEST_NAMESPACE = 'ephemera';

export interface TestServer {
  address: string;
  uiUrl: string;
  /** Prometheus text: what the server was asked, among others. */
  metricsUrl: string;
  cliPath: string;
  connection: Connection;
  client: Client;
  pid: () => number | undefined;
  /** kill -9; the database file stays. */
  kill: () => Promise<void>;
  /** Starts again on the same file and ports. */
  restart: () => Promise<void>;
  stop: () => Promise<void>;
}

/** The CLI binary that `npm test` found or built. */
export function temporalCliPath(): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const candidates = [
    process.env['EPHEMERA_TEMPORAL_CLI'],
    join(cache, 'ephemera/bin/temporal-1.5.1'),
    join(cache, 'ephemera/bin/temporal'),
  ];
  const found = candidates.find((path) => path !== undefined && existsSync(path));
  if (found === undefined) throw new Error('no Temporal CLI: run `npm test` once, it finds or builds one');
  return found;
}

/** Starts a dev server with Ephemera's namespace and search attributes. `dynamicConfig`: the server's own settings. */
export async function startTestServer(dynamicConfig: Record<string, number> = {}): Promise<TestServer> {
  const dir = await mkdtemp(join(tmpdir(), 'ephemera-temporal-'));
  const port = await freePort();
  const uiPort = await freePort();
  const metricsPort = await freePort();
  const address = `127.0.0.1:${port}`;
  const cliPath = temporalCliPath();
  const own = { port, uiPort, metricsPort, dynamicConfig };
  let child = await launch(cliPath, dir, own);
  const connection = await connect(address);
  const client = new Client({ connection, namespace: TEST_NAMESPACE });
  const kill = (): Promise<void> => end(child, 'SIGKILL');
  return {
    address,
    uiUrl: `http://127.0.0.1:${uiPort}`,
    metricsUrl: `http://127.0.0.1:${metricsPort}/metrics`,
    cliPath,
    connection,
    client,
    pid: () => child.pid,
    kill,
    restart: async () => {
      child = await launch(cliPath, dir, own);
      await (await connect(address)).close();
    },
    stop: async () => {
      await connection.close();
      await end(child, 'SIGTERM');
      await rm(dir, { recursive: true, force: true });
    },
  };
}

interface Launch {
  port: number;
  uiPort: number;
  metricsPort: number;
  dynamicConfig: Record<string, number>;
}

async function launch(
  cliPath: string,
  dir: string,
  { port, uiPort, metricsPort, dynamicConfig }: Launch,
): Promise<ChildProcess> {
  const attributes = Object.values(SEARCH_ATTRIBUTE).flatMap(({ name, type }) => [
    '--search-attribute',
    `${name}=${ATTRIBUTE_TYPE[type]}`,
  ]);
  const child = spawn(
    cliPath,
    [
      ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', `${port}`, '--ui-port', `${uiPort}`],
      ...['--metrics-port', `${metricsPort}`],
      ...['--db-filename', join(dir, 'temporal.db'), '--namespace', TEST_NAMESPACE, '--log-level', 'error'],
      ...['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=1'],
      ...attributes,
      ...Object.entries(dynamicConfig).flatMap(([key, value]) => ['--dynamic-config-value', `${key}=${value}`]),
    ],
    // Go clears away less often: that is processor time which the tests need themselves.
    { stdio: 'ignore', env: { ...process.env, GOGC: '400' } },
  );
  await once(child, 'spawn');
  return child;
}

const ATTRIBUTE_TYPE = { KEYWORD: 'Keyword', KEYWORD_LIST: 'KeywordList', DATETIME: 'Datetime' } as const;

async function connect(address: string): Promise<Connection> {
  const deadline = Date.now() + START_DEADLINE_MS;
  for (;;) {
    try {
      const connection = await Connection.connect({ address, connectTimeout: 2000 });
      await connection.workflowService.describeNamespace({ namespace: TEST_NAMESPACE });
      return connection;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

/** The whole text of a file, or an empty one when there is none: for failure messages. */
export async function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

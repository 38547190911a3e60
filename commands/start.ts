/** `npm start`: sets everything up, runs Temporal, worker and API, and stops them in order. */
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { localApiUrl } from '../config/api-url.ts';
import { ensureFirstKey, type FirstKey } from '../security/keys/first-key.ts';
import { loadDeploymentSecret } from '../security/sealing/deployment-secret.ts';
import { settingsOfThisProcess } from '../config/load-settings.ts';
import { settingsEnvironment } from '../config/settings-environment.ts';
import type { Settings } from '../config/settings.ts';
import { writeForOwnUserOnly } from '../security/state-directory.ts';
import { temporalConnectionOptions } from '../config/temporal/temporal-connection.ts';
import { buildProgram, type Program } from './start/build-programs.ts';
import { keepDashboardBuilt } from './start/build-dashboard.ts';
import { buildVmServer } from './start/build-vm-server.ts';
import { withPreparedHost } from './image/prepared-host.ts';
import { answerHelp, type Help } from './terminal/help.ts';
import { choosePort, type PortWish } from './start/ports.ts';
import { identify } from '../lib/processes/process-identity.ts';
import { tryLock, type Unlock } from '../lib/processes/process-lock.ts';
import { endLeftovers, readLiveRunFile, removeRunFile, writeRunFile } from './start/run-file.ts';
import { placeShutToBrowsers, portShutToBrowsers } from './start/shut-ports.ts';
import { shutStateDirectory } from './start/shut-state-directory.ts';
import { stopOnSignals } from './start/stop-on-signals.ts';
import { Supervisor, whyHopeless } from './start/supervisor.ts';
import { findOrGetTemporalCli } from './temporal/temporal-cli.ts';
import {
  TEMPORAL_DB_FILE,
  awaitTemporal,
  awaitWorkerPolls,
  keepClosedWorkflows,
  temporalServerArguments,
} from './temporal/temporal-server.ts';
import { startUiGate } from './start/temporal-ui-gate.ts';
import { ScriptError, coloured, runScript, say, step, warn } from './terminal/terminal.ts';

const ROOT = resolve(import.meta.dirname, '..');
const READY_DEADLINE_MS = 90_000;
const POLL_MS = 100;
const GRACE_MS = { api: 5000, worker: 6000, temporal: 4000 };

const HELP: Help = {
  command: 'npm start',
  about:
    'Sets everything up, runs Temporal, worker and API, and stops them in order on Ctrl-C or SIGTERM; machines go on.',
  usage: ['[settings]'],
  examples: [
    ['npm start', 'all defaults; prints where everything is, and a command to try'],
    ['npm start -- --provider qemu', 'real virtual machines'],
    ['npm start -- --state-dir /srv/ephemera --api-port 7500', 'a second one beside the first'],
    ['TEMPORAL_ADDRESS=temporal.example.com:7233 npm start', 'with a Temporal server of your own'],
  ],
  settings: 'all',
};

await runScript(main);

async function main(): Promise<void> {
  answerHelp(process.argv, HELP);
  writeForOwnUserOnly();
  const asked = settingsOfThisProcess();
  if (asked.api.tls !== null) {
    throw new ScriptError(
      'npm start speaks plain HTTP on this computer: start api/main.ts itself with EPHEMERA_API_TLS_CERT',
    );
  }
  shutStateDirectory(asked.stateDir);
  const unlock = await lockStateDirectory(asked.stateDir);
  let writeRun = (): void => undefined;
  const supervisor = new Supervisor({ stateDir: asked.stateDir, cwd: ROOT, onChange: () => writeRun() });
  stopOnSignals({
    stop: () => stopAll(supervisor, asked.stateDir, unlock),
    kill: () => supervisor.kill(),
    stopped: 'stopped; machines go on, `npm start` finds them again',
  });
  try {
    const leftovers = await endLeftovers(asked.stateDir);
    if (leftovers.length > 0) warn(`ended what an earlier start left behind: ${leftovers.join(', ')}`);
    const firstKey = await step('state directory', ({ note }) => prepareState(asked, note));
    await step('vm-server built', () => buildVmServer());
    await step('dashboard built', async ({ note }) => note(await keepDashboardBuilt()));
    const settings = await startTemporal(await withPorts(await withPreparedHost(asked)), supervisor);
    await startWorker(settings, supervisor);
    await startApi(settings, supervisor);
    const startedBy = await identify(process.pid);
    if (startedBy === undefined) throw new Error('the system does not tell the start time of this process');
    writeRun = () =>
      writeRunFile(settings.stateDir, {
        apiUrl: apiUrl(settings),
        temporalAddress: temporalConnectionOptions(settings).address,
        temporalNamespace: settings.temporal.namespace,
        temporalUiUrl: settings.temporal.uiUrl,
        metricsUrls: metricsUrls(settings),
        keyFile: firstKey.keyFile,
        pids: { start: process.pid, ...supervisor.pids },
        startedBy,
      });
    writeRun();
    sayReady(settings, firstKey, supervisor.logDirectory);
  } catch (error) {
    await stopAll(supervisor, asked.stateDir, unlock);
    throw error;
  }
}

async function lockStateDirectory(stateDir: string): Promise<Unlock> {
  const lock = await tryLock(join(stateDir, 'start.lock'));
  if ('unlock' in lock) return lock.unlock;
  const run = await readLiveRunFile(stateDir);
  const where = run === undefined ? 'it is still setting up' : `its API is at ${run.apiUrl}`;
  throw new ScriptError(
    `Ephemera already runs on ${stateDir} (process ${lock.heldBy.pid}; ${where}). ` +
      'Use that one, stop it with Ctrl-C, or start another with --state-dir DIR.',
  );
}

function prepareState(settings: Settings, note: (text: string) => void): Promise<FirstKey> {
  note(settings.stateDir);
  loadDeploymentSecret(settings);
  return ensureFirstKey(settings);
}

/** The settings with ports that are free now; moved ones are said. */
async function withPorts(settings: Settings): Promise<Settings> {
  const { api, worker, metrics, temporal } = settings;
  const spokenFor = new Set<number>();
  const take = async (wish: Omit<PortWish, 'spokenFor'>): Promise<number> => {
    const { port, moved } = await choosePort({ ...wish, spokenFor });
    if (moved !== null) warn(moved);
    spokenFor.add(port);
    return port;
  };
  const apiPort = await take({ ...api, wasAsked: api.portWasAsked, what: 'API', setting: '--api-port' });
  const internalPort = await take({
    ...{ host: worker.internalHost, port: worker.internalPort, wasAsked: worker.internalPortWasAsked },
    ...{ what: 'worker', setting: '--internal-port' },
  });
  const apiMetricsPort = await take({
    ...{ host: metrics.host, port: metrics.apiPort, wasAsked: metrics.apiPortWasAsked },
    ...{ what: 'metrics of the API', setting: '--metrics-port' },
  });
  const workerMetricsPort = await take({
    ...{ host: metrics.host, port: metrics.workerPort, wasAsked: metrics.workerPortWasAsked },
    ...{ what: 'metrics of the worker', setting: '--worker-metrics-port' },
  });
  const chosen: Settings = {
    ...settings,
    metrics: { ...metrics, apiPort: apiMetricsPort, workerPort: workerMetricsPort },
    api: {
      ...api,
      port: apiPort,
      url: api.url === localApiUrl(api.host, api.port) ? localApiUrl(api.host, apiPort) : api.url,
    },
    worker: { ...worker, internalPort },
  };
  if (temporal.address !== null) return chosen;
  const host = '127.0.0.1';
  const port = await take({
    ...{ host, port: temporal.port, wasAsked: temporal.portWasAsked },
    ...{ what: 'Temporal', setting: '--temporal-port' },
  });
  const uiPort = await take({
    ...{ host, port: temporal.uiPort, wasAsked: temporal.uiPortWasAsked },
    ...{ what: 'Temporal Web UI', setting: '--temporal-ui-port' },
  });
  return { ...chosen, temporal: { ...temporal, port, uiPort } };
}

/** The settings with the address of a server that answers: the named one, else one that is started here. */
async function startTemporal(settings: Settings, supervisor: Supervisor): Promise<Settings> {
  const { temporal } = settings;
  if (temporal.address !== null) {
    await step('Temporal', async ({ note }) => {
      note(`using ${temporal.address ?? ''}, namespace ${temporal.namespace}`);
      await awaitConnection(settings);
    });
    return settings;
  }
  const cli = await step('Temporal CLI', (report) => findOrGetTemporalCli(temporal.cliPath, report));
  const started: Settings = {
    ...settings,
    temporal: {
      ...temporal,
      address: `127.0.0.1:${temporal.port}`,
      isOwn: true,
      uiUrl: temporal.uiUrl ?? `http://127.0.0.1:${temporal.uiPort}`,
    },
  };
  await step('Temporal server', async ({ note }) => {
    note(`127.0.0.1:${temporal.port}`);
    const dbFile = join(settings.stateDir, TEMPORAL_DB_FILE);
    const ui = await placeShutToBrowsers();
    await startUiGate({ port: temporal.uiPort, ui, publicUrl: temporal.uiUrl });
    const metricsPort = await portShutToBrowsers('127.0.0.1');
    const place = { port: temporal.port, ui, metricsPort, dbFile, namespace: temporal.namespace };
    const server = await supervisor.start({
      name: 'temporal',
      command: cli,
      args: temporalServerArguments(place),
      env: withoutSecrets(process.env),
      stopGraceMs: GRACE_MS.temporal,
    });
    const options = temporalConnectionOptions(started);
    await awaitTemporal(options, temporal.namespace, READY_DEADLINE_MS, () => whyHopeless(server));
    await keepClosedWorkflows(options, temporal.namespace);
  });
  return started;
}

/** A named server only has to answer: the worker checks, and registers where it may, namespace and attributes. */
async function awaitConnection(settings: Settings): Promise<void> {
  const options = temporalConnectionOptions(settings);
  await awaitTemporal(options, null, READY_DEADLINE_MS / 3, () => undefined);
}

async function startWorker(settings: Settings, supervisor: Supervisor): Promise<void> {
  await step('worker', async () => {
    const sinceMs = Date.now();
    const worker = await supervisor.start(await nodeProcess('worker', 'worker/main.ts', settings));
    const { namespace, controlTaskQueue: taskQueue } = settings.temporal;
    if (!settings.worker.roles.includes('control')) return;
    const options = temporalConnectionOptions(settings);
    await awaitWorkerPolls(options, { namespace, taskQueue, sinceMs }, READY_DEADLINE_MS, () => whyHopeless(worker));
  });
}

async function startApi(settings: Settings, supervisor: Supervisor): Promise<void> {
  await step('API', async ({ note }) => {
    note(apiUrl(settings));
    const api = await supervisor.start(await nodeProcess('api', 'api/main.ts', settings));
    const until = Date.now() + READY_DEADLINE_MS;
    for (;;) {
      const answer = await fetch(`${apiUrl(settings)}/readyz`, { signal: AbortSignal.timeout(5000) }).then(
        async (response) => (response.ok ? undefined : `${response.status} ${await response.text()}`),
        (error: unknown) => String(error),
      );
      if (answer === undefined) return;
      const reason =
        whyHopeless(api) ?? (Date.now() > until ? `not ready in ${READY_DEADLINE_MS / 1000} s` : undefined);
      if (reason !== undefined) throw new ScriptError(`API: ${reason} (${answer.slice(0, 500)}). Log: ${api.logFile}`);
      await sleep(POLL_MS);
    }
  });
}

/** The server is not ours and needs nothing of ours. */
function withoutSecrets(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('EPHEMERA_')));
}

async function nodeProcess(name: 'worker' | 'api', program: Program, settings: Settings) {
  return {
    name,
    command: process.execPath,
    args: ['--enable-source-maps', await buildProgram(program)],
    env: settingsEnvironment(settingsFor(name, settings), process.env),
    stopGraceMs: GRACE_MS[name],
  };
}

/** Only the API checks keys: the worker gets none. */
function settingsFor(name: 'worker' | 'api', settings: Settings): Settings {
  return name === 'api' ? settings : { ...settings, api: { ...settings.api, presetKey: null } };
}

function apiUrl({ api }: Settings): string {
  return localApiUrl(api.host, api.port);
}

/** Where metrics are read: of the API, of the worker. */
function metricsUrls({ metrics }: Settings): string[] {
  return [metrics.apiPort, metrics.workerPort].map((port) => `${localApiUrl(metrics.host, port)}/metrics`);
}

function sayReady(settings: Settings, { newKey, keyFile }: FirstKey, logDirectory: string): void {
  const url = apiUrl(settings);
  const line = (name: string, text: string): void => say(`  ${coloured(name.padEnd(18), 'bold')} ${text}`);
  say('');
  line('API', url);
  line('Dashboard', `${url}/dashboard/`);
  line('API documentation', `${url}/docs`);
  line('Temporal Web UI', workflowsUrl(settings) ?? 'the one of your Temporal server');
  line('Metrics', metricsUrls(settings).join('  '));
  line('API key', newKey === null ? `kept in ${keyFile}` : `${newKey}  (shown once; kept in ${keyFile})`);
  line('Logs', logDirectory);
  say('');
  say('  Try this in another terminal; it makes a VM with a chat in it:');
  say('');
  say(`    curl -sS -X POST '${url}/v1/vms?wait=ready' -H "Authorization: Bearer $(cat ${quoted(keyFile)})" \\`);
  say(`      -H 'Content-Type: application/json' -d '{"name": "lobby", "template": "chat"}'`);
  say('');
  say('  Ctrl-C stops it all; machines go on, and the next start finds them.');
}

/** The page with this deployment's workflows; the Web UI by itself opens the namespace `default`. */
function workflowsUrl({ temporal }: Settings): string | undefined {
  if (temporal.uiUrl === null) return undefined;
  return `${temporal.uiUrl}/namespaces/${encodeURIComponent(temporal.namespace)}/workflows`;
}

function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

async function stopAll(supervisor: Supervisor, stateDir: string, unlock: Unlock): Promise<void> {
  await supervisor.stop((name) => say(`${coloured('✓', 'green')} ${name} stopped`));
  removeRunFile(stateDir);
  await unlock();
}

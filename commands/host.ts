/** `npm run host`: this computer runs machines for a deployment that runs elsewhere, or beside it. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Environment } from '../config/setting-sources.ts';
import { loadSettings, SettingsError } from '../config/load-settings.ts';
import { settingsEnvironment } from '../config/settings-environment.ts';
import type { Settings } from '../config/settings.ts';
import { temporalConnectionOptions } from '../config/temporal/temporal-connection.ts';
import { bootTaskQueueOf, hostMachineTaskQueue } from '../domain/wire-names.ts';
import { isOwnAddress } from '../lib/network/loopback.ts';
import { CODE_ROOT, defaultStateDirectory } from '../lib/processes/checkout.ts';
import { tryLock, type Unlock } from '../lib/processes/process-lock.ts';
import { descriptorOf } from '../providers/lookup.ts';
import { SECRET_KEY_FILE } from '../security/sealing/deployment-secret.ts';
import { readHostFile } from '../security/hosts/host-membership.ts';
import { writeForOwnUserOnly } from '../security/state-directory.ts';
import { hostEnvironment, type JoinedHost } from './host/host-environment.ts';
import { addressTowards } from './host/host-name.ts';
import { joinDeployment, type HostWish } from './host/join-deployment.ts';
import { withPreparedHost } from './image/prepared-host.ts';
import { buildProgram } from './start/build-programs.ts';
import { buildVmServer } from './start/build-vm-server.ts';
import { choosePort } from './start/ports.ts';
import { endLeftovers } from './start/run-file.ts';
import { shutStateDirectory } from './start/shut-state-directory.ts';
import { stopOnSignals } from './start/stop-on-signals.ts';
import { Supervisor, whyHopeless } from './start/supervisor.ts';
import { awaitOwnPolls, awaitTemporal } from './temporal/temporal-server.ts';
import { WORKER_EXIT } from '../worker/worker-exit.ts';
import { answerHelp, usageLines, type Help } from './terminal/help.ts';
import { takeOwnFlags } from './terminal/own-flags.ts';
import { ScriptError, coloured, runScript, say, step, warn } from './terminal/terminal.ts';

/** Not the one of npm start: a computer may run a deployment and be a host of another. */
const STATE_DIR = defaultStateDirectory('ephemera-host');
const READY_DEADLINE_MS = 90_000;
const TEMPORAL_DEADLINE_MS = 20_000;
const WORKER_GRACE_MS = 6000;

const HELP: Help = {
  command: 'npm run host',
  about:
    'Makes this computer a host of a deployment: it runs machines for it, until Ctrl-C; machines go on (docs/hosts.md).',
  usage: ['--join URL [--provider NAME] [--zone ZONE] [--label KEY=VALUE]... [settings]', '[settings]'],
  flags: [
    ['--join URL', 'the API of the deployment to join; needed once, then remembered (default: what was joined)'],
    [
      '--token TOKEN',
      'what npm run keys -- join or POST /v1/hosts/join-tokens made; as EPHEMERA_JOIN_TOKEN, no other user of this ' +
        'computer can read it (default: EPHEMERA_JOIN_TOKEN)',
    ],
    ['--provider NAME', 'whose machines to run (default: all of the deployment that run on hosts)'],
    ['--zone ZONE', 'where this host is, for specs that name zones (default: none, else as it was last time)'],
    ['--label KEY=VALUE', 'what specs choose it by; may be repeated (default: none, else as they were last time)'],
    ['--host-id NAME', 'what it is called in the deployment (default: EPHEMERA_HOST_ID, else made up and kept)'],
    [
      '--state-dir DIR',
      'everything kept on this host (default: EPHEMERA_STATE_DIR, else .ephemera-host in the checkout)',
    ],
  ],
  examples: [
    ['EPHEMERA_JOIN_TOKEN=eyJ… npm run host -- --join https://ephemera.example.com --provider qemu', 'joins, and runs'],
    ['npm run host', 'runs again'],
    ['EPHEMERA_JOIN_TOKEN=… npm run host -- --state-dir /srv/second --join …', 'a second host on this computer'],
  ],
  settings: 'some',
};

await runScript(main);

async function main(): Promise<void> {
  answerHelp(process.argv, HELP);
  writeForOwnUserOnly();
  const { wish, rest } = wishOf(process.argv.slice(2));
  const { stateDir } = wish;
  shutStateDirectory(stateDir);
  const unlock = await lockStateDirectory(stateDir);
  const supervisor = new Supervisor({ stateDir, cwd: CODE_ROOT, onChange: () => undefined });
  const stop = async (): Promise<void> => {
    await supervisor.stop((name) => say(`${coloured('✓', 'green')} ${name} stopped`));
    await unlock();
  };
  const stopped = 'stopped; machines go on, `npm run host` finds them again';
  stopOnSignals({ stop, kill: () => supervisor.kill(), stopped });
  let serves = false;
  const onEnd = (exitCode: number): void => {
    if (serves) void endForGood(exitCode, stop, supervisor.logDirectory);
  };
  try {
    const leftovers = await endLeftovers(stateDir);
    if (leftovers.length > 0) warn(`ended what an earlier start left behind: ${leftovers.join(', ')}`);
    const host = await joinDeployment(wish);
    const env = await environmentOf(host, stateDir);
    const asked = settingsOf(env, rest);
    await step('vm-server built', () => buildVmServer());
    const settings = await withPorts(await withPreparedHost(asked));
    await awaitTheirTemporal({ settings, env }, host);
    await startWorker({ settings, env }, supervisor, onEnd);
    serves = true;
    sayReady(settings, supervisor.logDirectory);
  } catch (error) {
    await stop();
    throw error;
  }
}

function wishOf(argv: readonly string[]): { wish: HostWish; rest: string[] } {
  const labels: string[] = [];
  const others = argv.filter((word, at) => {
    const value = word.startsWith('--label=') ? word.slice(8) : argv[at - 1] === '--label' ? word : undefined;
    if (value !== undefined) labels.push(value);
    return value === undefined && word !== '--label';
  });
  const own = { values: ['join', 'token', 'zone', 'state-dir', 'provider', 'host-id'] };
  const { values, rest } = takeOwnFlags(others, own);
  const providers = values.get('provider');
  return {
    wish: {
      stateDir: resolve(values.get('state-dir') ?? (process.env['EPHEMERA_STATE_DIR'] || STATE_DIR)),
      join: values.get('join'),
      token: values.get('token') ?? (process.env['EPHEMERA_JOIN_TOKEN'] || undefined),
      hostId: values.get('host-id') ?? (process.env['EPHEMERA_HOST_ID'] || undefined),
      providers: providers?.split(','),
      zone: values.get('zone'),
      labels: labels.length === 0 ? undefined : labels.join(','),
      caFile: process.env['EPHEMERA_API_CA_CERT'] || null,
    },
    rest: providers === undefined ? rest : [...rest, '--provider', providers],
  };
}

async function lockStateDirectory(stateDir: string): Promise<Unlock> {
  if (existsSync(join(stateDir, SECRET_KEY_FILE))) {
    throw new ScriptError(
      `${stateDir} is the state directory of a deployment, whose own worker runs machines already. Name another: --state-dir DIR`,
    );
  }
  const lock = await tryLock(join(stateDir, 'start.lock'));
  if ('unlock' in lock) return lock.unlock;
  const name = readHostFile(stateDir)?.hostId ?? 'a host';
  throw new ScriptError(
    `${name} already runs on ${stateDir} (process ${lock.heldBy.pid}). Use that one, stop it with Ctrl-C, or start another ` +
      'host beside it with --state-dir DIR.',
  );
}

/** What the worker is started with; Temporal's part of it may hold secrets. */
interface HostSetup {
  settings: Settings;
  env: Environment;
}

async function environmentOf(host: JoinedHost, stateDir: string): Promise<Environment> {
  const towards = await addressTowards(host.askedApi);
  if (towards === undefined) warn(`no way to ${host.askedApi} from here; consoles are served on loopback alone`);
  return hostEnvironment(host, { stateDir, internalHost: towards ?? '127.0.0.1' }, process.env);
}

function settingsOf(env: Environment, argv: readonly string[]): Settings {
  try {
    const settings = loadSettings({ argv, env, cwd: process.cwd() });
    const cloud = settings.providers.find((name) => descriptorOf(name).placement !== 'host');
    if (cloud === undefined) return settings;
    throw new ScriptError(`machines of ${cloud} run on no host: the deployment's own workers make them`);
  } catch (error) {
    if (error instanceof SettingsError) throw new ScriptError(`${error.message}\n${usageLines(HELP)}`);
    throw error;
  }
}

/** Several hosts on one computer take free ports, unless one was asked for. */
async function withPorts(settings: Settings): Promise<Settings> {
  const { worker, metrics } = settings;
  const { port: internalPort } = await choosePort({
    ...{ host: worker.internalHost, port: worker.internalPort, wasAsked: worker.internalPortWasAsked },
    ...{ what: 'internal endpoint', setting: '--internal-port', spokenFor: new Set() },
  });
  const { port: workerPort } = await choosePort({
    ...{ host: metrics.host, port: metrics.workerPort, wasAsked: metrics.workerPortWasAsked },
    ...{ what: 'metrics', setting: '--worker-metrics-port', spokenFor: new Set([internalPort]) },
  });
  return { ...settings, worker: { ...worker, internalPort }, metrics: { ...metrics, workerPort } };
}

async function awaitTheirTemporal({ settings, env }: HostSetup, { askedApi }: JoinedHost): Promise<void> {
  const options = temporalConnectionOptions(settings, env);
  const host = options.address.replace(/:\d+$/, '');
  const api = new URL(askedApi).hostname;
  const hint =
    isOwnAddress(host) && !isOwnAddress(api)
      ? `the deployment's Temporal listens on the loopback of the API's computer alone. Run Temporal where its hosts reach it, or ` +
        'bring it here by a tunnel and set TEMPORAL_ADDRESS to that'
      : 'see that this computer reaches it, or set TEMPORAL_ADDRESS to where it does';
  await step('Temporal', async ({ note }) => {
    note(`${options.address}, namespace ${settings.temporal.namespace}`);
    const reach = awaitTemporal(options, settings.temporal.namespace, TEMPORAL_DEADLINE_MS, () => undefined);
    await reach.catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      throw new ScriptError(`${why}: ${hint}. This computer has joined: npm run host is enough then, without a token`);
    });
  });
}

/** The worker says that a start again is no cure; without it there is nothing to do here. */
async function endForGood(exitCode: number, stop: () => Promise<void>, logDirectory: string): Promise<void> {
  const wasRemoved = exitCode === WORKER_EXIT.removed;
  if (wasRemoved) say('\nAn administrator took this host out of the deployment; `npm run host` enters it again.');
  else warn(`another worker serves as this host; which one says ${join(logDirectory, 'worker.log')}`);
  await stop();
  process.exit(wasRemoved ? 0 : 1);
}

async function startWorker(
  { settings, env }: HostSetup,
  supervisor: Supervisor,
  onFinalExit: (exitCode: number) => void,
): Promise<void> {
  await step('worker', async ({ note }) => {
    const { hostId } = settings;
    note(hostId);
    const { namespace, controlTaskQueue } = settings.temporal;
    const worker = await supervisor.start({
      name: 'worker',
      command: process.execPath,
      args: ['--enable-source-maps', await buildProgram('worker/main.ts')],
      env: settingsEnvironment(settings, env),
      stopGraceMs: WORKER_GRACE_MS,
      finalExits: Object.values(WORKER_EXIT),
      onFinalExit,
    });
    const [provider = ''] = settings.providers;
    const taskQueue = bootTaskQueueOf(hostMachineTaskQueue(provider, hostId, controlTaskQueue));
    const queue = { namespace, taskQueue, pid: () => worker.pid };
    await awaitOwnPolls(temporalConnectionOptions(settings, env), queue, READY_DEADLINE_MS, () => whyHopeless(worker));
  });
}

function sayReady(settings: Settings, logDirectory: string): void {
  const { deployment, hostId, providers, metrics, host } = settings;
  const line = (name: string, text: string): void => say(`  ${coloured(name.padEnd(12), 'bold')} ${text}`);
  const labels = Object.entries(host.labels).map(([key, value]) => `${key}=${value}`);
  say('');
  line('Host', `${hostId} of deployment ${deployment}`);
  line('Machines of', providers.join(', '));
  if (host.zone !== null) line('Zone', host.zone);
  if (labels.length > 0) line('Labels', labels.join(' '));
  line('Metrics', `http://${metrics.host}:${metrics.workerPort}/metrics`);
  line('Logs', logDirectory);
  say('');
  say('  Ctrl-C stops it; machines go on, and the next `npm run host` finds them.');
}

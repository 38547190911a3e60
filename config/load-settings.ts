import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { z } from 'zod';
import { GCP_RULES } from '../domain/gcp-rules.ts';
import { localApiUrl } from './api-url.ts';
import { describeSettings } from './describe-settings.ts';
import {
  SETTING_DEFAULTS,
  SETTING_DEFINITIONS,
  SETTING_NAMES,
  type SettingDefinition,
  type SettingName,
} from './setting-definitions.ts';
import { collectSettings, type Environment, type SettingSources, type WrittenSettings } from './setting-sources.ts';
import type { Settings } from './settings.ts';

type Values = { [Name in SettingName]?: z.output<(typeof SETTING_DEFINITIONS)[Name]['schema']> };

/** What is wrong with the settings: every mistake at once, each with its source and what to do. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly mistakes: readonly string[];

  constructor(mistakes: readonly string[]) {
    super(`${mistakes.length} wrong ${mistakes.length === 1 ? 'setting' : 'settings'}:\n  ${mistakes.join('\n  ')}`);
    this.mistakes = mistakes;
  }
}

const CHECKOUT = resolve(import.meta.dirname, '..');

/**
 * Each setting from its flag, else the environment, else `ephemera.yaml`, else its default.
 * @throws SettingsError that lists every mistake.
 */
export function loadSettings(sources: SettingSources): Settings {
  const mistakes: string[] = [];
  const written = collectSettings(sources, mistakes);
  const values = validate(written, mistakes);
  mistakes.push(...contradictions(values, written));
  const profile = readTemporalProfile(sources.env, mistakes);
  if (profile.isSecured && values.temporalAddress === undefined && profile.address === undefined) {
    mistakes.push('Temporal profile or TEMPORAL_API_KEY, TEMPORAL_TLS_…: for which server? set TEMPORAL_ADDRESS too');
  }
  if (mistakes.length > 0) throw new SettingsError(mistakes);
  return compose(values, profile, sources.cwd);
}

/** Settings of this very process; wrong ones are printed and end it with exit code 1, `--help` with 0. */
export function settingsOfThisProcess(): Settings {
  const argv = process.argv.slice(2);
  if (argv.includes('--help')) {
    process.stdout.write(`${describeSettings()}\n`);
    process.exit(0);
  }
  try {
    return loadSettings({ argv, env: process.env, cwd: process.cwd() });
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

function validate(written: WrittenSettings, mistakes: string[]): Values {
  const values: Partial<Record<SettingName, unknown>> = {};
  for (const name of SETTING_NAMES) {
    const found = written[name];
    if (found === undefined) continue;
    const { schema }: SettingDefinition = SETTING_DEFINITIONS[name];
    const parsed = schema.safeParse(found.value);
    if (parsed.success) values[name] = parsed.data;
    else mistakes.push(...parsed.error.issues.map((issue) => `${found.source}: ${issue.message}${shown(name, found)}`));
  }
  return values as Values;
}

function shown(name: SettingName, found: { value: unknown }): string {
  const { secret }: SettingDefinition = SETTING_DEFINITIONS[name];
  // A list's messages name the wrong item themselves.
  return secret || name === 'provider' ? '' : `, not ${JSON.stringify(found.value)}`;
}

const PORTS_OF_THIS_HOST = [
  ...(['apiPort', 'internalPort', 'metricsPort', 'workerMetricsPort'] as const),
  ...(['temporalPort', 'temporalUiPort'] as const),
] as const;

/** Settings that are fine alone and wrong together. */
function contradictions(values: Values, written: WrittenSettings): string[] {
  const found: string[] = [];
  const source = (name: SettingName) => written[name]?.source ?? SETTING_DEFINITIONS[name].env;
  if (values.temporalAddress !== undefined) {
    for (const name of ['temporalPort', 'temporalUiPort'] as const) {
      if (values[name] === undefined) continue;
      found.push(
        `${source(name)}: is for a server that we start, but ${source('temporalAddress')} names one; drop either`,
      );
    }
  }
  if (values.workerBuildId !== undefined && values.workerDeployment === undefined) {
    found.push(`${source('workerBuildId')}: of which deployment? set EPHEMERA_WORKER_DEPLOYMENT too`);
  }
  const ports = new Map<number, SettingName>();
  for (const name of PORTS_OF_THIS_HOST) {
    const port = values[name];
    if (port === undefined || port === 0) continue;
    const other = ports.get(port);
    if (other !== undefined) found.push(`${source(name)}: takes port ${port}, which ${source(other)} takes too`);
    ports.set(port, name);
  }
  if (values.metricsHost !== undefined && !isLoopback(values.metricsHost) && values.metricsToken === undefined) {
    found.push(`${source('metricsHost')}: metrics that leave this computer need EPHEMERA_METRICS_TOKEN too`);
  }
  if (values.localAgentTransport === 'http' && values.apiPort === 0 && values.apiUrl === undefined) {
    found.push(`${source('localAgentTransport')}: http needs EPHEMERA_API_URL, or an API port other than 0`);
  }
  const providers: readonly string[] = values.provider ?? SETTING_DEFAULTS.provider;
  const providerIsWrong = written.provider !== undefined && values.provider === undefined;
  if (!providerIsWrong && providers.includes('local') && !values.localTrustAllKeys) {
    found.push(...localForOthers(values, source));
  }
  for (const name of SETTINGS_OF_GCP) {
    if (values[name] === undefined || providers.includes('gcp') || providerIsWrong) continue;
    found.push(`${source(name)}: is for the provider gcp, which ${source('provider')} does not name`);
  }
  if (providers.includes('gcp')) found.push(...missingForGcp(values));
  found.push(...halfTls(values, source));
  return found;
}

const SETTINGS_OF_GCP = [
  ...(['gcpProject', 'gcpZones', 'gcpEndpoint', 'gcpServiceAccount', 'gcpVmServerUrl'] as const),
  ...(['gcpNetworks', 'gcpExternalIp', 'gcpMachineTypes'] as const),
] as const;

/** A certificate is worth nothing without its key, and an address that machines would speak plain HTTP to. */
function halfTls({ apiTlsCert, apiTlsKey, apiUrl }: Values, source: (name: SettingName) => string): string[] {
  if (apiTlsCert === undefined && apiTlsKey === undefined) return [];
  if (apiTlsKey === undefined) return [`${source('apiTlsCert')}: has no key; set EPHEMERA_API_TLS_KEY too`];
  if (apiTlsCert === undefined) return [`${source('apiTlsKey')}: of which certificate? set EPHEMERA_API_TLS_CERT too`];
  if (apiUrl?.startsWith('http://') !== true) return [];
  return [`${source('apiUrl')}: starts with http://, but with ${source('apiTlsCert')} the API speaks https:// alone`];
}

/** A local machine runs as the worker's user, so its script reads the first key and the deployment's secret. */
function localForOthers({ apiHost }: Values, source: (name: SettingName) => string): string[] {
  if (apiHost === undefined || isLoopback(apiHost)) return [];
  return [
    `${source('apiHost')}: is not loopback, and machines of the provider local are processes of the worker's user: every ` +
      "operator who reaches the API gets that user's files, the admin key and the deployment's secret included. Offer " +
      'another provider (EPHEMERA_PROVIDER), or set EPHEMERA_LOCAL_TRUST_ALL_KEYS=true if you trust all key holders so',
  ];
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** A server of one's own needs no credentials, so it has a project of any name and reaches this computer. */
function missingForGcp({ gcpEndpoint, gcpProject, apiUrl, gcpNetworks }: Values): string[] {
  if (gcpEndpoint?.startsWith('http://')) return [];
  const found: string[] = [];
  if (gcpProject === undefined)
    found.push('EPHEMERA_GCP_PROJECT: the provider gcp needs the project to make machines in');
  if (apiUrl === undefined) found.push('EPHEMERA_API_URL: machines of the provider gcp need an address of the API');
  if (gcpNetworks === undefined) {
    found.push(
      'EPHEMERA_GCP_NETWORKS: machines of the provider gcp need a network; name one whose firewall you know, such as the output `network` of deploy/gcp',
    );
  }
  return found;
}

interface TemporalProfile {
  address?: string | undefined;
  namespace?: string | undefined;
  /** It has an API key or TLS, which are for a certain server. */
  isSecured?: boolean;
}

function readTemporalProfile(env: Environment, mistakes: string[]): TemporalProfile {
  try {
    const config = loadClientConnectConfig({ overrideEnvVars: definedVariables(env) });
    const { address, apiKey, tls } = config.connectionOptions;
    return { address, namespace: config.namespace, isSecured: apiKey !== undefined || Boolean(tls) };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    mistakes.push(`Temporal profile (TEMPORAL_PROFILE, TEMPORAL_CONFIG_FILE, TEMPORAL_TLS_…): ${detail}`);
    return {};
  }
}

/** Variables that are set; an empty one counts as unset, as everywhere here. */
export function definedVariables(env: Environment): Record<string, string> {
  const entries = Object.entries(env).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return Object.fromEntries(entries);
}

function compose(values: Values, profile: TemporalProfile, cwd: string): Settings {
  const stateDir = values.stateDir === undefined ? resolve(CHECKOUT, '.ephemera') : resolve(cwd, values.stateDir);
  return {
    stateDir,
    deployment: values.deployment ?? SETTING_DEFAULTS.deployment,
    providers: values.provider ?? [...SETTING_DEFAULTS.provider],
    hostId: values.hostId ?? hostIdOf(hostname()),
    secretKey: values.secretKey ?? null,
    api: apiOf(values, stateDir, cwd),
    temporal: {
      address: values.temporalAddress ?? profile.address ?? null,
      namespace: values.temporalNamespace ?? profile.namespace ?? SETTING_DEFAULTS.temporalNamespace,
      port: values.temporalPort ?? SETTING_DEFAULTS.temporalPort,
      uiPort: values.temporalUiPort ?? SETTING_DEFAULTS.temporalUiPort,
      portWasAsked: values.temporalPort !== undefined,
      uiPortWasAsked: values.temporalUiPort !== undefined,
      uiUrl: values.temporalUiUrl ?? null,
      controlTaskQueue: values.controlTaskQueue ?? SETTING_DEFAULTS.controlTaskQueue,
      cliPath: values.temporalCli === undefined ? null : resolve(cwd, values.temporalCli),
    },
    worker: {
      roles: values.workerRoles ?? [...SETTING_DEFAULTS.workerRoles],
      internalHost: values.internalHost ?? SETTING_DEFAULTS.internalHost,
      internalPort: values.internalPort ?? SETTING_DEFAULTS.internalPort,
      internalPortWasAsked: values.internalPort !== undefined,
      deployment: values.workerDeployment ?? null,
      buildId: values.workerBuildId ?? null,
    },
    metrics: metricsOf(values),
    sweepIntervalSeconds: values.sweepIntervalSeconds ?? SETTING_DEFAULTS.sweepIntervalSeconds,
    host: {
      cpus: values.hostCpus ?? null,
      memoryMb: values.hostMemoryMb ?? null,
      diskGb: values.hostDiskGb ?? null,
    },
    providerCalls: { perSecond: values.providerCallsPerSecond ?? {}, burst: values.providerCallBurst ?? {} },
    local: {
      agentTransport: values.localAgentTransport ?? SETTING_DEFAULTS.localAgentTransport,
      trustAllKeys: values.localTrustAllKeys ?? false,
    },
    qemu: {
      imageDir: values.qemuImageDir ?? null,
      accelerator: values.qemuAccelerator ?? SETTING_DEFAULTS.qemuAccelerator,
    },
    gcp: gcpOf(values),
    logLevel: values.logLevel ?? SETTING_DEFAULTS.logLevel,
  };
}

function apiOf(values: Values, stateDir: string, cwd: string): Settings['api'] {
  const apiHost = values.apiHost ?? SETTING_DEFAULTS.apiHost;
  const apiPort = values.apiPort ?? SETTING_DEFAULTS.apiPort;
  const { apiTlsCert, apiTlsKey } = values;
  const tls =
    apiTlsCert === undefined || apiTlsKey === undefined
      ? null
      : { certFile: resolve(cwd, apiTlsCert), keyFile: resolve(cwd, apiTlsKey) };
  return {
    host: apiHost,
    port: apiPort,
    portWasAsked: values.apiPort !== undefined,
    presetKey: values.apiKey ?? null,
    url: values.apiUrl?.replace(/\/+$/, '') ?? localApiUrl(apiHost, apiPort, tls === null ? 'http' : 'https'),
    tls,
    caFile: values.apiCaCert === undefined ? null : resolve(cwd, values.apiCaCert),
    limits: apiLimits(values),
    trustedProxies: values.apiTrustedProxies ?? [],
    auditLog: auditLog(values.auditLog, stateDir, cwd),
  };
}

function gcpOf(values: Values): Settings['gcp'] {
  return {
    project: values.gcpProject ?? null,
    zones: values.gcpZones ?? [],
    rules: {
      networks: values.gcpNetworks ?? GCP_RULES.networks,
      externalIp: values.gcpExternalIp ?? GCP_RULES.externalIp,
      machineTypes: values.gcpMachineTypes ?? GCP_RULES.machineTypes,
    },
    endpoint: values.gcpEndpoint ?? null,
    serviceAccount: values.gcpServiceAccount ?? null,
    vmServerUrl: values.gcpVmServerUrl ?? null,
    diskType: values.gcpDiskType ?? SETTING_DEFAULTS.gcpDiskType,
  };
}

function apiLimits(values: Values): Settings['api']['limits'] {
  const { apiReadsPerSecond, apiMutationsPerSecond, apiWrongKeysPerMinute, apiWaitsPerKey } = {
    ...SETTING_DEFAULTS,
    ...values,
  };
  return {
    readsPerSecond: apiReadsPerSecond,
    mutationsPerSecond: apiMutationsPerSecond,
    wrongKeysPerMinute: apiWrongKeysPerMinute,
    waitsPerKey: apiWaitsPerKey,
  };
}

function auditLog(written: string | undefined, stateDir: string, cwd: string): string {
  if (written === '-') return written;
  return written === undefined ? resolve(stateDir, 'audit.log') : resolve(cwd, written);
}

function metricsOf(values: Values): Settings['metrics'] {
  return {
    host: values.metricsHost ?? SETTING_DEFAULTS.metricsHost,
    token: values.metricsToken ?? null,
    apiPort: values.metricsPort ?? SETTING_DEFAULTS.metricsPort,
    apiPortWasAsked: values.metricsPort !== undefined,
    workerPort: values.workerMetricsPort ?? SETTING_DEFAULTS.workerMetricsPort,
    workerPortWasAsked: values.workerMetricsPort !== undefined,
  };
}

function hostIdOf(name: string): string {
  const id = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/g, '-')
    .slice(0, 60)
    .replaceAll(/^-+|-+$/g, '');
  return id === '' ? 'host' : id;
}

import { devNull } from 'node:os';
import { CONFIG_FILE_VARIABLE, SETTING_DEFINITIONS, type SettingName } from './setting-definitions.ts';
import type { Environment } from './setting-sources.ts';
import type { Settings } from './settings.ts';

/**
 * The environment that gives a child process exactly these settings, on top of what is not ours in `env`. No
 * flag, file or variable of the parent is read a second time.
 */
export function settingsEnvironment(settings: Settings, env: Environment): NodeJS.ProcessEnv {
  const others = Object.entries(env).filter(([name]) => !name.startsWith('EPHEMERA_'));
  const child: NodeJS.ProcessEnv = { ...Object.fromEntries(others), [CONFIG_FILE_VARIABLE]: devNull };
  for (const [name, value] of Object.entries(written(settings)) as [SettingName, string | null][]) {
    const variable = SETTING_DEFINITIONS[name].env;
    if (value === null || value === '') Reflect.deleteProperty(child, variable);
    else child[variable] = value;
  }
  return child;
}

function written(settings: Settings): Record<SettingName, string | null> {
  const { api, temporal, worker, metrics, host, providerCalls, qemu, gcp } = settings;
  const optional = (value: number | null): string | null => (value === null ? null : `${value}`);
  // What is set for a provider that is not offered counts as a mistake.
  const offersGcp = settings.providers.includes('gcp');
  const serverIsNamed = temporal.address !== null;
  return {
    stateDir: settings.stateDir,
    deployment: settings.deployment,
    provider: settings.providers.join(','),
    hostId: settings.hostId,
    logLevel: settings.logLevel,
    apiHost: api.host,
    apiPort: `${api.port}`,
    apiUrl: api.url,
    apiTlsCert: api.tls?.certFile ?? null,
    apiTlsKey: api.tls?.keyFile ?? null,
    apiCaCert: api.caFile,
    apiKey: api.presetKey,
    apiReadsPerSecond: `${api.limits.readsPerSecond}`,
    apiMutationsPerSecond: `${api.limits.mutationsPerSecond}`,
    apiWrongKeysPerMinute: `${api.limits.wrongKeysPerMinute}`,
    apiWaitsPerKey: `${api.limits.waitsPerKey}`,
    apiTrustedProxies: api.trustedProxies.join(','),
    auditLog: api.auditLog,
    secretKey: settings.secretKey,
    workerRoles: worker.roles.join(','),
    workerDeployment: worker.deployment,
    workerBuildId: worker.buildId,
    internalHost: worker.internalHost,
    internalPort: `${worker.internalPort}`,
    metricsHost: metrics.host,
    metricsPort: `${metrics.apiPort}`,
    workerMetricsPort: `${metrics.workerPort}`,
    metricsToken: metrics.token,
    sweepIntervalSeconds: `${settings.sweepIntervalSeconds}`,
    hostCpus: optional(host.cpus),
    hostMemoryMb: optional(host.memoryMb),
    hostDiskGb: optional(host.diskGb),
    providerCallsPerSecond: byProvider(providerCalls.perSecond),
    providerCallBurst: byProvider(providerCalls.burst),
    localAgentTransport: settings.local.agentTransport,
    localTrustAllKeys: `${settings.local.trustAllKeys}`,
    temporalAddress: temporal.address,
    temporalNamespace: temporal.namespace,
    temporalPort: serverIsNamed ? null : `${temporal.port}`,
    temporalUiPort: serverIsNamed ? null : `${temporal.uiPort}`,
    temporalUiUrl: temporal.uiUrl,
    temporalCli: temporal.cliPath,
    controlTaskQueue: temporal.controlTaskQueue,
    qemuImageDir: qemu.imageDir,
    qemuAccelerator: qemu.accelerator,
    gcpProject: gcp.project,
    gcpZones: gcp.zones.join(','),
    gcpNetworks: offersGcp ? gcp.rules.networks.join(',') : null,
    gcpExternalIp: offersGcp ? gcp.rules.externalIp : null,
    gcpMachineTypes: offersGcp ? gcp.rules.machineTypes.join(',') : null,
    gcpEndpoint: gcp.endpoint,
    gcpServiceAccount: gcp.serviceAccount,
    gcpVmServerUrl: gcp.vmServerUrl,
    gcpDiskType: gcp.diskType,
  };
}

function byProvider(numbers: Readonly<Record<string, number>>): string {
  return Object.entries(numbers)
    .map(([provider, number]) => `${provider}=${number}`)
    .join(',');
}

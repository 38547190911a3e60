import { isIP } from 'node:net';
import { z } from 'zod';
import { QEMU_ACCELERATORS } from './settings.ts';
import { EXTERNAL_IP_RULES, networkPathOf } from '../domain/gcp-rules.ts';
import { PROVIDER_CAPABILITIES } from '../domain/provider-capabilities.ts';
import { SWEEP } from '../domain/sweep.ts';
import { CONTROL_TASK_QUEUE } from '../domain/wire-names.ts';

/** One thing that can be set: its three spellings, what it takes and what it is for. */
export interface SettingDefinition {
  /** Environment variable; the flag and the yaml key derive from it. */
  env: string;
  /** What it is for, one line. */
  about: string;
  schema: z.ZodType;
  /** A secret is taken from the environment alone: command lines and files are read by others. */
  secret?: true;
}

const text = z.preprocess(String, z.string().trim().min(1, 'must not be empty'));

const port = z.preprocess(
  (value) => (typeof value === 'string' && /^\d{1,6}$/.test(value.trim()) ? Number(value) : value),
  z.int('must be a port number').min(0, 'must be a port, 0 to 65535').max(65535, 'must be a port, 0 to 65535'),
);

const seconds = (least: number, most: number) =>
  z.preprocess(
    (value) => (typeof value === 'string' && /^\d{1,9}$/.test(value.trim()) ? Number(value) : value),
    z.int('must be whole seconds').min(least, `must be at least ${least}`).max(most, `must be at most ${most}`),
  );

const count = (least: number, most: number) =>
  z.preprocess(
    (value) => (typeof value === 'string' && /^\d{1,9}$/.test(value.trim()) ? Number(value) : value),
    z.int('must be a whole number').min(least, `must be at least ${least}`).max(most, `must be at most ${most}`),
  );

const amount = (unit: string, most: number) =>
  z.preprocess(
    (value) => (typeof value === 'string' && /^\d{1,9}$/.test(value.trim()) ? Number(value) : value),
    z
      .int(`must be a whole number of ${unit}`)
      .min(0, `must be a whole number of ${unit}`)
      .max(most, `must be at most ${most} ${unit}`),
  );

function list<Item extends z.ZodType>(item: Item, minimum: number) {
  return z.preprocess(
    (value) =>
      typeof value === 'string'
        ? value
            .split(',')
            .map((part) => part.trim())
            .filter((part) => part !== '')
        : value,
    z
      .array(item)
      .min(minimum, `must name at least ${minimum}`)
      .refine((items) => new Set(items).size === items.length, 'names something twice'),
  );
}

function oneOf<const Names extends readonly [string, ...string[]]>(names: Names) {
  return z.enum(names, { error: () => `must be ${names.join(' or ')}` });
}

const httpUrl = text.refine((value) => {
  return URL.canParse(value) && ['http:', 'https:'].includes(new URL(value).protocol);
}, 'must be a URL that starts with http:// or https://');

const address = text.refine((value) => /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):\d{1,5}$/.test(value), {
  error: 'must look like host:port',
});

/** As the `trust proxy` of Express takes them; with /0 anybody could say to be anybody. */
const trustedProxy = text.refine(isAddressOrRange, {
  error: ({ input }) =>
    `names "${String(input)}", which is no address, no range such as 10.0.0.0/8, and none of ${PROXY_RANGES.join(', ')}`,
});

const PROXY_RANGES = ['loopback', 'linklocal', 'uniquelocal'];

function isAddressOrRange(written: string): boolean {
  if (PROXY_RANGES.includes(written)) return true;
  const [address = '', bits, ...rest] = written.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

const label = (most: number) =>
  text.refine((value) => value.length <= most && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(value), {
    error: `must be at most ${most} lower-case letters, digits and dashes`,
  });

/** Temporal joins deployment and build with a colon, earlier ones with a dot. */
const versionPart = text.refine((value) => /^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$/.test(value), {
  error: 'must be at most 100 letters, digits and . _ + -',
});

const providerNames = Object.keys(PROVIDER_CAPABILITIES);
const provider = z.string().refine((name) => providerNames.includes(name), {
  error: ({ input }) => `names the unknown provider "${String(input)}"; known: ${providerNames.join(', ')}`,
});

/** `gcp=12,local=500`, or the same as a map in yaml. */
const numberByProvider = (least: number, most: number) =>
  z.preprocess(
    (value) => (typeof value === 'string' ? Object.fromEntries(value.split(',').map(asEntry)) : value),
    z.record(
      provider,
      z
        .int('must look like gcp=12,local=500')
        .min(least, `must be at least ${least}`)
        .max(most, `must be at most ${most}`),
    ),
  );

function asEntry(text: string): [string, unknown] {
  const [name = '', value = ''] = text.split('=').map((part) => part.trim());
  return [name, /^\d{1,9}$/.test(value) ? Number(value) : value];
}

/** A key is written as hex or base64 and holds at least 32 bytes; undefined when the text is neither. */
export function parseSecretKey(written: string): Uint8Array | undefined {
  const key = /^([0-9a-fA-F]{2})+$/.test(written)
    ? Buffer.from(written, 'hex')
    : /^[A-Za-z0-9+/_-]+={0,2}$/.test(written)
      ? Buffer.from(written, 'base64')
      : undefined;
  return key !== undefined && key.length >= 32 ? new Uint8Array(key) : undefined;
}

/** Keys and tokens that people choose are long enough that nobody guesses one. */
const MIN_SECRET_CHARACTERS = 20;

const secretText = z
  .string()
  .min(MIN_SECRET_CHARACTERS, `must have at least ${MIN_SECRET_CHARACTERS} characters`)
  .max(200, 'must have at most 200 characters')
  .regex(/^[\x21-\x7e]*$/, 'must be printable ASCII without spaces');

export const SETTING_DEFINITIONS = {
  stateDir: { env: 'EPHEMERA_STATE_DIR', about: 'directory for everything kept on this host', schema: text },
  deployment: { env: 'EPHEMERA_DEPLOYMENT', about: 'name that labels every machine made', schema: label(40) },
  provider: {
    env: 'EPHEMERA_PROVIDER',
    about: `providers to offer, the default one first: ${providerNames.join(', ')}`,
    schema: list(provider, 1),
  },
  hostId: { env: 'EPHEMERA_HOST_ID', about: 'name of this host', schema: label(60) },
  logLevel: {
    env: 'EPHEMERA_LOG_LEVEL',
    about: 'debug, info, warn or error',
    schema: oneOf(['debug', 'info', 'warn', 'error']),
  },
  apiHost: { env: 'EPHEMERA_API_HOST', about: 'address the API listens on', schema: text },
  apiPort: { env: 'EPHEMERA_API_PORT', about: 'port the API listens on; 0 takes any free one', schema: port },
  apiUrl: { env: 'EPHEMERA_API_URL', about: 'where machines reach the API', schema: httpUrl },
  apiTlsCert: {
    env: 'EPHEMERA_API_TLS_CERT',
    about: 'PEM file with the certificate of the API, which then speaks https://',
    schema: text,
  },
  apiTlsKey: { env: 'EPHEMERA_API_TLS_KEY', about: 'PEM file with the key of that certificate', schema: text },
  apiCaCert: {
    env: 'EPHEMERA_API_CA_CERT',
    about: "PEM file with the certificate by which machines know the API; else the machines' own authorities",
    schema: text,
  },
  apiKey: {
    env: 'EPHEMERA_API_KEY',
    about: 'presets the first API key',
    secret: true,
    schema: secretText,
  },
  apiReadsPerSecond: {
    env: 'EPHEMERA_API_READS_PER_SECOND',
    about: 'reads a second that one key may make, twice that at once',
    schema: count(1, 1_000_000),
  },
  apiMutationsPerSecond: {
    env: 'EPHEMERA_API_MUTATIONS_PER_SECOND',
    about: 'changes a second that one key may make, ten times that at once',
    schema: count(1, 1_000_000),
  },
  apiWrongKeysPerMinute: {
    env: 'EPHEMERA_API_WRONG_KEYS_PER_MINUTE',
    about: 'requests a minute without a valid key that one address may make',
    schema: count(1, 1_000_000),
  },
  apiWaitsPerKey: {
    env: 'EPHEMERA_API_WAITS_PER_KEY',
    about: 'requests of one key that may wait (?wait=) at once',
    schema: count(1, 100_000),
  },
  apiTrustedProxies: {
    env: 'EPHEMERA_API_TRUSTED_PROXIES',
    about: "addresses or ranges of reverse proxies whose X-Forwarded-For is believed; nobody's by default",
    schema: list(trustedProxy, 0),
  },
  auditLog: {
    env: 'EPHEMERA_AUDIT_LOG',
    about: 'file that gets one line for each change and who made it; - is standard output',
    schema: text,
  },
  secretKey: {
    env: 'EPHEMERA_SECRET_KEY',
    about: 'deployment secret, 32 bytes or more as hex or base64; every replica needs the same',
    secret: true,
    schema: z.string().refine((value) => parseSecretKey(value) !== undefined, {
      error: 'must be 32 bytes or more as hex or base64, for example from: openssl rand -hex 32',
    }),
  },
  workerRoles: {
    env: 'EPHEMERA_WORKER_ROLES',
    about: 'what this worker does: control, host or both',
    schema: list(oneOf(['control', 'host']), 1),
  },
  workerDeployment: {
    env: 'EPHEMERA_WORKER_DEPLOYMENT',
    about: 'Temporal worker deployment of the control workers; without it they run unversioned',
    schema: versionPart,
  },
  workerBuildId: {
    env: 'EPHEMERA_WORKER_BUILD_ID',
    about: 'version of the workflow code in that deployment; else derived from the code',
    schema: versionPart,
  },
  internalHost: { env: 'EPHEMERA_INTERNAL_HOST', about: "address of the worker's internal endpoint", schema: text },
  internalPort: { env: 'EPHEMERA_INTERNAL_PORT', about: "port of the worker's internal endpoint", schema: port },
  metricsHost: { env: 'EPHEMERA_METRICS_HOST', about: 'address that metrics are served on', schema: text },
  metricsPort: { env: 'EPHEMERA_METRICS_PORT', about: "port of the API's metrics", schema: port },
  workerMetricsPort: { env: 'EPHEMERA_WORKER_METRICS_PORT', about: "port of the worker's metrics", schema: port },
  metricsToken: {
    env: 'EPHEMERA_METRICS_TOKEN',
    about: 'bearer token of whoever reads metrics; needed where they leave this computer',
    secret: true,
    schema: secretText,
  },
  sweepIntervalSeconds: {
    env: 'EPHEMERA_SWEEP_INTERVAL_SECONDS',
    about: 'seconds between two sweeps for machines that nobody owns',
    schema: seconds(5, 3600),
  },
  hostCpus: {
    env: 'EPHEMERA_HOST_CPUS',
    about: 'virtual cpus that this host gives to machines',
    schema: amount('cpus', 100_000),
  },
  hostMemoryMb: {
    env: 'EPHEMERA_HOST_MEMORY_MB',
    about: 'memory in MB that this host gives to machines',
    schema: amount('MB', 100_000_000),
  },
  hostDiskGb: {
    env: 'EPHEMERA_HOST_DISK_GB',
    about: 'disk in GB that this host gives to machines',
    schema: amount('GB', 10_000_000),
  },
  providerCallsPerSecond: {
    env: 'EPHEMERA_PROVIDER_CALLS_PER_SECOND',
    about: 'calls a second that a worker makes to a provider, as gcp=12,local=500',
    schema: numberByProvider(1, 100_000),
  },
  providerCallBurst: {
    env: 'EPHEMERA_PROVIDER_CALL_BURST',
    about: 'calls that it makes at once after a quiet time, as gcp=60',
    schema: numberByProvider(4, 1_000_000),
  },
  localAgentTransport: {
    env: 'EPHEMERA_LOCAL_AGENT_TRANSPORT',
    about: 'how agents of local machines report: unix or http',
    schema: oneOf(['unix', 'http']),
  },
  localTrustAllKeys: {
    env: 'EPHEMERA_LOCAL_TRUST_ALL_KEYS',
    about:
      "true: everybody with an API key may do what the worker's user may, so local is offered beyond this computer",
    schema: z.preprocess(
      String,
      oneOf(['true', 'false']).transform((value) => value === 'true'),
    ),
  },
  temporalAddress: { env: 'TEMPORAL_ADDRESS', about: 'host:port of a Temporal server to use', schema: address },
  temporalNamespace: { env: 'TEMPORAL_NAMESPACE', about: 'Temporal namespace', schema: text },
  temporalPort: { env: 'EPHEMERA_TEMPORAL_PORT', about: 'port of a Temporal server that we start', schema: port },
  temporalUiPort: { env: 'EPHEMERA_TEMPORAL_UI_PORT', about: 'port of its Web UI', schema: port },
  temporalUiUrl: {
    env: 'EPHEMERA_TEMPORAL_UI_URL',
    about: 'Web UI that answers link to',
    schema: httpUrl.transform((url) => url.replace(/\/+$/, '')),
  },
  temporalCli: { env: 'EPHEMERA_TEMPORAL_CLI', about: 'path of the temporal binary', schema: text },
  controlTaskQueue: { env: 'EPHEMERA_CONTROL_TASK_QUEUE', about: 'task queue of the workflows', schema: text },
  qemuImageDir: {
    env: 'EPHEMERA_QEMU_IMAGE_DIR',
    about: 'directory of the image for guests, as npm run image prints it',
    schema: text,
  },
  qemuAccelerator: {
    env: 'EPHEMERA_QEMU_ACCELERATOR',
    about: 'auto, tcg, kvm-microvm or kvm-q35',
    schema: oneOf(QEMU_ACCELERATORS),
  },
  gcpProject: { env: 'EPHEMERA_GCP_PROJECT', about: 'Google Cloud project', schema: text },
  gcpZones: { env: 'EPHEMERA_GCP_ZONES', about: 'zones in the order to try', schema: list(text, 1) },
  gcpNetworks: {
    env: 'EPHEMERA_GCP_NETWORKS',
    about: 'networks and subnetworks that machines may be in, the default one first',
    schema: list(
      z.string().refine((value) => networkPathOf(value) !== undefined, {
        error: ({ input }) => `"${String(input)}" is no network; write NAME, or the path of a network or subnetwork`,
      }),
      1,
    ),
  },
  gcpExternalIp: {
    env: 'EPHEMERA_GCP_EXTERNAL_IP',
    about: 'never, or allowed: whether machines may have an address on the internet',
    schema: oneOf(EXTERNAL_IP_RULES),
  },
  gcpMachineTypes: {
    env: 'EPHEMERA_GCP_MACHINE_TYPES',
    about: 'machine types that may be used, as names or patterns: e2-*, n2-standard-4',
    schema: list(
      z.string().refine((value) => /^[a-z*][a-z0-9*-]{0,62}$/.test(value), {
        error: ({ input }) => `"${String(input)}" is no machine type or pattern such as e2-*`,
      }),
      1,
    ),
  },
  gcpEndpoint: {
    env: 'EPHEMERA_GCP_ENDPOINT',
    about: 'another Compute Engine endpoint; http:// means without credentials',
    schema: httpUrl,
  },
  gcpServiceAccount: {
    env: 'EPHEMERA_GCP_SERVICE_ACCOUNT',
    about: 'service account without roles that machines prove themselves with',
    schema: text.refine((value) => /^[^@\s]+@[^@\s]+$/.test(value), { error: "must be a service account's email" }),
  },
  gcpDiskType: {
    env: 'EPHEMERA_GCP_DISK_TYPE',
    about: 'disk type of machines, for example pd-balanced, pd-ssd or hyperdisk-balanced',
    schema: text.refine((value) => /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(value), {
      error: 'must be a disk type such as pd-balanced',
    }),
  },
  gcpVmServerUrl: {
    env: 'EPHEMERA_GCP_VM_SERVER_URL',
    about: 'where machines fetch vm-server, else the API; none: their images have it',
    schema: httpUrl.or(z.literal('none')),
  },
} as const satisfies Record<string, SettingDefinition>;

export type SettingName = keyof typeof SETTING_DEFINITIONS;

export const SETTING_NAMES = Object.keys(SETTING_DEFINITIONS) as SettingName[];

/** Names the yaml file; not a setting of its own. */
export const CONFIG_FILE_VARIABLE = 'EPHEMERA_CONFIG';

export const SETTING_DEFAULTS = {
  deployment: 'default',
  provider: ['local'],
  logLevel: 'info',
  apiHost: '127.0.0.1',
  apiPort: 7400,
  apiReadsPerSecond: 2000,
  apiMutationsPerSecond: 100,
  apiWrongKeysPerMinute: 120,
  apiWaitsPerKey: 1000,
  workerRoles: ['control', 'host'],
  internalHost: '127.0.0.1',
  internalPort: 7401,
  metricsHost: '127.0.0.1',
  metricsPort: 7402,
  workerMetricsPort: 7403,
  sweepIntervalSeconds: SWEEP.intervalSeconds,
  localAgentTransport: 'unix',
  qemuAccelerator: 'auto',
  gcpDiskType: 'pd-balanced',
  temporalNamespace: 'ephemera',
  temporalPort: 7233,
  temporalUiPort: 8233,
  controlTaskQueue: CONTROL_TASK_QUEUE,
} as const;

/** For people: what a setting is without a value of its own, where that depends on something. */
export const DERIVED_DEFAULTS = {
  stateDir: '.ephemera in the checkout',
  hostId: 'the name of this computer',
  apiUrl: 'where the API listens',
  auditLog: 'audit.log in the state directory',
  secretKey: 'one that is made once and kept in the state directory',
  apiKey: 'one that is made once and kept in the state directory',
  temporalUiUrl: 'that of the server that npm start runs',
  temporalAddress: 'the server that npm start runs',
  temporalCli: 'the one on PATH or in the cache, else it is downloaded or built',
  qemuImageDir: 'the image that npm run image makes',
  hostCpus: 'four for each core',
  hostMemoryMb: 'all but a reserve',
  hostDiskGb: 'what is free but a reserve',
} as const satisfies Partial<Record<SettingName, string>>;

/** `EPHEMERA_API_PORT` -> `--api-port`. */
export function flagOf(name: SettingName): string {
  const env = SETTING_DEFINITIONS[name].env;
  return `--${env
    .replace(/^EPHEMERA_/, '')
    .toLowerCase()
    .replaceAll('_', '-')}`;
}

/**
 * Everything that can be set, each setting once: flags, environment, ephemera.yaml, `--help`, docs/settings.md and the
 * type `Settings` come from this tree. Names derive from the place in it: `api.port` is `apiPort`, `EPHEMERA_API_PORT`
 * and `--api-port`.
 */
import { hostname } from 'node:os';
import { z } from 'zod';
import { SWEEP } from '../domain/machine/sweep.ts';
import { composeValues } from '../lib/settings/compose-values.ts';
import { namedSettings, type NamedSetting } from '../lib/settings/named-settings.ts';
import { setting, type Known, type SettingTree, type ValuesOf } from '../lib/settings/setting.ts';
import { label, list, map, numberOf, oneOf, seconds, text } from '../lib/settings/values.ts';
import { PROVIDERS } from '../providers/registry.ts';
import { API_SETTINGS } from './groups/api-settings.ts';
import { GATEWAY_SETTINGS } from './groups/gateway-settings.ts';
import { IMAGE_SETTINGS } from './groups/image-settings.ts';
import { stateDir } from './groups/state-dir.ts';
import { TEMPORAL_SETTINGS } from './groups/temporal-settings.ts';
import { HOST_SETTINGS, METRICS_SETTINGS, WORKER_SETTINGS } from './groups/worker-settings.ts';
import { parseSecretKey } from './secret-key.ts';

const known = PROVIDERS.map(({ name }) => name);
const provider = z.string().refine((name) => known.includes(name), {
  error: ({ input }) => `names the unknown provider "${String(input)}"; known: ${known.join(', ')}`,
});

/** Providers this deployment offers; the first is the default one. */
export const providers = setting(list(provider, 1), {
  key: 'provider',
  about: `providers to offer, the default one first: ${known.join(', ')}`,
  default: known.slice(0, 1),
  namesWrongItem: true,
});

const secretKey = setting(
  z.string().refine((value) => parseSecretKey(value) !== undefined, {
    error: 'must be 32 bytes or more as hex or base64, for example from: openssl rand -hex 32',
  }),
  {
    about: 'deployment secret, 32 bytes or more as hex or base64; every replica needs the same',
    secret: true,
    shownDefault: 'one that is made once and kept in the state directory',
  },
);

const example = (of: 'callsPerSecond' | 'burst'): string =>
  PROVIDERS.map(({ name, callRate }) => `${name}=${callRate[of]}`).join(',');

const OF_PROVIDERS = 'providerSettings';

const SETTINGS_TREE = {
  stateDir,
  deployment: setting(label(40), { about: 'name that labels every machine made', default: 'default' }),
  providers,
  defaultTemplate: setting(label(63), {
    about: 'template of creates that name neither a template nor an image',
    default: 'chat',
  }),
  hostId: setting(label(60), {
    about: 'name of this host',
    default: () => hostIdOf(hostname()),
    shownDefault: 'the name of this computer',
  }),
  logLevel: setting(oneOf(['debug', 'info', 'warn', 'error']), {
    about: 'debug, info, warn or error',
    default: 'info',
  }),
  pricesFile: setting(text, {
    about:
      'JSON file of your own prices in US dollars, an hour of a machine type and a month of a GB of disk: {"PROVIDER": {"MACHINE-TYPE": 0.01, "disk": 0.1}}',
  }),
  api: API_SETTINGS,
  gateway: GATEWAY_SETTINGS,
  secretKey,
  worker: WORKER_SETTINGS,
  metrics: METRICS_SETTINGS,
  sweepIntervalSeconds: setting(seconds(5, 3600), {
    about: 'seconds between two sweeps for machines that nobody owns',
    default: SWEEP.intervalSeconds,
  }),
  images: IMAGE_SETTINGS,
  host: HOST_SETTINGS,
  /** Limits of the calls to a provider, by its name; without one the provider's default. */
  providerCalls: {
    perSecond: setting(map(provider, numberOf(example('callsPerSecond'), 1, 100_000)), {
      about: `calls a second that a worker makes to a provider, as ${example('callsPerSecond')}`,
      default: {},
    }),
    burst: setting(map(provider, numberOf(example('burst'), 4, 1_000_000)), {
      key: 'providerCallBurst',
      about: `calls that it makes at once after a quiet time, as ${example('burst')}`,
      default: {},
    }),
  },
  temporal: TEMPORAL_SETTINGS,
} satisfies SettingTree;

/** Every setting with its spellings, in the order of the tree; then those of each provider, which begin with its name. */
export const SETTINGS: readonly NamedSetting[] = [
  ...namedSettings(SETTINGS_TREE),
  ...PROVIDERS.flatMap(({ name, settings }) =>
    namedSettings({ [name]: settings.tree }).map((named) => ({ ...named, path: [OF_PROVIDERS, ...named.path] })),
  ),
];

/** Everything that can be set, validated and typed; paths are absolute. Only config/ reads the environment. */
export type Settings = ValuesOf<typeof SETTINGS_TREE> & {
  /** Each provider's own, by its name; its descriptor alone knows what is in them. */
  providerSettings: Readonly<Record<string, unknown>>;
};

/** All values, each as written or by default. */
export function composeSettings(known: Known): Settings {
  const own = PROVIDERS.map(({ name, settings }) => [name, composeValues(settings.tree, known)] as const);
  return { ...composeValues(SETTINGS_TREE, known), [OF_PROVIDERS]: Object.fromEntries(own) };
}

/** The provider that a setting is of. */
export function providerOfSetting({ path: [group, name] }: NamedSetting): string | undefined {
  return group === OF_PROVIDERS ? name : undefined;
}

function hostIdOf(name: string): string {
  const id = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/g, '-')
    .slice(0, 60)
    .replaceAll(/^-+|-+$/g, '');
  return id === '' ? 'host' : id;
}

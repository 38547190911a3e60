import { SPEC_DEFAULTS, type VmSpec } from './vm-spec.ts';

/** The part of a spec that a template fixes; without a provider of its own it is for the deployment's default one. */
export type BuiltInTemplate = Omit<VmSpec, 'provider' | 'template'> & { version: number; provider?: string };

const CHAT: BuiltInTemplate = {
  version: 1,
  image: 'vm-server',
  zones: [],
  cpus: SPEC_DEFAULTS.cpus,
  memoryMb: SPEC_DEFAULTS.memoryMb,
  diskGb: null,
  machineType: null,
  network: null,
  externalIp: false,
  spot: false,
  egress: false,
  labels: {},
  env: {},
  ports: [{ name: 'http', port: 8080, protocol: 'tcp' }],
  readiness: { kind: 'agent', port: null, path: null, timeoutSeconds: SPEC_DEFAULTS.readinessTimeoutSeconds },
  idle: { ...SPEC_DEFAULTS.idle },
  softLifetimeSeconds: null,
  maxLifetimeSeconds: SPEC_DEFAULTS.maxLifetimeSeconds,
  onLost: 'destroy',
};

/** Templates that every deployment has. */
export const BUILT_IN_TEMPLATES: Readonly<Record<string, BuiltInTemplate>> = {
  /** The sample chat of vm-server. */
  chat: CHAT,
  /** A container on Container-Optimized OS; whoever uses it names his own image and port. */
  cos: {
    ...CHAT,
    provider: 'gcp',
    image: 'container:mirror.gcr.io/library/nginx:stable',
    memoryMb: 2048,
    egress: true,
    ports: [{ name: 'http', port: 80, protocol: 'tcp' }],
    readiness: { ...CHAT.readiness, timeoutSeconds: 300 },
  },
};

/** The templates that one of these providers can run. */
export function offeredTemplates(providers: readonly string[]): Record<string, BuiltInTemplate> {
  const offered = Object.entries(BUILT_IN_TEMPLATES).filter(
    ([, { provider }]) => provider === undefined || providers.includes(provider),
  );
  return Object.fromEntries(offered);
}

import { SPEC_DEFAULTS, type VmSpec } from './vm-spec.ts';

/** The part of a spec that a template fixes; the provider is the deployment's default one. */
export type BuiltInTemplate = Omit<VmSpec, 'provider' | 'template'> & { version: number };

/** Templates that every deployment has. */
export const BUILT_IN_TEMPLATES: Readonly<Record<string, BuiltInTemplate>> = {
  chat: {
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
  },
};

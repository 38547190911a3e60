import type { SealedNames } from './sealed-input.ts';

/** What a VM is made from. JSON only, every default filled in, durations in seconds. */
export interface VmSpec {
  /** The template the spec was taken from. */
  template: TemplateRef | null;
  provider: string;
  image: string;
  /** Zones to try in this order; empty where the provider has none. */
  zones: string[];
  cpus: number;
  memoryMb: number;
  diskGb: number | null;
  machineType: string | null;
  network: string | null;
  externalIp: boolean;
  spot: boolean;
  egress: boolean;
  labels: Record<string, string>;
  env: Record<string, string>;
  /** Names of what only the machine may read; absent where there is nothing of that kind. */
  sealed?: SealedNames | undefined;
  ports: PortSpec[];
  readiness: Readiness;
  idle: IdlePolicy;
  /** Ends the VM once it is empty. */
  softLifetimeSeconds: number | null;
  /** Ends the VM whatever is said: a guest is untrusted and may lie. */
  maxLifetimeSeconds: number;
  onLost: 'destroy' | 'recreate';
}

export interface TemplateRef {
  name: string;
  version: number;
}

export interface PortSpec {
  name: string;
  port: number;
  protocol: 'tcp' | 'udp';
}

/** When a machine counts as ready: its agent says so, a port answers, or it merely runs. */
export interface Readiness {
  kind: 'agent' | 'http' | 'tcp' | 'machine';
  /** Port to ask; required for `http` and `tcp`, else null. */
  port: number | null;
  /** Path to ask for `http`, else null. */
  path: string | null;
  timeoutSeconds: number;
}

export interface IdlePolicy {
  /** Empty for this long after use -> the action. */
  timeoutSeconds: number;
  /** Ready for this long and nobody ever joined -> the action. */
  firstConnectTimeoutSeconds: number;
  /** No word from the agent for this long -> its count is unknown, and the machine is probed. */
  silenceTimeoutSeconds: number;
  action: 'destroy';
}

export const SPEC_DEFAULTS = {
  cpus: 1,
  memoryMb: 512,
  readinessTimeoutSeconds: 120,
  maxLifetimeSeconds: 24 * 3600,
  idle: { timeoutSeconds: 300, firstConnectTimeoutSeconds: 600, silenceTimeoutSeconds: 300, action: 'destroy' },
} as const;

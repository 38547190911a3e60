import type { SealedNames } from '../machine/sealed-input.ts';
import type { Egress } from '../network/egress.ts';

/** What a VM is made from. JSON only, every default filled in, durations in seconds. */
export interface VmSpec {
  /** The template the spec was taken from. */
  template: TemplateRef | null;
  provider: string;
  image: string;
  /** The image of a closed or snapshotted VM that its disk begins with; absent: the disk of `image`. */
  startFrom?: StartFrom | undefined;
  /** Words for people; absent where nobody wrote any. */
  description?: string | undefined;
  /** Zones to try in this order; empty: any, or those of the deployment. */
  zones: string[];
  /** Labels that the host must have; absent where any host will do. */
  hostSelector?: Record<string, string> | undefined;
  cpus: number;
  memoryMb: number;
  diskGb: number | null;
  machineType: string | null;
  network: string | null;
  externalIp: boolean;
  spot: boolean;
  egress: Egress;
  labels: Record<string, string>;
  env: Record<string, string>;
  /** For cloud-init in the machine (machine/cloud-init.ts); absent where nobody wrote any. */
  userData?: string | undefined;
  /** Names of what only the machine may read; absent where there is nothing of that kind. */
  sealed?: SealedNames | undefined;
  ports: PortSpec[];
  readiness: Readiness;
  idle: IdlePolicy;
  /** Ends the VM once it is empty. */
  softLifetimeSeconds: number | null;
  /** Ends the VM whatever is said: a guest is untrusted and may lie. Null: it stays, which takes `idle.action` none. */
  maxLifetimeSeconds: number | null;
  onLost: 'destroy' | 'recreate';
  /** Ways in through the agent; absent: all. */
  remoteAccess?: RemoteAccess[] | undefined;
}

/** Ways into a machine through its agent. */
export const REMOTE_ACCESS = ['ports', 'exec', 'files'] as const;
export type RemoteAccess = (typeof REMOTE_ACCESS)[number];

/** An image that was made from a machine of the same project. */
export interface StartFrom {
  /** Its id, as its provider knows it. */
  imageId: string;
  /** The host that has it and can alone start from it; null where any worker of the provider can. */
  host: string | null;
  /** What began with that disk, the same through every close and reopen; absent where an earlier version wrote the image. */
  session?: string | undefined;
}

/** What a VM goes on with: the session that its disk comes from, else one of its own, by the machine that it began with. */
export function sessionOf({ machineId, spec }: { machineId: string; spec: Pick<VmSpec, 'startFrom'> }): string {
  return spec.startFrom?.session ?? machineId;
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
  action: IdleAction;
  /** A stopped machine is destroyed after this; absent: not before the VM's longest life is over. */
  retentionSeconds?: number | undefined;
}

/** What follows when nobody uses a VM any more. */
export const IDLE_ACTIONS = ['destroy', 'stop', 'suspend', 'close', 'none'] as const;
export type IdleAction = (typeof IDLE_ACTIONS)[number];

export const SPEC_DEFAULTS = {
  cpus: 1,
  memoryMb: 512,
  readinessTimeoutSeconds: 120,
  maxLifetimeSeconds: 24 * 3600,
  idle: { timeoutSeconds: 300, firstConnectTimeoutSeconds: 600, silenceTimeoutSeconds: 300, action: 'destroy' },
} as const;

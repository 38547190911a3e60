/** What an instance says about the machine it is, and how that is written into it. */
import type { Machine } from '../../../domain/machine/provider.ts';
import { parseMachineRecord, type MachineRecord } from '../../cloud/machine-record.ts';
import { PROVIDER_NAME } from '../capabilities.ts';
import type { InstanceResource } from '../calls/compute-api.ts';
import { LABEL } from '../../cloud/resource-names.ts';

/** Keys of the instance's metadata. Every program on the machine can read all of it. */
export const METADATA = {
  /** {@link MachineRecord} as JSON: labels are too narrow for names. */
  machine: 'ephemera-machine',
  apiUrl: 'ephemera-api-url',
  /** PEM of the certificate by which the machine knows the API, where its own system would not. */
  apiCa: 'ephemera-api-ca',
  /** Says which VM the instance belongs to; worth nothing without the instance's identity token. */
  agentBinding: 'ephemera-agent-binding',
  /** One-time secret, only where the machine has no service account to prove itself with. */
  agentSecret: 'ephemera-agent-secret',
  /** Seals what the agent keeps on the disk, so that another machine made from that disk reads nothing of it. */
  machineKey: 'ephemera-machine-key',
  environment: 'ephemera-environment',
  /** The environment once more, in the form that Docker reads. */
  containerEnvironment: 'ephemera-container-environment',
  startupScript: 'startup-script',
  /** Read by cloud-init, where the image has it. */
  userData: 'user-data',
} as const;

/** The record in an instance, or undefined when it is none of ours. */
export function recordOf(instance: InstanceResource): MachineRecord | undefined {
  const text = instance.metadata?.items?.find(({ key }) => key === METADATA.machine)?.value;
  return text === undefined ? undefined : parseMachineRecord(text);
}

/** `us-central1-a` of a zone's URL. */
export function zoneOf(instance: InstanceResource): string {
  return instance.zone?.split('/').at(-1) ?? '';
}

/** The machine that an instance is, or undefined when it is none of ours. */
export function machineOf(instance: InstanceResource): Machine | undefined {
  const record = recordOf(instance);
  if (record === undefined) return undefined;
  const ip = addressOf(instance, record.externalIp);
  const status = statusOf(instance, ip);
  // The inner address stays its own while it is down, and nobody answers there.
  const isDown = status === 'stopped' || status === 'suspended';
  return {
    machineId: record.labels.machineId,
    provider: PROVIDER_NAME,
    host: null,
    zone: zoneOf(instance),
    address: ip === undefined || isDown ? null : { ip, ports: record.ports },
    status,
    labels: record.labels,
    agent: { kind: 'http' },
    createdAt: Date.parse(instance.creationTimestamp ?? '') || 0,
    startSignature: record.startSignature,
    awaitsAssignment: record.awaitsAssignment,
  };
}

function addressOf({ networkInterfaces }: InstanceResource, externalIp: boolean): string | undefined {
  const [first] = networkInterfaces ?? [];
  const ip = externalIp ? first?.accessConfigs?.[0]?.natIP : first?.networkIP;
  return ip === '' ? undefined : ip;
}

/** Stopped by itself is the end: a machine lives once. Stopped because we asked for it is not. */
function statusOf({ status, labels }: InstanceResource, ip: string | undefined): Machine['status'] {
  switch (status) {
    case 'PROVISIONING':
    case 'STAGING':
    case 'REPAIRING':
      return 'starting';
    case 'RUNNING':
      return ip === undefined ? 'starting' : 'running';
    case undefined:
    default: {
      const wish = labels?.[LABEL.power];
      if (wish === 'suspended') return STOPPED.includes(status) ? 'stopped' : 'suspended';
      return wish === 'stopped' ? wish : 'ended';
    }
  }
}

/** Statuses in which nothing of the memory of an instance is left. */
const STOPPED: readonly (string | undefined)[] = ['STOPPING', 'STOPPED', 'TERMINATED'];

/** Texts of the OpenAPI document that more than one schema needs: what each value of a choice means. */
import type { AliveBecause, DeadlineKind } from '../../domain/deadlines.ts';
import type { EndReason, TimelineEntry, VmStateName } from '../../domain/vm-state.ts';
import type { PortSpec, Readiness, VmSpec } from '../../domain/vm-spec.ts';

/** `text`, then each value with its meaning. */
export function choice<Value extends string>(text: string, meanings: Record<Value, string>): string {
  const explained = Object.entries<string>(meanings).map(([value, meaning]) => `\`${value}\`: ${meaning}`);
  return `${text} ${explained.join('; ')}.`;
}

export const VM_STATE_TEXT = choice<VmStateName>('Where the VM is in its life.', {
  creating: 'its machine is being made, or waits for room',
  booting: 'the machine is there and not ready yet',
  running: 'it is ready and serves its users',
  draining: 'it admits nobody new and ends when the last user has left',
  destroying: 'its machine is being removed',
  destroyed: 'it has ended as it was meant to, and its machine was seen gone',
  failed: 'it has ended as nobody meant it to; `reason` and `detail` say why',
});

export const END_REASON_TEXT = choice<EndReason>('Why the VM ends or has ended; absent before.', {
  requested: 'somebody asked for it with DELETE',
  idle: 'nobody used it any more for `idle.timeoutSeconds`',
  neverConnected: 'nobody came within `idle.firstConnectTimeoutSeconds`',
  maxLifetime: 'it was `maxLifetimeSeconds` old',
  softLifetime: 'it was `softLifetimeSeconds` old, and empty',
  drained: 'it was drained, and the last user has left',
  createFailed: 'no machine could be made',
  notReady: 'the machine was not ready within `readiness.timeoutSeconds`, or its startup script failed',
  lost: 'its machine is gone, or its agent was silent for too long',
  preempted: 'the provider took the machine back',
  cancelled: 'its workflow was cancelled in Temporal',
});

export const ALIVE_BECAUSE_TEXT = choice<AliveBecause>('Why the VM is alive now; null when it ends or has ended.', {
  starting: 'it is not ready yet',
  connections: 'somebody is connected',
  hold: 'a hold keeps it',
  confirming: 'it is about to end as empty, and its agent is asked once more',
  unknown: 'its agent is silent, so nobody knows how many use it',
  noAgent: 'nobody ever counted, so there is no idle rule',
  firstConnectGrace: 'nobody came yet, and there is time left',
  idleGrace: 'everybody has left, and there is time left',
});

export const DEADLINE_TEXT = choice<DeadlineKind>('What happens then unless something comes in between.', {
  create: 'it ends as `createFailed`, if there is no machine',
  ready: 'it ends as `notReady`, if it is not ready',
  neverConnected: 'it ends, if nobody came',
  idle: 'it ends, if nobody came back',
  softLifetime: 'it ends, if it is empty',
  drained: 'it ends, if it is empty',
  confirm: 'the count is unknown, if the agent gives no answer',
  silence: 'the count is unknown, if the agent does not report',
  lost: 'it ends as `lost`, if the agent does not report',
  letGo: 'it ends by force, if its machine is not gone',
  maxLifetime: 'it ends, whoever uses it',
});

export const TIMELINE_KIND_TEXT = choice<TimelineEntry['kind']>('What happened.', {
  state: 'the VM came into `state`',
  connections: 'the count of its users changed',
  hold: 'a hold began or was released',
  health: 'its agent fell silent or reports again',
  confirming: 'its agent is asked before an empty VM ends',
  confirmed: 'the agent confirmed that nobody is connected',
  forced: 'an administrator forced its end',
});

const PROTOCOL_MEANING: Record<PortSpec['protocol'], string> = {
  tcp: 'connections',
  udp: 'datagrams, where the provider can',
};
export const PROTOCOL_TEXT = choice('What the port takes.', PROTOCOL_MEANING);

const READINESS_MEANING: Record<Readiness['kind'], string> = {
  agent: 'the agent in the machine says so',
  http: 'a GET of `path` on `port` answers 2xx or 3xx',
  tcp: '`port` takes a connection',
  machine: 'the machine runs',
};
export const READINESS_KIND_TEXT = choice('When the VM counts as ready.', READINESS_MEANING);

const ON_LOST_MEANING: Record<VmSpec['onLost'], string> = {
  destroy: 'the VM ends as `lost` or `preempted`',
  recreate: 'it gets a new machine under its name, at most five times',
};
export const ON_LOST_TEXT = choice('What follows when the machine is lost.', ON_LOST_MEANING);

export const IDLE_TEXT = {
  timeoutSeconds: 'The VM ends when nobody has been connected for this long after use.',
  firstConnectTimeoutSeconds: 'The VM ends when it has been ready for this long and nobody ever connected.',
  silenceTimeoutSeconds:
    'When the agent has not reported for this long its count is unknown and the provider is asked whether the machine runs; ' +
    'after as long again the VM ends as `lost`.',
  action: '`destroy`: the VM ends and its machine is removed. There is no other action.',
} as const;

export const SPEC_TEXT = {
  provider: 'Who makes the machine, by name.',
  image: 'What the machine boots: a name that the provider knows.',
  zones: 'Zones of the provider, tried in this order.',
  cpus: 'Virtual processors. Not enforced on `local`, whose machines are processes of the host and may use all of it.',
  memoryMb: 'Memory in MiB. Not enforced on `local`, whose machines are processes of the host and may use all of it.',
  diskGb: 'Size of the disk in GiB.',
  machineType: 'A machine type of the provider, instead of `cpus` and `memoryMb`.',
  network: 'A network or subnetwork of the provider.',
  externalIp: 'Whether the machine has an address on the internet.',
  spot: 'Whether the provider may take the machine back at any time, for a lower price.',
  egress: 'Whether the machine may reach other computers.',
  env: 'Environment of the app in the machine. Everybody who reads the VM reads it: secrets belong into `secretEnv`.',
  softLifetimeSeconds: 'From this age on the VM ends as soon as it is empty.',
  maxLifetimeSeconds: 'At this age the VM ends, whoever uses it.',
  readinessTimeoutSeconds: 'The VM ends as `notReady` when it is not ready this long after its machine was made.',
  readinessPort: 'TCP port that is asked, with `http` and `tcp`.',
  readinessPath: 'Path that is asked, with `http`.',
} as const;

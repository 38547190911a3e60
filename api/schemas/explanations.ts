/** Texts of the OpenAPI document that more than one schema needs: what each value of a choice means. */
import type { VmAction } from '../../domain/vm/actions.ts';
import type { AliveBecause, DeadlineKind } from '../../domain/vm/deadlines.ts';
import type { EventKind } from '../../domain/outbox/event.ts';
import type { EndReason, StartedFrom, TimelineEntry, VmStateName } from '../../domain/vm/state.ts';
import type { Role } from '../../security/keys/keys-file.ts';
import { choice } from '../../spec/choice.ts';

export const VM_STATE_TEXT = choice<VmStateName>('Where the VM is in its life.', {
  creating: 'its machine is being made, or waits for room',
  booting: 'the machine is there and not ready yet',
  running: 'it is ready and serves its users',
  draining: 'it admits nobody new, and `idle.action` follows when the last user has left',
  stopping: 'its machine is being stopped',
  stopped: 'its machine does not run and keeps its disk; a start or a create of its name brings it back',
  imaging: 'an image is made of its stopped machine; `pendingImage` says which, and whether it ends with that',
  starting: 'its stopped machine is being started, or waits for room on its host',
  suspending: 'its machine is being suspended',
  suspended:
    'its machine does not run and keeps its memory and its disk; a resume or a create of its name brings it back',
  resuming: 'its suspended machine is being resumed',
  destroying: 'its machine is being removed',
  destroyed: 'it has ended as it was meant to, and its machine was seen gone',
  failed: 'it has ended as nobody meant it to; `reason` and `detail` say why',
});

export const STARTED_FROM_TEXT = choice<StartedFrom>(
  'What the present machine was when the VM got it, or got it back.',
  {
    new: 'nothing: it was made for the VM',
    warm: 'it waited in the pool of the template',
    drained: 'it served this very VM, which was draining and was given to another create',
    stopped: 'it was stopped, and kept its disk; it was reset where another create than that of its name got it',
    image: 'its disk began with an image, of a VM that was closed for one',
    suspended: 'it was suspended, and kept its memory as long as its provider could',
  },
);

export const END_REASON_TEXT = choice<EndReason>('Why the VM is stopped, ends or has ended; absent before.', {
  requested: 'somebody asked for it',
  idle: 'nobody used it any more for `idle.timeoutSeconds`, or for a moment where a newer version of its template serves and has `rollIdle`',
  neverConnected: 'nobody came within `idle.firstConnectTimeoutSeconds`',
  maxLifetime: 'it was `maxLifetimeSeconds` old',
  softLifetime: 'it was `softLifetimeSeconds` old, and empty',
  drained: 'it was drained, and the last user has left',
  createFailed: 'no machine could be made',
  notReady: 'the machine was not ready within `readiness.timeoutSeconds`, or its startup script failed',
  lost: 'its machine is gone, or its agent was silent for too long',
  preempted: 'the provider took the machine back',
  cancelled: 'its workflow was cancelled in Temporal',
  closed: 'it was closed, and its disk is kept in an image: a reopen, or a create of its name, brings it back',
});

export const ALIVE_BECAUSE_TEXT = choice<AliveBecause>('Why the VM is alive now; null when it ends or has ended.', {
  starting: 'it is not ready yet',
  stopped: 'its machine is stopped, and its disk is kept',
  suspended: 'its machine is suspended, and its memory and its disk are kept',
  connections: 'somebody is connected',
  hold: 'a hold keeps it',
  confirming: 'it is about to end as empty, and its agent is asked once more',
  unknown: 'its agent is silent, so nobody knows how many use it',
  noAgent: 'nobody ever counted, so there is no idle rule',
  stays: 'its `idle.action` is `none`',
  firstConnectGrace: 'nobody came yet, and there is time left',
  idleGrace: 'everybody has left, and there is time left',
  rollOverGrace: 'everybody has left, and it makes room for a newer version of its template in a moment',
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
  start: 'it is stopped or suspended again, if its machine does not run',
  retention: 'it ends, if nobody started it; one that is suspended is stopped, if nobody resumed it',
  forceTimeout: 'it ends by force, if its machine is not gone',
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
  version: 'a newer version of its template serves, for which it makes room, or it need not any more',
});

export const EVENT_KIND_TEXT = choice<EventKind>('What happened to the VM.', {
  'vm.creating': 'its machine, or another one in its place, is being made',
  'vm.booting': 'its machine is there and boots',
  'vm.running': 'it is ready, or admits users again',
  'vm.draining': 'it admits nobody new',
  'vm.stopping': 'its machine is being stopped',
  'vm.stopped': 'its machine is stopped and keeps its disk',
  'vm.imaging': 'an image is made of its stopped machine',
  'vm.starting': 'its stopped machine is being started',
  'vm.suspending': 'its machine is being suspended',
  'vm.suspended': 'its machine is suspended and keeps its memory',
  'vm.resuming': 'its suspended machine is being resumed',
  'vm.destroying': 'its machine is being removed',
  'vm.destroyed': 'it has ended as it was meant to',
  'vm.failed': 'it has ended as nobody meant it to',
  'vm.connections': 'the count of its users changed',
  'vm.hold': 'a hold began or is over',
  'vm.health': 'its agent fell silent or reports again',
  'vm.confirming': 'its agent is asked before it ends as empty',
  'vm.confirmed': 'its agent confirmed that nobody is connected',
  'vm.forced': 'an administrator forced its end',
  'vm.version': 'it makes room for a newer version of its template, or need not any more',
});

export const VM_ACTION_TEXT = choice<VmAction>(
  'What a person may want to do with it now, as its state, its provider and the role of the key allow. More may be asked: repeats, for one.',
  {
    drain: 'admit nobody new, and let it end with its last user',
    undrain: 'admit users again',
    hold: 'keep it though nobody uses it',
    setConnections: 'say how many use it',
    stop: 'stop its machine and keep its disk',
    start: 'start it with its disk',
    suspend: 'keep its memory too',
    resume: 'go on where it was',
    snapshot: 'make an image beside it',
    close: 'keep its disk as an image, and end it',
    destroy: 'end it, and destroy its machine',
  },
);

export const ROLE_TEXT = choice<Role>('Role of the key.', {
  viewer: 'looks',
  operator: 'also makes and changes VMs, templates and images of the project',
  admin: 'also changes what concerns the whole deployment',
});

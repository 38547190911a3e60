import type { UsageReport } from '../machine/activities.ts';
import type { MachineEndCause, MachineFacts } from '../machine/provider.ts';
import type { CountLease } from './state.ts';

/**
 * Everything that can happen to a VM. Handlers and activities only record these; `next` decides. Each is
 * stamped with `at` (epoch ms, workflow time). Those of a machine name it: an earlier machine changes nothing. A `cause`
 * is why the provider took the machine away by itself, where it did and can tell. A `uid` is the life of the name that the
 * sender meant: in another life the event changes nothing.
 */
export type VmEvent = { at: number } &
  /** The machine was made there; for a VM that ends already also: its create at least began there. */
  (
    | { kind: 'machineCreated'; machine: MachineFacts; startedFrom?: 'warm' }
    /** The create began on a host that cannot finish it. `nextMachineId` names the machine that is asked for instead. */
    | { kind: 'placeLost'; machineId: string; nextMachineId: string; detail: string }
    /** `terminal`: no other try could make a machine of this spec. */
    | { kind: 'createFailed'; detail: string; cause?: MachineEndCause; terminal?: true }
    | { kind: 'machineReady'; machineId: string; usage: UsageReport | null }
    /** `unheard`: its host was away, so nobody can say whether the machine is any good. */
    | { kind: 'notReady'; machineId: string; detail: string; cause?: MachineEndCause; unheard?: true }
    | { kind: 'report'; machineId: string; sequence: number; connections: number; sentAt: number; answers?: string }
    /** The machine has its sealed input and its startup script is done: it is given nothing more. */
    | { kind: 'assigned'; machineId: string }
    /** `lease`: by a program that says it again and again; of a VM whose agent counts it changes nothing. */
    | { kind: 'connections'; connections: number; uid?: string; lease?: CountLease }
    | { kind: 'confirmAnswered'; machineId: string; sequence: number; connections: number }
    | { kind: 'confirmUnanswered'; machineId: string }
    /** This agent cannot be asked: its next report is the answer. */
    | { kind: 'confirmByReport'; machineId: string; id?: string }
    | { kind: 'probed'; machineId: string; alive: boolean; cause?: MachineEndCause }
    /** `hearsay`: a machine that was stopped and started again may be meant as it was before; its provider is asked. */
    | { kind: 'machineLost'; machineId: string; cause?: MachineEndCause; hearsay?: true }
    /**
     * Its host is lost: nobody can destroy the machine, and it counts as gone. `nextMachineId` as in `machineGone`. `lostAt`
     * (epoch ms, by Temporal's clock): since when; absent where nobody said it.
     */
    | { kind: 'hostLost'; machineId: string; nextMachineId: string; lostAt?: number }
    | { kind: 'drain'; uid?: string }
    | { kind: 'undrain'; uid?: string }
    /** A create without a name is given this VM; `claim` names that create. `reset`: without what is on its disk. */
    | { kind: 'takenBack'; uid: string; claim: string; reset?: true }
    /** Its template has a newer version, or none any more: VMs of versions below this one make room. */
    | { kind: 'rollOver'; below: number; revision: number; uid?: string }
    /** `unheard`: its agent could not be told. */
    | { kind: 'drainingNotified'; draining: boolean; unheard?: true }
    | { kind: 'hold'; seconds: number; uid?: string }
    /** Its time has passed: nothing else may happen then, and no view may show that it still keeps the VM. */
    | { kind: 'holdOver' }
    /** `force`: whoever uses it. */
    | { kind: 'stopRequested'; uid?: string; force?: boolean }
    | { kind: 'startRequested'; uid?: string }
    /** An image of its disk in its own family, and then its end; `force` as for a stop. */
    | { kind: 'closeRequested'; uid?: string; force?: boolean }
    /**
     * An image of its disk; then it goes on as it was. `family`: absent for its own. `name`: absent where the family gives one.
     * `request`: names whoever asks, who is granted one image however often this comes; absent: each is another one.
     */
    | { kind: 'snapshotRequested'; uid?: string; force?: boolean; family?: string; name?: string; request?: string }
    /** The image is whole, and its family knows it by this name. */
    | { kind: 'imageKept'; machineId: string; name: string }
    | { kind: 'imageFailed'; machineId: string; detail: string }
    /** As a stop and a start, with its memory. */
    | { kind: 'suspendRequested'; uid?: string; force?: boolean }
    | { kind: 'resumeRequested'; uid?: string }
    /** The machine was seen suspended. */
    | { kind: 'machineSuspended'; machineId: string }
    /** Its provider will never suspend this machine; it runs on. */
    | { kind: 'suspendFailed'; machineId: string; detail: string }
    /** The machine was seen stopped, with its disk; of one that was to be suspended: its memory is gone. */
    | { kind: 'machineStopped'; machineId: string }
    /** It runs again, perhaps at another address. `tells`: its agent, which may have been told that the VM drains, is told anew. */
    | { kind: 'machineStarted'; machine: MachineFacts; tells?: true }
    | { kind: 'startFailed'; machineId: string; detail: string }
    /**
     * Its provider knows no such machine any more, not even a stopped one. `isReplaced`: in a history of before the VM then
     * got an empty machine where its spec says `recreate`.
     */
    | { kind: 'machineMissing'; machineId: string; isReplaced?: true }
    | { kind: 'exchanged'; machineId: string; nonce: string }
    | { kind: 'destroyRequested'; uid?: string }
    /** An administrator wants the name back, whatever the provider says. */
    | { kind: 'destroyForced'; uid?: string }
    | { kind: 'cancelled' }
    /**
     * `endsUnasked`: in a history of before a grace that is over ended the VM without another probe. `unheard`: as in
     * `notReady`.
     */
    | { kind: 'deadline'; endsUnasked?: boolean; unheard?: true }
    /** `nextMachineId` names the machine that replaces it, should the VM go on. */
    | { kind: 'machineGone'; machineId: string; nextMachineId: string }
  );

export type VmEventKind = VmEvent['kind'];

export const VM_EVENT_KINDS = [
  'machineCreated',
  'placeLost',
  'createFailed',
  'machineReady',
  'notReady',
  'report',
  'assigned',
  'connections',
  'confirmAnswered',
  'confirmUnanswered',
  'confirmByReport',
  'probed',
  'machineLost',
  'hostLost',
  'drain',
  'undrain',
  'takenBack',
  'rollOver',
  'drainingNotified',
  'hold',
  'holdOver',
  'stopRequested',
  'startRequested',
  'closeRequested',
  'snapshotRequested',
  'imageKept',
  'imageFailed',
  'suspendRequested',
  'resumeRequested',
  'machineSuspended',
  'suspendFailed',
  'machineStopped',
  'machineStarted',
  'startFailed',
  'machineMissing',
  'exchanged',
  'destroyRequested',
  'destroyForced',
  'cancelled',
  'deadline',
  'machineGone',
] as const satisfies readonly VmEventKind[];

export type EventOf<Kind extends VmEvent['kind']> = Extract<VmEvent, { kind: Kind }>;

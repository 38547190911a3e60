import type { UsageReport } from './activities.ts';
import type { MachineEndCause, MachineFacts } from './machine-provider.ts';

/**
 * Everything that can happen to a VM. Handlers and activities only record these; `next` decides. Each is
 * stamped with `at` (epoch ms, workflow time). Those of a machine name it: an earlier machine changes nothing. A `cause`
 * is why the provider took the machine away by itself, where it did and can tell. A `uid` is the life of the name that the
 * sender meant: in another life the event changes nothing.
 */
export type VmEvent = { at: number } & (
  | { kind: 'machineCreated'; machine: MachineFacts }
  | { kind: 'createFailed'; detail: string; cause?: MachineEndCause }
  | { kind: 'machineReady'; machineId: string; usage: UsageReport | null }
  | { kind: 'notReady'; machineId: string; detail: string; cause?: MachineEndCause }
  | { kind: 'report'; machineId: string; sequence: number; connections: number; sentAt: number; answers?: string }
  /** The machine has its sealed input and its startup script is done: it is given nothing more. */
  | { kind: 'assigned'; machineId: string }
  | { kind: 'connections'; connections: number }
  | { kind: 'confirmAnswered'; machineId: string; sequence: number; connections: number }
  | { kind: 'confirmUnanswered'; machineId: string }
  /** This agent cannot be asked: its next report is the answer. */
  | { kind: 'confirmByReport'; machineId: string; id?: string }
  | { kind: 'probed'; machineId: string; alive: boolean; cause?: MachineEndCause }
  | { kind: 'machineLost'; machineId: string; cause?: MachineEndCause }
  | { kind: 'drain'; uid?: string }
  | { kind: 'undrain'; uid?: string }
  | { kind: 'drainingTold'; draining: boolean }
  | { kind: 'hold'; seconds: number; uid?: string }
  /** Its time has passed: nothing else may happen then, and whoever looks must not be told that it still keeps the VM. */
  | { kind: 'holdOver' }
  | { kind: 'exchanged'; machineId: string; nonce: string }
  | { kind: 'destroyRequested'; uid?: string }
  /** An administrator wants the name back, whatever the provider says. */
  | { kind: 'destroyForced'; uid?: string }
  | { kind: 'cancelled' }
  | { kind: 'deadline' }
  /** `nextMachineId` names the machine that replaces it, should the VM go on. */
  | { kind: 'machineGone'; machineId: string; nextMachineId: string }
);

export type VmEventKind = VmEvent['kind'];

export const VM_EVENT_KINDS = [
  'machineCreated',
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
  'drain',
  'undrain',
  'drainingTold',
  'hold',
  'holdOver',
  'exchanged',
  'destroyRequested',
  'destroyForced',
  'cancelled',
  'deadline',
  'machineGone',
] as const satisfies readonly VmEventKind[];

import type { VmEvent } from '../../domain/vm/events.ts';
import { next } from '../../domain/vm/next.ts';
import { leaveEmpty } from '../../domain/vm/power.ts';
import { newerVersion, whySooner } from '../../domain/vm/roll-over.ts';
import { isServing, type Destroying, type Vm } from '../../domain/vm/state.ts';
import type { Transition } from './lifecycle-model.ts';

/** Lifecycles that are wrong in one point each, and what is seen of it. */
export const LIFECYCLE_MUTANTS: Readonly<Record<string, readonly [seen: RegExp, mutant: Transition]>> = {
  'ends an empty VM without asking': [
    /a VM in use was ended/,
    (vm, event) => {
      const after = next(vm, event);
      if (!isServing(after.state) || !after.state.confirmation || event.kind !== 'deadline') return after;
      const { machineId } = vm;
      return next(after, { kind: 'confirmAnswered', at: event.at, machineId, sequence: 1e9, connections: 0 });
    },
  ],
  'ends a VM of an earlier version without asking': [
    /a VM in use was ended/,
    (vm, event) => {
      const after = next(vm, event);
      if (!isServing(after.state) || !after.state.confirmation || event.kind !== 'deadline') return after;
      if (whySooner(vm, 'idle', event.at) === null) return after;
      const { machineId } = vm;
      return next(after, { kind: 'confirmAnswered', at: event.at, machineId, sequence: 1e9, connections: 0 });
    },
  ],
  'ends a VM of an earlier version when it is told': [
    /a VM in use was ended/,
    (vm, event) => {
      const after = next(vm, event);
      return event.kind === 'rollOver' && newerVersion(after) !== undefined
        ? leaveEmpty(after, event.at, 'idle')
        : after;
    },
  ],
  'takes reports of any machine': [
    /report of m-\d+ changed a VM/,
    (vm, event) => next(vm, event.kind === 'report' ? { ...event, machineId: vm.machineId } : event),
  ],
  'takes a reply that another machine is gone': [
    /machineGone of m-\d+ changed a VM/,
    (vm, event) => next(vm, event.kind === 'machineGone' ? { ...event, machineId: vm.machineId } : event),
  ],
  'counts a machine as gone when the host of another is lost': [
    /hostLost of m-\d+ changed a VM/,
    (vm, event) => next(vm, event.kind === 'hostLost' ? { ...event, machineId: vm.machineId } : event),
  ],
  'does not wait until it has seen the machine gone': [
    /outlived the confirmed end/,
    (vm, event) => gone(next(vm, event), event, ({ then }) => then === 'end'),
  ],
  'does not try its destroy again when something happens meanwhile': [
    /outlived the confirmed end/,
    (vm, event) => (vm.state.name === 'destroying' ? gone(vm, event, () => true) : next(vm, event)),
  ],
  'replaces a machine before the lost one is destroyed': [
    /two machines for one name|outlived the confirmed end|changed a VM whose machine is/,
    (vm, event) => gone(next(vm, event), event, ({ then }) => then === 'recreate'),
  ],
  'believes whoever calls a machine lost that was started again since': [
    /m-\d+ is there and was called lost/,
    (vm, event) =>
      event.kind === 'machineLost'
        ? next(vm, { kind: event.kind, at: event.at, machineId: event.machineId })
        : next(vm, event),
  ],
  'believes that a host is lost which has answered since': [
    /m-\d+ is there and was called lost|runs, and its VM is stopped/,
    (vm, event) => {
      if (event.kind !== 'hostLost') return next(vm, event);
      const { kind, at, machineId, nextMachineId } = event;
      return next(vm, { kind, at, machineId, nextMachineId });
    },
  ],
  'makes an empty machine where a stopped one is gone': [
    /an empty machine takes the place of m-\d+/,
    (vm, event) => next(vm, event.kind === 'machineMissing' ? { ...event, isReplaced: true } : event),
  ],
  'gives a stopped machine up when it does not start': [
    /what m-\d+ kept was given up/,
    (vm, event) => next(vm, event.kind === 'startFailed' ? { ...event, kind: 'machineMissing' } : event),
  ],
  'does not wait until it has seen the machine stopped': [
    /m-\d+ runs, and its VM is stopped/,
    (vm, event) => {
      const after = next(vm, event);
      const { machineId } = vm;
      return event.kind === 'stopRequested' ? next(after, { kind: 'machineStopped', at: event.at, machineId }) : after;
    },
  ],
  'does not end by itself': [
    /spins|lives on/,
    (vm, event) => (event.kind === 'deadline' && isServing(vm.state) ? vm : next(vm, event)),
  ],
  'gives a machine away that is yet to be reset as it is': [
    /has m-\d+ with what .* wrote on it/,
    (vm, event) => (event.kind === 'takenBack' ? withoutReset(next(vm, event)) : next(vm, event)),
  ],
  'forgets at a stop that a machine is yet to be reset': [
    /has m-\d+ with what .* wrote on it/,
    (vm, event) => next(event.kind === 'stopRequested' ? withoutReset(vm) : vm, event),
  ],
  'makes an image of what is yet to be reset': [
    /has m-\d+ with what .* wrote on it/,
    (vm, event) => next(event.kind === 'snapshotRequested' ? withoutReset(vm) : vm, event),
  ],
  'resets a machine that somebody comes back to': [
    /what .* wrote on m-\d+ is gone/,
    (vm, event) => {
      const after = next(vm, event);
      return event.kind === 'startRequested' && after.state.name === 'starting'
        ? { ...after, reset: 'stopped' }
        : after;
    },
  ],
  'closes a VM before its image is kept': [
    /closed without an image/,
    (vm, event) => {
      const after = next(vm, event);
      return event.kind === 'machineStopped' ? next(after, imageKept(vm, event)) : after;
    },
  ],
  'closes a VM of which no image could be made': [
    /closed without an image/,
    (vm, event) => next(vm, event.kind === 'imageFailed' ? imageKept(vm, event) : event),
  ],
  'closes a VM that somebody wants started since': [
    /was closed, and somebody had asked for its start since/,
    (vm, event) => (event.kind === 'startRequested' && vm.state.name === 'imaging' ? vm : next(vm, event)),
  ],
  'makes an image of a machine that starts': [
    /runs, and its VM is imaging|lives on as imaging/,
    (vm, event) => {
      const { state } = vm;
      if (event.kind !== 'closeRequested' || state.name !== 'starting') return next(vm, event);
      const image = { imageId: `${vm.machineId}-i0`, family: vm.name, name: null, then: 'close' } as const;
      const { machine, readyAt, reason } = state;
      return { ...vm, state: { name: 'imaging', since: event.at, machine, readyAt, reason, image } };
    },
  ],
  'does not tell an agent that goes on that its VM drains no more': [
    /admits nobody, and its VM is running/,
    (vm, event) => {
      if (event.kind !== 'machineStarted') return next(vm, event);
      const { kind, at, machine } = event;
      return next(vm, { kind, at, machine });
    },
  ],
};

function withoutReset(vm: Vm): Vm {
  const without = { ...vm };
  delete without.reset;
  return without;
}

function imageKept({ machineId }: Vm, { at }: VmEvent): VmEvent {
  return { kind: 'imageKept', at, machineId, name: 'none' };
}

function gone(vm: Vm, { at }: VmEvent, when: (state: Destroying) => boolean): Vm {
  if (vm.state.name !== 'destroying' || !when(vm.state)) return vm;
  return next(vm, { kind: 'machineGone', at, machineId: vm.machineId, nextMachineId: `${vm.machineId}-next` });
}

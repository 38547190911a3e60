/** What the activities of a VM do to the machines of the lifecycle model. */
import type { VmEvent } from '../../domain/vm/events.ts';
import { factsOf, said, type ModelMachine, type ModelMachines, type PowerTask } from './lifecycle-machines.ts';
import type { Kept } from './lifecycle-promises.ts';
import type { HalfDone, Task } from './lifecycle-task.ts';

export type Unstamped = VmEvent extends infer Event ? (Event extends VmEvent ? Omit<Event, 'at'> : never) : never;

interface Around {
  now: number;
  confirmBy: 'link' | 'report';
  /** What a new machine begins with. */
  image: Kept;
  /** What the family of the name has written down. */
  kept: Map<string, Kept>;
  /** Somebody says so, however late. */
  lost: (event: Unstamped) => void;
}

/** What a call does in the model and what it answers; null when it fails. */
export function effectOf(task: Task, machines: ModelMachines, around: Around): Unstamped | HalfDone {
  const { kind, machineId, imageId, draining } = task;
  const machine = machines.all.get(machineId);
  switch (kind) {
    case 'create':
      if (!machines.create(machineId, around.now, around.image)) return null;
      return { kind: 'machineCreated', machine: factsOf(task) };
    case 'ready':
      return machine?.running
        ? { kind: 'machineReady', machineId, usage: said(machine) }
        : { kind: 'notReady', machineId, detail: 'it ended' };
    case 'tellDraining':
      if (machine?.running) machine.admits = !draining;
      return { kind: 'drainingNotified', draining };
    case 'confirm':
      if (around.confirmBy === 'report') return { kind: 'confirmByReport', machineId };
      return machine?.running
        ? { kind: 'confirmAnswered', machineId, ...said(machine) }
        : { kind: 'confirmUnanswered', machineId };
    case 'probe':
      return { kind: 'probed', machineId, alive: machine?.running === true };
    case 'keepImage':
      around.kept.set(imageId, machines.images.get(imageId) ?? new Set());
      return { kind: 'imageKept', machineId, name: imageId };
    case 'destroy':
      machines.destroy(machineId);
      return { kind: 'machineGone', machineId, nextMachineId: '' };
    case 'stop':
    case 'reset':
    case 'start':
    case 'suspend':
    case 'resume':
    case 'makeImage':
      return machine === undefined
        ? { kind: 'machineMissing', machineId }
        : offDuty(kind, task, machine, machines, around);
  }
}

/** A link that breaks with the process of a machine that is stopped may call it lost, however late. */
function offDuty(
  kind: PowerTask | 'reset' | 'makeImage',
  task: Task,
  machine: ModelMachine,
  machines: ModelMachines,
  { lost }: Around,
): Unstamped | HalfDone {
  const { machineId, imageId } = task;
  if (kind === 'reset') return machines.reset(machine) ? kind : null;
  if (kind === 'makeImage') return machines.makeImage(machine, imageId) ? kind : null;
  const ends = machine.running && (kind === 'stop' || kind === 'suspend');
  if (ends) lost({ kind: 'machineLost', machineId });
  switch (machines.power(machine, kind)) {
    case 'started':
      return { kind: 'machineStarted', machine: factsOf(task), ...(kind === 'resume' ? { tells: true } : {}) };
    case 'suspended':
      return { kind: 'machineSuspended', machineId };
    case 'stopped':
      return { kind: 'machineStopped', machineId };
  }
}

/** What the provider of the lifecycle model has: machines with what is written on them, and images of them. */
import type { Task } from './lifecycle-task.ts';
import { MACHINE } from './vm-life.ts';
import type { MachineFacts } from '../../domain/machine/provider.ts';

export interface ModelMachine {
  createdAt: number;
  /** False for one that is stopped and keeps its disk, or suspended and keeps its memory too. */
  running: boolean;
  hasMemory: boolean;
  /** False once its agent was told that the VM drains. */
  admits: boolean;
  users: number;
  /** Since when somebody has been there without a break; null while nobody is. */
  busySince: number | null;
  sequence: number;
  /** Whoever has written on its disk. */
  writers: Set<string>;
}

export type PowerTask = 'stop' | 'start' | 'suspend' | 'resume';

export class ModelMachines {
  readonly all = new Map<string, ModelMachine>();
  /** Of each image whoever has written what is in it. */
  readonly images = new Map<string, ReadonlySet<string>>();
  readonly #destroyed = new Set<string>();

  /** An id that was destroyed is refused ever after: the contract of every provider. */
  create(machineId: string, now: number, image: ReadonlySet<string>): boolean {
    if (this.#destroyed.has(machineId)) return false;
    if (this.all.has(machineId)) return true;
    this.all.set(machineId, {
      ...{ createdAt: now, running: true, hasMemory: true, admits: true, users: 0, busySince: null, sequence: 0 },
      writers: new Set(image),
    });
    return true;
  }

  destroy(machineId: string): void {
    this.all.delete(machineId);
    this.#destroyed.add(machineId);
  }

  /** What a try comes to that stops a machine or starts it again. */
  power(machine: ModelMachine, kind: PowerTask): 'started' | 'stopped' | 'suspended' {
    if (kind === 'start' || kind === 'resume') {
      Object.assign(machine, { running: true, hasMemory: true, admits: machine.admits || !machine.hasMemory });
      return 'started';
    }
    const keepsMemory = kind === 'suspend' && machine.hasMemory;
    turnOff(machine);
    machine.hasMemory = keepsMemory;
    return keepsMemory ? 'suspended' : 'stopped';
  }

  /** Only what is stopped can be emptied. */
  reset(machine: ModelMachine): boolean {
    if (machine.running || machine.hasMemory) return false;
    machine.writers.clear();
    return true;
  }

  /** Only what is stopped can be copied. */
  makeImage(machine: ModelMachine, imageId: string): boolean {
    if (machine.running || machine.hasMemory) return false;
    this.images.set(imageId, new Set(machine.writers));
    return true;
  }

  at(which: number): [string, ModelMachine] | undefined {
    return [...this.all][which % Math.max(1, this.all.size)];
  }
}

export function turnOff(machine: ModelMachine): void {
  Object.assign(machine, { running: false, hasMemory: false, users: 0, busySince: null });
}

/** What its agent reports. */
export function said(machine: ModelMachine): { sequence: number; connections: number } {
  machine.sequence += 1;
  return { sequence: machine.sequence, connections: machine.users };
}

export function factsOf({ machineId }: Pick<Task, 'machineId'>): MachineFacts {
  return { ...MACHINE, machineId };
}

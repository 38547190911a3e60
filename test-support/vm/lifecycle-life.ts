/** One life of the name of the lifecycle model: its workflow, and what is expected of it. */
import type { Ownership } from '../../domain/machine/sweep.ts';
import type { VmEvent } from '../../domain/vm/events.ts';
import type { Vm } from '../../domain/vm/state.ts';
import type { Expectation, Kept } from './lifecycle-promises.ts';
import type { HalfDone } from './lifecycle-task.ts';

export interface ModelLife {
  vm: Vm;
  first: Vm;
  events: VmEvent[];
  /** The last question whether it is empty. */
  askedAt: number | null;
  /** How often its state was another: what belongs to one phase means nothing to a later one. */
  phase: number;
  /** Of the present phase. */
  halfDone: HalfDone;
  /** What its machine begins with: who wrote what is in the image that it starts from. */
  image: Kept;
  expected: Expectation;
  /** How often its machine was reset and then somebody else's. */
  resets: number;
  end: 'open' | 'seenGone' | 'forceTimeout' | 'terminated';
}

/** What Temporal says of the owner of a machine. */
export function ownershipOf(machineId: string, lives: readonly ModelLife[]): Ownership {
  const owner = lives.find(({ vm }) => vm.machineId === machineId);
  if (owner !== undefined) return owner.end === 'open' ? 'running' : 'closed';
  const asked = lives.find(({ events }) => events.some((one) => 'machineId' in one && one.machineId === machineId));
  if (asked === undefined) return 'unknown';
  return asked.end === 'open' ? 'movedOn' : 'closed';
}

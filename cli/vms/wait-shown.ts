/** Waits where people look: state, reason and time while it lasts, and how to go on when they stop waiting. */
import type { Vm, WaitGoal } from '../../client/ephemera.ts';
import { Interrupted, type Session } from '../context.ts';
import { note } from '../output/print.ts';
import { stateLine } from './shown-vm.ts';

/** @throws Interrupted after it said what goes on, WaitTimeout and VmEnded as the client does. */
export async function waitShown(session: Session, seen: Vm, goal: WaitGoal, timeoutSeconds: number): Promise<Vm> {
  const { ephemera, progress, signal } = session;
  let last = seen;
  try {
    return await ephemera.vms.waitFrom(seen, goal, {
      ...{ timeoutSeconds, signal },
      onChange: (vm) => {
        last = vm;
        progress.say(`${vm.name}: ${stateLine(vm)}`);
      },
      onCut: (error) => progress.say(`${last.name}: ${stateLine(last)}; ${error.message}, asking again`),
    });
  } catch (error) {
    progress.stop();
    if (error instanceof Interrupted) note(howToGoOn(last, goal));
    throw error;
  } finally {
    progress.stop();
  }
}

/** What a person does who stopped waiting, and what happens without them. */
export function howToGoOn({ name, state }: Vm, goal: WaitGoal): string {
  const wait =
    typeof goal === 'string' && goal !== 'ready' ? `ephemera wait ${name} --for ${goal}` : `ephemera wait ${name}`;
  return `\nstopped waiting; ${name} is ${state} and goes on. Look: ephemera get ${name}   wait again: ${wait}`;
}

import { isServing, type Vm } from '../../domain/vm/state.ts';

/** What a state wants to have done. */
export interface Task {
  kind:
    | ('create' | 'ready' | 'tellDraining' | 'confirm' | 'probe' | 'stop' | 'reset' | 'start' | 'suspend' | 'resume')
    | ('makeImage' | 'keepImage' | 'destroy');
  machineId: string;
  /** Empty where it is of no image. */
  imageId: string;
  /** What the agent is to be told. */
  draining: boolean;
}

/** The first half of a phase of two activities, once the workflow has its answer: the other half follows. */
export type HalfDone = 'reset' | 'makeImage' | null;

/** What the model is to do for the VM now; null while nothing is wanted of it. */
export function taskOf({ state, machineId, reset }: Vm, done: HalfDone): Task | null {
  const imageId = state.name === 'imaging' ? state.image.imageId : '';
  const task = (kind: Task['kind']): Task => ({ kind, machineId, imageId, draining: state.name === 'draining' });
  if (state.name === 'creating') return task('create');
  if (state.name === 'booting') return task('ready');
  if (state.name === 'stopping') return task('stop');
  if (state.name === 'starting') return task(reset !== undefined && done !== 'reset' ? 'reset' : 'start');
  if (state.name === 'suspending') return task('suspend');
  if (state.name === 'resuming') return task('resume');
  if (state.name === 'imaging') return task(done === 'makeImage' ? 'keepImage' : 'makeImage');
  if (state.name === 'destroying') return task('destroy');
  if (!isServing(state)) return null;
  if (state.drainNotice === 'pending') return task('tellDraining');
  if (state.confirmation?.answeredBy === 'agent') return task('confirm');
  return state.silence !== null && state.silence.probe !== 'alive' ? task('probe') : null;
}

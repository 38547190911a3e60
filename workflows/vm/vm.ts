/**
 * The VM workflow: owns one machine from before it exists until it is observed gone.
 *
 * The provider owns whether the machine exists, its agent owns how many use it; this workflow owns everything
 * else and is the only one that decides. Everything that happens becomes an event (handlers.ts,
 * phases.ts, the deadline timer), `next` in domain/ decides what it means, and the state decides which phase
 * runs. A cancel is an event like any other, so it cannot skip the destroy. Terminate runs no code at all, and a
 * forced destroy may give up on a machine: the sweeper covers both.
 */
import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  workflowInfo,
} from '@temporalio/workflow';
import { isServing, newVm, type Vm } from '../../domain/vm/state.ts';
import { vmView, type VmView } from '../../domain/vm/view.ts';
import type { VmInput } from '../messages.ts';
import { continueInFreshHistory, isHistoryFull } from '../fresh-history.ts';
import { answersBeforeContinuing, continuesWhileStopping, publishesBeforeContinuing } from '../patches.ts';
import { runWhile } from '../run-while.ts';
import { machineActivities } from '../machine/machine-activities.ts';
import { newMachineId } from '../machine/machine-id.ts';
import { ownerOf, VmLife, watchDeadlines, watchHolds } from './life.ts';
import { handleMessages } from './handlers.ts';
import { reportOutcome } from './outcome.ts';
import { PHASES } from './phases.ts';
import { isPublished, publish, publishChanges } from './publishing.ts';

/** A run is continued as new at this many events, well before the server's limits. */
const HISTORY_LIMIT_EVENTS = 800;

export async function runVm(input: VmInput): Promise<VmView> {
  const life = new VmLife(input.resume ?? beginning(input), input);
  handleMessages(life);
  const cancelled = recordCancel(life);
  await CancellationScope.nonCancellable(async () => {
    const background = Promise.all([
      watchDeadlines(life),
      watchHolds(life),
      publishChanges(life),
      reportOutcome(life, input),
    ]);
    // A forced end waits for no activity: neither a destroy that never succeeds nor a create that does not let go.
    await Promise.race([liveUntilEnd(life, input), condition(() => life.ended)]);
    await background;
    await condition(allHandlersFinished);
  });
  return close(life.vm, cancelled());
}

/** A life that may have a warm machine names that one from the start: no sweep then mistakes it for an orphan. */
function beginning({ project, name, spec, createdBy, unnamed, pinned, adopt }: VmInput): Vm {
  const uid = workflowInfo().firstExecutionRunId;
  const by = {
    ...(createdBy === undefined ? {} : { createdBy }),
    ...(unnamed === true ? { unnamed } : {}),
    ...(pinned === true ? { pinned } : {}),
  };
  const machineId = adopt?.machineId ?? newMachineId();
  return newVm({ project, name, uid, machineId, spec, at: Date.now(), ...by });
}

/** Runs phase after phase until the end, or hands a long life over to a fresh history. */
async function liveUntilEnd(life: VmLife, input: VmInput): Promise<void> {
  const machine = machineActivities(ownerOf(life));
  const limit = input.historyLimitEvents ?? HISTORY_LIMIT_EVENTS;
  for (;;) {
    const { state } = life.vm;
    if (state.name === 'destroyed' || state.name === 'failed') return;
    const phase = PHASES[state.name];
    await runWhile(
      () => life.vm.state.name === state.name && !shouldContinueAsNew(life.vm, limit),
      () => phase(life, machine),
    );
    if (shouldContinueAsNew(life.vm, limit)) {
      // A VM that stops and is to start again moves on while somebody waits for it.
      if (!allHandlersFinished() && answersBeforeContinuing()) life.movesOn = true;
      await condition(allHandlersFinished);
      if (!isPublished(life) && publishesBeforeContinuing()) publish(life);
      await continueInFreshHistory<typeof runVm>({ ...input, resume: life.vm });
    }
  }
}

/**
 * Only a VM that is stopped or suspended, or on its way there, or serves and has no question open, moves to a fresh history; all that it knows goes
 * along. A stop that is tried goes on there: it may be asked for any number of times.
 */
function shouldContinueAsNew({ state }: Vm, limitEvents: number): boolean {
  if (state.name === 'stopped' || state.name === 'suspended' || state.name === 'suspending')
    return isHistoryFull(limitEvents);
  if (state.name === 'stopping') return isHistoryFull(limitEvents) && continuesWhileStopping();
  if (!isServing(state) || state.confirmation !== null || state.silence !== null) return false;
  return isHistoryFull(limitEvents);
}

/** Turns a cancel request into an event. Returns whether one came in this run. */
function recordCancel(life: VmLife): () => boolean {
  let cancelled = false;
  CancellationScope.current().cancelRequested.catch(() => {
    cancelled = true;
    life.record({ kind: 'cancelled' });
  });
  return () => cancelled;
}

/** The end as Temporal shows it: failed ends fail the workflow, a cancelled one is Canceled, others complete. */
function close(vm: Vm, cancelled: boolean): VmView {
  const view = vmView(vm, Date.now());
  if (vm.state.name === 'failed') {
    const { reason, detail } = vm.state;
    throw ApplicationFailure.create({ message: detail ?? reason, type: reason, nonRetryable: true, details: [view] });
  }
  if (cancelled && view.reason === 'cancelled')
    throw new CancelledFailure('the VM was cancelled and its machine is gone');
  return view;
}

/**
 * The VM workflow: owns one machine from before it exists until it is observed gone.
 *
 * The provider owns whether the machine exists, its agent owns how many use it; this workflow owns everything
 * else and is the only one that decides. Everything that happens becomes an event (vm-messages.ts,
 * vm-phases.ts, the deadline timer), `next` in domain/ decides what it means, and the state decides which phase
 * runs. A cancel is an event like any other, so it cannot skip the destroy. Terminate runs no code at all, and a
 * forced destroy may give up on a machine: the sweeper covers both.
 */
import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  makeContinueAsNewFunc,
  workflowInfo,
} from '@temporalio/workflow';
import { isServing, newVm, type Vm } from '../domain/vm-state.ts';
import { vmView, type VmView } from '../domain/vm-view.ts';
import type { VmInput } from './messages.ts';
import { publishesBeforeContinuing } from './patches.ts';
import { machineActivities } from './vm-machine.ts';
import { newMachineId, runWhile, VmLife, watchDeadlines, watchHolds } from './vm-life.ts';
import { handleMessages } from './vm-messages.ts';
import { PHASES } from './vm-phases.ts';
import { isPublished, publish, publishChanges } from './vm-publishing.ts';

/** A run is continued as new at this many events, well before the server's limits. */
const HISTORY_LIMIT_EVENTS = 800;

export async function runVm(input: VmInput): Promise<VmView> {
  const life = new VmLife(input.resume ?? beginning(input), input);
  handleMessages(life);
  const cancelled = recordCancel(life);
  await CancellationScope.nonCancellable(async () => {
    const background = Promise.all([watchDeadlines(life), watchHolds(life), publishChanges(life)]);
    // A forced end waits for no activity: neither a destroy that never succeeds nor a create that does not let go.
    await Promise.race([liveUntilEnd(life, input), condition(() => life.ended)]);
    await background;
    await condition(allHandlersFinished);
  });
  return close(life.vm, cancelled());
}

function beginning({ project, name, spec }: VmInput): Vm {
  const uid = workflowInfo().firstExecutionRunId;
  return newVm({ project, name, uid, machineId: newMachineId(), spec, at: Date.now() });
}

/** Runs phase after phase until the end, or hands a long life over to a fresh history. */
async function liveUntilEnd(life: VmLife, input: VmInput): Promise<void> {
  const machine = machineActivities(life);
  const limit = input.historyLimitEvents ?? HISTORY_LIMIT_EVENTS;
  for (;;) {
    const { state } = life.vm;
    if (state.name === 'destroyed' || state.name === 'failed') return;
    const phase = PHASES[state.name];
    await runWhile(
      () => life.vm.state.name === state.name && !shouldContinueAsNew(life.vm, limit),
      () => phase.do(life, machine),
    );
    if (shouldContinueAsNew(life.vm, limit)) {
      await condition(allHandlersFinished);
      if (!isPublished(life) && publishesBeforeContinuing()) publish(life);
      await continueAsNew({ ...input, resume: life.vm });
    }
  }
}

/** Only a VM that serves and has no question open moves to a fresh history; everything it knows goes along. */
function shouldContinueAsNew({ state }: Vm, limitEvents: number): boolean {
  if (!isServing(state) || state.confirmation !== null || state.silence !== null) return false;
  const { historyLength, continueAsNewSuggested } = workflowInfo();
  return continueAsNewSuggested || historyLength >= limitEvents;
}

/**
 * A new run starts with the memo that the very first one was started with unless it is handed on, and shows it until a
 * worker comes: to everybody who reads it, the VM would have no machine yet.
 */
async function continueAsNew(input: VmInput): Promise<never> {
  const { memo = {} } = workflowInfo();
  return makeContinueAsNewFunc<(input: VmInput) => Promise<VmView>>({ memo })(input);
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

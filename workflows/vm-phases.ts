/**
 * The life of a VM as a table of phases. Each phase is left by its state changing, whoever changed it; whatever
 * a phase did is undone by the last one, which always runs.
 */
import {
  ActivityFailure,
  ApplicationFailure,
  condition,
  isCancellation,
  log,
  rootCause,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { MachineActivities } from '../domain/activities.ts';
import { isMachineEndCause, type MachineEndCause } from '../domain/machine-provider.ts';
import { TIMEOUTS } from '../domain/timeouts.ts';
import { isServing, type VmStateName } from '../domain/vm-state.ts';
import { newMachineId, runWhile, type VmLife } from './vm-life.ts';

interface Phase {
  do: (life: VmLife, machine: MachineActivities) => Promise<void>;
  undo: 'destroying' | null;
}

export const PHASES: Record<Exclude<VmStateName, 'destroyed' | 'failed'>, Phase> = {
  creating: { do: createMachine, undo: 'destroying' },
  booting: { do: awaitReady, undo: 'destroying' },
  running: { do: serve, undo: 'destroying' },
  draining: { do: serve, undo: 'destroying' },
  destroying: { do: destroyMachine, undo: null },
};

async function createMachine(life: VmLife, machine: MachineActivities): Promise<void> {
  const { machineId, spec, project, name } = life.vm;
  try {
    const facts = await machine.createMachine({ machineId, spec, project, vm: name, ...signed(life) });
    life.record({ kind: 'machineCreated', machine: facts });
  } catch (error) {
    const failure = failureOf(error);
    life.record({ kind: 'deadline' });
    life.record({ kind: 'createFailed', ...failure });
  }
}

/** Hosts check it; workflow code has no cryptography. */
function signed({ signature }: VmLife): { signature?: string } {
  return signature === null ? {} : { signature };
}

async function awaitReady(life: VmLife, machine: MachineActivities): Promise<void> {
  const { machineId, spec } = life.vm;
  const { silenceTimeoutSeconds } = spec.idle;
  const { workflowId } = workflowInfo();
  try {
    const usage = await machine.awaitMachineReady({
      machineId,
      readiness: spec.readiness,
      silenceTimeoutSeconds,
      workflowId,
      ...(life.sealed === null ? {} : { assign: { spec, sealed: life.sealed, ...signed(life) } }),
    });
    life.record({ kind: 'machineReady', machineId, usage });
  } catch (error) {
    const failure = failureOf(error);
    life.record({ kind: 'deadline' });
    life.record({ kind: 'notReady', machineId, ...failure });
  }
}

/** Asks what the state needs to know, one question at a time, until the state is left or history is full. */
async function serve(life: VmLife, machine: MachineActivities): Promise<void> {
  for (;;) {
    await condition(() => question(life) !== null);
    const asked = question(life);
    const stillOpen = (): boolean => question(life)?.key === asked?.key;
    switch (asked?.kind) {
      case 'drainNotice':
        await runWhile(stillOpen, () => tellDraining(life, machine, asked.draining));
        break;
      case 'confirmation':
        await runWhile(stillOpen, () => confirmUsage(life, machine));
        break;
      case 'probe':
        await runWhile(stillOpen, () => probe(life, machine));
        break;
      case undefined:
        break;
    }
  }
}

type Question =
  | { kind: 'drainNotice'; key: string; draining: boolean }
  | { kind: 'confirmation'; key: string }
  | { kind: 'probe'; key: string };

/** What the state needs to know now; null when nothing, or when only the next report can answer. */
function question(life: VmLife): Question | null {
  const { state } = life.vm;
  if (!isServing(state)) return null;
  if (state.drainNotice === 'pending') {
    return { kind: 'drainNotice', key: `drain ${state.name}`, draining: state.name === 'draining' };
  }
  if (state.confirmation?.answeredBy === 'agent') {
    return { kind: 'confirmation', key: `confirm ${state.confirmation.askedAt}` };
  }
  if (state.silence?.probe === 'pending') return { kind: 'probe', key: `probe ${state.silence.since}` };
  return null;
}

async function tellDraining(life: VmLife, machine: MachineActivities, draining: boolean): Promise<void> {
  try {
    await machine.tellDraining({ machineId: life.vm.machineId, draining });
  } catch (error) {
    if (isCancellation(error)) throw error;
  }
  life.record({ kind: 'drainingTold', draining });
}

async function confirmUsage(life: VmLife, machine: MachineActivities): Promise<void> {
  const { machineId } = life.vm;
  try {
    const answer = await machine.confirmUsage({ machineId });
    if (answer.kind === 'answered') life.record({ kind: 'confirmAnswered', machineId, ...answer.report });
    else if (answer.kind === 'unanswered') life.record({ kind: 'confirmUnanswered', machineId });
    else life.record({ kind: 'confirmByReport', machineId, ...(answer.id === undefined ? {} : { id: answer.id }) });
  } catch (error) {
    if (isCancellation(error)) throw error;
    life.record({ kind: 'deadline' });
    life.record({ kind: 'confirmUnanswered', machineId });
  }
}

/** A provider that cannot tell leaves the count unknown: the agent's word or the maximum lifetime decides. */
async function probe(life: VmLife, machine: MachineActivities): Promise<void> {
  const { machineId } = life.vm;
  try {
    const answer = await machine.probeMachine({ machineId });
    life.record({ kind: 'probed', machineId, ...answer });
  } catch (error) {
    if (isCancellation(error)) throw error;
    await condition(() => false);
  }
}

/** Ends only when the machine is observed gone: whatever an activity says, the next try follows. */
async function destroyMachine(life: VmLife, machine: MachineActivities): Promise<void> {
  const { machineId } = life.vm;
  for (;;) {
    try {
      await machine.destroyMachine({ machineId });
      life.record({ kind: 'machineGone', machineId, nextMachineId: newMachineId() });
      return;
    } catch (error) {
      log.error('a destroy was given up by its activity and starts again', {
        machineId,
        failure: failureOf(error).detail,
      });
      await sleep(TIMEOUTS.destroyBackoffCapSeconds * 1000, { summary: 'Before the destroy is tried again' });
    }
  }
}

/** What an activity failed of; a provider that took the machine away says so as the type of the failure. */
function failureOf(error: unknown): { detail: string; cause?: MachineEndCause } {
  if (isCancellation(error)) throw error;
  if (!(error instanceof ActivityFailure)) throw error;
  const detail = rootCause(error) ?? error.message;
  const cause = error.cause instanceof ApplicationFailure ? error.cause.type : undefined;
  return { detail, ...(isMachineEndCause(cause) ? { cause } : {}) };
}

/**
 * The life of a VM as a table of phases. Each phase is left by its state changing, whoever changed it; whatever
 * a phase did is undone by the last one, which always runs.
 */
import { condition, isCancellation, sleep } from '@temporalio/workflow';
import type { MachineActivities } from '../../domain/machine/activities.ts';
import { reachableSeconds } from '../../domain/timeouts.ts';
import { isServing, type VmStateName } from '../../domain/vm/state.ts';
import { runWhile } from '../run-while.ts';
import { bootMachineOf } from '../machine/boot.ts';
import { createMachineOf, type Begun } from '../machine/create.ts';
import { destroyMachineOf } from '../machine/destroy.ts';
import { startMachineOf, stopMachineOf, suspendMachineOf } from '../machine/power.ts';
import { adoptMachineOf, returnUnasked } from './adopt.ts';
import { endsWithItsDisk, knowsWhatCreatesBegan, tellsDrainingAgain, tellsWhenResumed } from '../patches.ts';
import { newMachineId } from '../machine/machine-id.ts';
import { makeImage } from './make-image.ts';
import { ownerOf, type VmLife } from './life.ts';

/** As often as hosts fail, at most. */
const PLACE_LOST_PAUSE_MS = 5000;

type Phase = (life: VmLife, machine: MachineActivities) => Promise<void>;

export const PHASES: Record<Exclude<VmStateName, 'destroyed' | 'failed'>, Phase> = {
  creating: createMachine,
  booting: awaitReady,
  running: serve,
  draining: serve,
  stopping: stopMachine,
  stopped: untilLeft,
  imaging: makeImage,
  starting: (life, machine) => startMachine(life, machine, 'startMachine'),
  suspending: suspendMachine,
  suspended: untilLeft,
  resuming: (life, machine) => startMachine(life, machine, 'resumeMachine'),
  destroying: destroyMachine,
};

async function createMachine(life: VmLife, machine: MachineActivities): Promise<void> {
  while (life.vm.state.name === 'creating') {
    const { machineId } = life.vm;
    const isAdopting = life.adoption?.name === 'asking';
    const result = isAdopting ? await adoptMachineOf(life) : await createMachineOf(ownerOf(life), machine);
    if (result.kind === 'created' && isStillCreating(life))
      life.record({ kind: 'machineCreated', machine: result.begun, ...(isAdopting ? { startedFrom: 'warm' } : {}) });
    if (result.kind === 'failed' || result.kind === 'placeLost') life.record({ kind: 'deadline' });
    if (result.kind === 'failed') life.record({ kind: 'createFailed', ...result.failure });
    if (result.kind === 'placeLost') {
      life.record({ kind: 'placeLost', machineId, nextMachineId: newMachineId(), detail: result.detail });
    }
    settleCreate(life, machineId, result.begun);
    await pauseBetweenPlaces(life);
  }
}

function isStillCreating({ vm }: VmLife): boolean {
  return vm.state.name === 'creating';
}

/** A VM that ends knows from its create where the machine is that its destroy must see gone, or that there is none. */
function settleCreate(life: VmLife, machineId: string, begun: Begun): void {
  const { state } = life.vm;
  if (state.name !== 'destroying' || life.vm.machineId !== machineId || state.machine !== null) return;
  if (begun === 'unknown' || !knowsWhatCreatesBegan()) return;
  if (begun === 'nothing') life.record({ kind: 'machineGone', machineId, nextMachineId: newMachineId() });
  else life.record({ kind: 'machineCreated', machine: begun });
}

/** The first time another host is asked at once; hosts that fail one after the other are not asked as fast as they fail. */
async function pauseBetweenPlaces({ vm: { state } }: VmLife): Promise<void> {
  if (state.name !== 'creating' || (state.placesLost ?? 0) < 2) return;
  await sleep(PLACE_LOST_PAUSE_MS, { summary: 'Before another host is asked for the machine' });
}

async function stopMachine(life: VmLife, machine: MachineActivities): Promise<void> {
  const { machineId } = life.vm;
  const result = await stopMachineOf(machineId, machine);
  if (result.kind === 'missing') missing(life, machineId);
  else life.record({ kind: 'machineStopped', machineId });
}

function missing(life: VmLife, machineId: string): void {
  const isReplaced = life.vm.spec.onLost === 'recreate' && !endsWithItsDisk();
  life.record({ kind: 'machineMissing', machineId, ...(isReplaced ? { isReplaced } : {}) });
}

async function untilLeft(): Promise<void> {
  await condition(() => false);
}

async function suspendMachine(life: VmLife, machine: MachineActivities): Promise<void> {
  const { machineId } = life.vm;
  const result = await suspendMachineOf(machineId, machine);
  if (result.kind === 'missing') missing(life, machineId);
  else if (result.kind === 'failed') life.record({ kind: 'suspendFailed', machineId, detail: result.detail });
  else life.record({ kind: result.kind === 'suspended' ? 'machineSuspended' : 'machineStopped', machineId });
}

async function startMachine(
  life: VmLife,
  machine: MachineActivities,
  how: 'startMachine' | 'resumeMachine',
): Promise<void> {
  const { machineId, reset } = life.vm;
  const result = await startMachineOf(ownerOf(life), machine, { reset: reset !== undefined, how });
  if (result.kind === 'started') {
    const tells = how === 'resumeMachine' && tellsWhenResumed() ? ({ tells: true } as const) : {};
    life.record({ kind: 'machineStarted', machine: result.machine, ...tells });
  } else if (result.kind === 'missing') {
    missing(life, machineId);
  } else {
    life.record({ kind: 'deadline' });
    life.record({ kind: 'startFailed', machineId, detail: result.detail });
  }
}

async function awaitReady(life: VmLife, machine: MachineActivities): Promise<void> {
  const { machineId } = life.vm;
  const result = await bootMachineOf(ownerOf(life), machine);
  if (result.kind === 'ready') {
    life.record({ kind: 'machineReady', machineId, usage: result.usage });
  } else {
    const { unheard } = result.failure;
    life.record({ kind: 'deadline', ...(unheard ? { unheard } : {}) });
    life.record({ kind: 'notReady', machineId, ...result.failure });
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
        await runWhile(stillOpen, () => probe(life, machine, asked));
        break;
      case undefined:
        break;
    }
  }
}

type Question =
  | { kind: 'drainNotice'; key: string; draining: boolean }
  | { kind: 'confirmation'; key: string }
  | { kind: 'probe'; key: string; reachableSeconds?: number };

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
  if (state.silence?.probe === 'again') {
    const key = `probe again ${state.silence.since}`;
    return { kind: 'probe', key, reachableSeconds: reachableSeconds(life.vm.spec.idle) };
  }
  return null;
}

async function tellDraining(life: VmLife, machine: MachineActivities, draining: boolean): Promise<void> {
  try {
    await machine.tellDraining({ machineId: life.vm.machineId, draining });
    life.record({ kind: 'drainingNotified', draining });
  } catch (error) {
    if (isCancellation(error)) throw error;
    const unheard = tellsDrainingAgain() ? ({ unheard: true } as const) : {};
    life.record({ kind: 'drainingNotified', draining, ...unheard });
  }
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
async function probe(
  life: VmLife,
  machine: MachineActivities,
  { reachableSeconds }: { reachableSeconds?: number },
): Promise<void> {
  const { machineId } = life.vm;
  try {
    const answer = await machine.probeMachine({
      machineId,
      ...(reachableSeconds === undefined ? {} : { reachableSeconds }),
    });
    life.record({ kind: 'probed', machineId, ...answer });
  } catch (error) {
    if (isCancellation(error)) throw error;
    await condition(() => false);
  }
}

async function destroyMachine(life: VmLife, machine: MachineActivities): Promise<void> {
  const { machineId } = life.vm;
  await returnUnasked(life);
  await destroyMachineOf(machineId, machine);
  life.record({ kind: 'machineGone', machineId, nextMachineId: newMachineId() });
}

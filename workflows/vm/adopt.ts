/** How a VM gets a machine that waited for it in a pool. What it means is decided by `nextAdoption` in domain/pool. */
import {
  CancellationScope,
  condition,
  getExternalWorkflowHandle,
  isCancellation,
  log,
  workflowInfo,
} from '@temporalio/workflow';
import { isAdoptAnswer, nextAdoption, type AdoptionEvent, type Asker } from '../../domain/pool/handover.ts';
import { TIMEOUTS } from '../../domain/timeouts.ts';
import { parseWarmWorkflowId, warmWorkflowId } from '../../domain/wire-names.ts';
import { ignoreSignal } from '../ignored-signal.ts';
import type { CreateResult } from '../machine/create.ts';
import { failureOf } from '../machine/failures.ts';
import { machineActivities } from '../machine/machine-activities.ts';
import { adoptAnswerSignal, adoptSignal, returnedSignal, takenSignal, type Adoptable } from '../messages.ts';
import { returnsUnasked } from '../patches.ts';
import { ownerOf, type VmLife } from './life.ts';

/** The machine that was granted, or why it could not be had: then another one is made. */
export async function adoptMachineOf(life: VmLife): Promise<CreateResult> {
  const { adopt } = life;
  if (adopt === null) throw new Error('there is no machine to adopt');
  try {
    await ask(life, adopt);
    await condition(() => life.adoption?.name !== 'asking', TIMEOUTS.adoptAnswerSeconds * 1000);
    await hear(life, { kind: 'timeOver' });
    if (life.adoption?.name === 'taking') await take(life, adopt);
  } catch (error) {
    if (!isCancellation(error)) throw error;
    await CancellationScope.nonCancellable(() => hear(life, { kind: 'ended' }));
    const { adoption } = life;
    const begun = adoption !== null && 'machine' in adoption ? adoption.machine : null;
    return { kind: 'cancelled', begun: begun ?? 'nothing' };
  }
  const { adoption } = life;
  if (adoption?.name === 'taken') return { kind: 'created', begun: adoption.machine };
  const why = adoption?.name === 'returned' ? adoption.why : 'it was not given';
  return { kind: 'placeLost', begun: 'nothing', detail: `the warm machine is not to be had: ${why}` };
}

/** A VM that ends before it began to ask gives back what it was granted, which nobody else would get until the grant is over. */
export async function returnUnasked(life: VmLife): Promise<void> {
  if (life.adoption?.name === 'asking' && returnsUnasked()) await hear(life, { kind: 'ended' });
}

async function ask(life: VmLife, { owner }: Adoptable): Promise<void> {
  try {
    await getExternalWorkflowHandle(owner).signal(adoptSignal, { by: self() });
  } catch (error) {
    if (isCancellation(error)) throw error;
    await hear(life, { kind: 'unreachable' });
  }
}

/** Its host writes down that the machine is this VM's. */
async function take(life: VmLife, adopt: Adoptable): Promise<void> {
  const { adoption, signature, vm } = life;
  if (adoption?.name !== 'taking') return;
  const { machine } = adoption;
  const { machineId, owner: from, signature: adoptSignature } = adopt;
  const atItsPlace = machineActivities({ ...ownerOf(life), machineId, machine });
  try {
    const input = { machineId, from, uid: vm.uid, spec: vm.spec, signature: signature ?? '', adoptSignature };
    const facts = await atItsPlace.adoptMachine(input);
    life.adoption = { ...adoption, machine: { ...machine, ...facts } };
    await hear(life, { kind: 'placed' });
  } catch (error) {
    await hear(life, { kind: 'notPlaced', why: failureOf(error).detail });
  }
}

/** The warm workflow's answer, which may come again and late. */
export function hearAnswer(life: VmLife, answer: unknown): void {
  if (!isAdoptAnswer(answer)) {
    ignoreSignal(adoptAnswerSignal, 'an object {machineId, machine}');
    return;
  }
  const { machineId, machine } = answer;
  if (machineId === life.adopt?.machineId) {
    void hear(life, machine === null ? { kind: 'refused' } : { kind: 'offered', machine });
    return;
  }
  // This life never asked for it.
  void tell(warmWorkflowId(machineId), 'returned');
}

async function hear(life: VmLife, event: AdoptionEvent): Promise<void> {
  const { adopt, adoption } = life;
  if (adopt === null || adoption === null) return;
  const step = nextAdoption(adoption, event);
  life.adoption = step.adoption;
  if (step.adoption.name !== adoption.name) log.info('the adoption goes on', { to: step.adoption.name });
  if (step.tell !== null) await tell(adopt.owner, step.tell);
}

/** A warm workflow that has closed needs no answer. */
async function tell(owner: string, what: 'taken' | 'returned'): Promise<void> {
  if (parseWarmWorkflowId(owner) === undefined) return;
  const signal = what === 'taken' ? takenSignal : returnedSignal;
  const told = (): Promise<void> => getExternalWorkflowHandle(owner).signal(signal, { by: self() });
  await CancellationScope.nonCancellable(told).catch(() => undefined);
}

function self(): Asker {
  const { workflowId, runId } = workflowInfo();
  return { workflowId, runId };
}

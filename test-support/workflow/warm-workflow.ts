/** An owner of machines that is no VM: it has one, says which once it was told to take another, and ends when it is told. */
import {
  ApplicationFailure,
  condition,
  defineQuery,
  defineSignal,
  setHandler,
  upsertSearchAttributes,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { MachineFacts } from '../../domain/machine/provider.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';
import { SEARCH_ATTRIBUTE } from '../../domain/wire-names.ts';
import { bootMachineOf } from '../../workflows/machine/boot.ts';
import { createMachineOf } from '../../workflows/machine/create.ts';
import { destroyMachineOf } from '../../workflows/machine/destroy.ts';
import { machineActivities } from '../../workflows/machine/machine-activities.ts';
import type { MachineOwner } from '../../workflows/machine/machine-owner.ts';

export interface WarmInput {
  spec: VmSpec;
  signature: string;
}

/** The machine that is ready; null while none is. */
export const readyQuery = defineQuery<string | null>('ready');
export const endSignal = defineSignal('end');
/** It says that it has another machine from now on, and forgets the one that it has. */
export const moveOnSignal = defineSignal('moveOn');

const MACHINE = defineSearchAttributeKey(SEARCH_ATTRIBUTE.machine.name, SearchAttributeType.KEYWORD);

export async function warm({ spec, signature }: WarmInput): Promise<void> {
  let [ready, moves, ended]: [string | null, number, boolean] = [null, 0, false];
  setHandler(readyQuery, () => ready);
  setHandler(endSignal, () => void (ended = true));
  setHandler(moveOnSignal, () => void (moves += 1));
  for (let moved = 0; ; moved += 1) {
    const machineId = `m-${uuid4().replaceAll('-', '').slice(0, 20)}`;
    if (moved > 0) upsertSearchAttributes([{ key: MACHINE, value: machineId }]);
    const owner = ownerOf(machineId, { spec, signature });
    const machine = machineActivities(owner);
    const created = await createMachineOf(owner, machine);
    if (created.kind !== 'created') throw ApplicationFailure.nonRetryable(`create: ${created.kind}`);
    owner.machine = created.begun;
    const booted = await bootMachineOf(owner, machine);
    if (booted.kind !== 'ready') throw ApplicationFailure.nonRetryable(`boot: ${booted.failure.detail}`);
    ready = machineId;
    await condition(() => ended || moves > moved);
    ready = null;
    if (moves === moved) return destroyMachineOf(machineId, machine);
  }
}

function ownerOf(machineId: string, { spec, signature }: WarmInput): MachineOwner & { machine: MachineFacts | null } {
  const { workflowId } = workflowInfo();
  const needs = { owner: workflowId, spec, machineId, sealed: null, signature, placement: 'zone' } as const;
  return { ...needs, machine: null, msToDeadline: () => 60_000 };
}

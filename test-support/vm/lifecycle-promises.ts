/** What the lifecycle model promises of each VM: each function throws what must not have happened. */
import type { VmEvent } from '../../domain/vm/events.ts';
import { isOffDuty } from '../../domain/vm/power.ts';
import { hasEnded, isServing, type Vm } from '../../domain/vm/state.ts';
import { Violation } from '../exploration.ts';
import type { ModelMachine, ModelMachines } from './lifecycle-machines.ts';

/** Whose the VM is, and what people may expect of it. */
export interface Expectation {
  /** Whoever writes on its machine now. */
  holder: string;
  /** Everybody whose writing may be on the machine. */
  mayHaveWritten: Set<string>;
  /** What was written, and on which machine: it is there as long as the machine is. */
  written: { machineId: string; by: string } | null;
  /** What somebody asked for last while it was stopped or closed. */
  lastWish: 'close' | 'start' | null;
}

const EMPTY_REASONS: readonly string[] = ['idle', 'neverConnected', 'softLifetime', 'drained'];

/** Nobody who is there loses the VM to a rule for those that are empty, unless he came after the last question. */
export function checkEmptyEnd(before: Vm, after: Vm, machine: ModelMachine | undefined, askedAt: number | null): void {
  const { state } = after;
  if (!isServing(before.state) || !('reason' in state) || !EMPTY_REASONS.includes(state.reason)) return;
  const busySince = machine?.busySince ?? null;
  if (busySince === null || (askedAt !== null && busySince >= askedAt)) return;
  throw new Violation(`a VM in use was ended as ${state.reason}`);
}

/** What a machine keeps while its VM is below running is lost with the machine alone, and then nothing takes its place. */
export function checkLoss(before: Vm, { kind }: VmEvent, after: Vm, machine: ModelMachine | undefined): void {
  const { state } = after;
  const isLost = 'reason' in state && (state.reason === 'lost' || state.reason === 'notReady');
  if (before.state.name === 'destroying' || !isEnding(after) || !isLost) return;
  if (machine?.running === true && (kind === 'machineLost' || kind === 'hostLost'))
    throw new Violation(`${before.machineId} is there and was called lost`);
  if (!isOffDuty(before)) return;
  if (machine !== undefined && !isNobodys(before)) throw new Violation(`what ${before.machineId} kept was given up`);
  if (state.name === 'destroying' && state.then === 'recreate')
    throw new Violation(`an empty machine takes the place of ${before.machineId}`);
}

/** A machine that is to be reset, or was and has not been ready since, has nothing on it that anybody wants. */
function isNobodys({ reset, state }: Vm): boolean {
  return reset !== undefined || (state.name === 'booting' && state.wake?.reset === true);
}

/** A VM is closed only once an image of all that its machine keeps is written down, and only as the last wish. */
export function checkClose(
  before: Vm,
  after: Vm,
  {
    machine,
    kept,
    expected,
  }: { machine: ModelMachine | undefined; kept: ReadonlyMap<string, Kept>; expected: Expectation },
): void {
  if (after.state.name !== 'destroying' || after.state.reason !== 'closed' || before.state.name === 'destroying')
    return;
  const image = before.state.name === 'imaging' ? kept.get(before.state.image.imageId) : undefined;
  const isWhole = [...(machine?.writers ?? [])].every((writer) => image?.has(writer));
  if (image === undefined || !isWhole)
    throw new Violation(`${before.machineId} was closed without an image of what it kept`);
  if (expected.lastWish === 'start') throw new Violation('a VM was closed, and somebody had asked for its start since');
}

/** Of an image whoever has written what is in it. */
export type Kept = ReadonlySet<string>;

/** Who is given a VM finds nothing of those before, and who comes back to it finds what he wrote. */
export function checkWriting({ state, machineId }: Vm, machines: ModelMachines, expected: Expectation): void {
  const machine = machines.all.get(machineId);
  if (!isServing(state) || machine?.running !== true) return;
  const { mayHaveWritten, written, holder } = expected;
  const foreign = [...machine.writers].find((writer) => !mayHaveWritten.has(writer));
  if (foreign !== undefined) throw new Violation(`${holder} has ${machineId} with what ${foreign} wrote on it`);
  if (written?.machineId === machineId && !machine.writers.has(written.by))
    throw new Violation(`what ${written.by} wrote on ${machineId} is gone`);
  if (state.name === 'running' && state.drainNotice === 'sent' && !machine.admits)
    throw new Violation(`${machineId} admits nobody, and its VM is running`);
}

function isEnding({ state }: Vm): boolean {
  return state.name === 'destroying' || hasEnded(state);
}

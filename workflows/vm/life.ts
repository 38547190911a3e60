import { condition, log, sleep, workflowInfo } from '@temporalio/workflow';
import { isTimedByActivity, nextDeadline } from '../../domain/vm/deadlines.ts';
import { next } from '../../domain/vm/next.ts';
import type { PlacementKind } from '../../domain/machine/placement-kind.ts';
import type { VmEvent } from '../../domain/vm/events.ts';
import { adoptionOfLater, type Adoption } from '../../domain/pool/handover.ts';
import { hasEnded, type Vm } from '../../domain/vm/state.ts';
import type { Happened } from '../happened.ts';
import type { MachineOwner } from '../machine/machine-owner.ts';
import type { Adoptable, VmInput } from '../messages.ts';
import { noticesHoldEnds, probesBeforeLoss } from '../patches.ts';
import { runWhile } from '../run-while.ts';
import { recordTransition } from './metrics.ts';

type LifeInput = Pick<VmInput, 'sealed' | 'signature' | 'placement' | 'adopt' | 'resume'>;

/** A life that goes on in a fresh history is long past it. */
function adoptionAtStart({ machineId }: Adoptable, resume: Vm | undefined): Adoption {
  if (resume === undefined) return { name: 'asking' };
  const { state } = resume;
  return adoptionOfLater(resume.machineId === machineId && 'machine' in state ? state.machine : null);
}

/** Holds the one copy of a VM's state. Handlers and phases record events here; `next` decides what they mean. */
export class VmLife {
  /** The same for every machine of this life. */
  readonly sealed: string | null;
  /** Null where the start was not signed. */
  readonly signature: string | null;
  /** Old starts name none: then their creates are tried again by the server, as they were. */
  readonly placement: PlacementKind;
  /** The warm machine that it may have; null where it is to make one of its own. */
  readonly adopt: Adoptable | null;
  /** How far it is with that; null where there is none. */
  adoption: Adoption | null;
  /** The `nextEntryNumber` of what this run last published; 0 before it did. */
  published = 0;
  /** This run hands over to a fresh history: whoever waits for the VM waits on there. */
  movesOn = false;
  #vm: Vm;

  constructor(vm: Vm, { sealed, signature, placement, adopt, resume }: LifeInput) {
    this.#vm = vm;
    this.adopt = adopt ?? null;
    this.adoption = adopt === undefined ? null : adoptionAtStart(adopt, resume);
    this.sealed = sealed ?? null;
    this.signature = signature ?? null;
    this.placement = placement ?? 'zone';
  }

  get vm(): Vm {
    return this.#vm;
  }

  get ended(): boolean {
    return hasEnded(this.#vm.state);
  }

  record(event: Happened<VmEvent>): void {
    const before = this.#vm;
    this.#vm = next(before, { ...event, at: Date.now() });
    const { state, machineId } = this.#vm;
    if (before.state.name === state.name) return;
    const reason = 'reason' in state ? { reason: state.reason } : {};
    log.info('the VM changed its state', {
      from: before.state.name,
      to: state.name,
      event: event.kind,
      machineId,
      ...reason,
    });
    recordTransition(before, this.#vm);
  }
}

/** The VM as the owner of its machine. */
export function ownerOf(life: VmLife): MachineOwner {
  const { sealed, signature, placement } = life;
  return {
    ...{ owner: workflowInfo().workflowId, sealed, signature, placement },
    get spec() {
      return life.vm.spec;
    },
    get machineId() {
      return life.vm.machineId;
    },
    get machine() {
      return 'machine' in life.vm.state ? life.vm.state.machine : null;
    },
    get isAdopted() {
      return life.adoption?.name === 'taken' && life.adopt?.machineId === life.vm.machineId;
    },
    msToDeadline: () => (nextDeadline(life.vm)?.at ?? Infinity) - Date.now(),
  };
}

/** Notes the end of each hold: it need not be a deadline, so perhaps nothing else happens then. As lazy as the deadlines. */
export async function watchHolds(life: VmLife): Promise<void> {
  const heldUntil = (): number | null => (life.vm.state.name === 'destroying' ? null : life.vm.holdUntil);
  for (;;) {
    await condition(() => life.ended || heldUntil() !== null);
    const until = heldUntil();
    if (life.ended || until === null || !noticesHoldEnds()) return;
    if (until <= Date.now()) {
      life.record({ kind: 'holdOver' });
    } else {
      const isNotNearer = (): boolean => !life.ended && (heldUntil() ?? -Infinity) >= until;
      await runWhile(isNotNearer, () => sleep(until - Date.now(), { summary: 'The hold ends' }));
    }
  }
}

/**
 * One lazy timer for whatever comes first. A deadline that moves away costs nothing: the timer fires, finds
 * nothing due and is set again. Only one that moves nearer replaces it.
 */
export async function watchDeadlines(life: VmLife): Promise<void> {
  while (!life.ended) {
    const due = nextDeadline(life.vm);
    if (due === null || isTimedByActivity(life.vm)) {
      await condition(() => life.ended || (nextDeadline(life.vm) !== null && !isTimedByActivity(life.vm)));
    } else if (due.at <= Date.now()) {
      const endsUnasked = due.kind === 'lost' && !probesBeforeLoss();
      life.record({ kind: 'deadline', ...(endsUnasked ? { endsUnasked } : {}) });
    } else {
      const isNearer = (): boolean => !isTimedByActivity(life.vm) && (nextDeadline(life.vm)?.at ?? Infinity) < due.at;
      await runWhile(
        () => !life.ended && !isNearer(),
        () => sleep(due.at - Date.now(), { summary: `Next deadline: ${due.kind}` }),
      );
    }
  }
}

import { CancellationScope, condition, log, sleep, uuid4 } from '@temporalio/workflow';
import { isTimedByActivity, nextDeadline } from '../domain/deadlines.ts';
import { next } from '../domain/next.ts';
import type { VmEvent } from '../domain/vm-events.ts';
import { hasEnded, type Vm } from '../domain/vm-state.ts';
import { noticesHoldEnds } from './patches.ts';
import { recordTransition } from './vm-metrics.ts';

/** An event before it is stamped with workflow time. */
export type HappenedEvent = VmEvent extends infer Event ? (Event extends VmEvent ? Omit<Event, 'at'> : never) : never;

/** A name for a machine that does not exist yet. */
export function newMachineId(): string {
  return `m-${uuid4().replaceAll('-', '').slice(0, 20)}`;
}

/** Holds the one copy of a VM's state. Handlers and phases record events here; `next` decides what they mean. */
export class VmLife {
  /** The same for every machine of this life. */
  readonly sealed: string | null;
  /** Null where the start was not signed. */
  readonly signature: string | null;
  /** The `nextEntryNumber` of what this run last published; 0 before it did. */
  published = 0;
  #vm: Vm;

  constructor(vm: Vm, { sealed = null, signature = null }: { sealed?: string | null; signature?: string | null }) {
    this.#vm = vm;
    this.sealed = sealed;
    this.signature = signature;
  }

  get vm(): Vm {
    return this.#vm;
  }

  get ended(): boolean {
    return hasEnded(this.#vm.state);
  }

  record(event: HappenedEvent): void {
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

/** Runs `work` as long as `stillNeeded`; then cancels what is left of it and waits until it has let go. */
export async function runWhile(stillNeeded: () => boolean, work: () => Promise<void>): Promise<void> {
  const scope = new CancellationScope();
  const finished = scope.run(work);
  const letGo = finished.catch(() => undefined);
  await scope.run(() => Promise.race([finished, condition(() => !stillNeeded())])).finally(() => scope.cancel());
  await letGo;
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
      life.record({ kind: 'deadline' });
    } else {
      const isNearer = (): boolean => !isTimedByActivity(life.vm) && (nextDeadline(life.vm)?.at ?? Infinity) < due.at;
      await runWhile(
        () => !life.ended && !isNearer(),
        () => sleep(due.at - Date.now(), { summary: `Next deadline: ${due.kind}` }),
      );
    }
  }
}

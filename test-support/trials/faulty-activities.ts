import { setTimeout } from 'node:timers/promises';
import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import type { MachineActivities } from '../../domain/machine/activities.ts';
import { TIMEOUTS } from '../../domain/timeouts.ts';
import type { TakenBy } from '../../domain/machine/create-progress.ts';

export type ActivityName = keyof MachineActivities;

/** What goes wrong around a real activity. */
export type Fault =
  /** Fails before it does anything. */
  | 'fails'
  /** Does its work; the reply is lost, so it is tried again. */
  | 'replyLost'
  /** Runs two times at once; one reply counts. */
  | 'runsTwice'
  /** Hangs after its work until it is cancelled. */
  | 'hangs'
  /** Its host dies when the work is done. */
  | 'diesAfter'
  /** Is silent until its time-out, then does its work: others have done it by then, and gone on. */
  | 'comesLate'
  /** Fails so that it is not tried again. */
  | 'failsForGood'
  /** Its host dies before it does anything, in each try: nothing is heard of it until its time-out. */
  | 'diesForGood';

/** Longer than an activity may be silent. */
const SILENT_MS = (TIMEOUTS.activityHeartbeatSeconds + 3) * 1000;

/** Faults for real activities: each is used up once, the next call works. */
export class FaultPlan {
  readonly calls: ActivityName[] = [];
  readonly #open: { activity: ActivityName; fault: Fault }[] = [];
  readonly #hanging = new Set<ActivityName>();
  readonly #late = new Set<Promise<unknown>>();

  /** Resolves once nothing that was silent can come any more. */
  async untilQuiet(): Promise<void> {
    while (this.#late.size > 0) await Promise.allSettled(this.#late);
  }

  add(activity: ActivityName, fault: Fault): void {
    this.#open.push({ activity, fault });
  }

  isHanging(activity: ActivityName): boolean {
    return this.#hanging.has(activity);
  }

  /** The same activities, with this plan's faults. `says`: what the heartbeats of a create that hangs carry. */
  around(activities: MachineActivities, says?: unknown): MachineActivities {
    return {
      createMachine: this.#wrap('createMachine', activities.createMachine, says),
      awaitMachineReady: this.#wrap('awaitMachineReady', activities.awaitMachineReady),
      adoptMachine: this.#wrap('adoptMachine', activities.adoptMachine),
      confirmUsage: this.#wrap('confirmUsage', activities.confirmUsage),
      probeMachine: this.#wrap('probeMachine', activities.probeMachine),
      tellDraining: this.#wrap('tellDraining', activities.tellDraining),
      stopMachine: this.#wrap('stopMachine', activities.stopMachine),
      resetMachine: this.#wrap('resetMachine', activities.resetMachine),
      startMachine: this.#wrap('startMachine', activities.startMachine),
      makeImage: this.#wrap('makeImage', activities.makeImage),
      deleteImage: this.#wrap('deleteImage', activities.deleteImage),
      suspendMachine: this.#wrap('suspendMachine', activities.suspendMachine),
      resumeMachine: this.#wrap('resumeMachine', activities.resumeMachine),
      destroyMachine: this.#wrap('destroyMachine', activities.destroyMachine),
    };
  }

  #wrap<Input, Output>(
    name: ActivityName,
    work: (input: Input) => Promise<Output>,
    says?: unknown,
  ): (input: Input) => Promise<Output> {
    return async (input) => {
      this.calls.push(name);
      const at = this.#open.findIndex(({ activity }) => activity === name);
      const fault = this.#open[at]?.fault;
      if (at >= 0 && fault !== 'diesForGood') this.#open.splice(at, 1);
      if (fault === 'failsForGood') throw ApplicationFailure.nonRetryable('injected for good', 'badSpec');
      if (fault === 'diesForGood') return this.#silent(dead);
      if (fault === 'comesLate') return this.#silent(() => work(input));
      if (fault === 'fails') throw ApplicationFailure.retryable('injected', 'backendUnavailable');
      if (fault === 'runsTwice') return (await Promise.all([work(input), work(input)]))[0];
      const output = await work(input);
      if (fault === 'replyLost') throw ApplicationFailure.retryable('reply lost', 'backendUnavailable');
      if (fault === 'hangs') await this.#hang(name, says);
      if (fault === 'diesAfter') return this.#silent(dead);
      return output;
    };
  }

  #silent<Output>(then: () => Promise<Output>): Promise<Output> {
    const late = setTimeout(SILENT_MS).then(then);
    this.#late.add(late);
    const isOver = (): boolean => this.#late.delete(late);
    late.then(isOver, isOver);
    return late;
  }

  async #hang(name: ActivityName, says: unknown): Promise<void> {
    const context = Context.current();
    const beat = setInterval(() => context.heartbeat(says), 200);
    this.#hanging.add(name);
    try {
      await context.cancelled;
    } catch (error) {
      throw says === undefined ? error : new CancelledFailure('the create was cancelled', [says]);
    } finally {
      clearInterval(beat);
      this.#hanging.delete(name);
    }
  }
}

function dead(): Promise<never> {
  return Promise.reject(ApplicationFailure.retryable('of a host that is dead nobody hears this', 'backendUnavailable'));
}

/** Plans of several VMs around the same activities of several hosts. */
export class FaultPlans {
  readonly #ofVms = new Map<string, FaultPlan>();
  readonly #ofMachines = new Map<string, FaultPlan>();

  /** To be called before the VM of this name starts. */
  of(vm: string): FaultPlan {
    const plan = this.#ofVms.get(vm) ?? new FaultPlan();
    this.#ofVms.set(vm, plan);
    return plan;
  }

  /** For a machine that is there already. */
  ofMachine(machineId: string): FaultPlan {
    const plan = this.#ofMachines.get(machineId) ?? new FaultPlan();
    this.#ofMachines.set(machineId, plan);
    return plan;
  }

  /** The same activities of one host; which plan's faults they have is looked up with each call. */
  around(activities: MachineActivities, takenBy: TakenBy): MachineActivities {
    const says = { create: { handedBack: [], takenBy } };
    const planned = ({ machineId }: { machineId: string }): MachineActivities =>
      this.#ofMachines.get(machineId)?.around(activities, says) ?? activities;
    return {
      createMachine: (input) => {
        this.#ofMachines.set(input.machineId, this.of(input.vm ?? ''));
        return planned(input).createMachine(input);
      },
      awaitMachineReady: (input) => planned(input).awaitMachineReady(input),
      adoptMachine: (input) => planned(input).adoptMachine(input),
      confirmUsage: (input) => planned(input).confirmUsage(input),
      probeMachine: (input) => planned(input).probeMachine(input),
      tellDraining: (input) => planned(input).tellDraining(input),
      stopMachine: (input) => planned(input).stopMachine(input),
      resetMachine: (input) => planned(input).resetMachine(input),
      startMachine: (input) => planned(input).startMachine(input),
      makeImage: (input) => planned(input).makeImage(input),
      deleteImage: (input) => planned(input).deleteImage(input),
      suspendMachine: (input) => planned(input).suspendMachine(input),
      resumeMachine: (input) => planned(input).resumeMachine(input),
      destroyMachine: (input) => planned(input).destroyMachine(input),
    };
  }
}

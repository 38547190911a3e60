import { ApplicationFailure, Context } from '@temporalio/activity';
import type { MachineActivities } from '../../domain/activities.ts';

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
  | 'hangs';

/** Faults for real activities: each is used up once, the next call works. */
export class FaultPlan {
  readonly calls: ActivityName[] = [];
  readonly #open: { activity: ActivityName; fault: Fault }[] = [];
  readonly #hanging = new Set<ActivityName>();

  add(activity: ActivityName, fault: Fault): void {
    this.#open.push({ activity, fault });
  }

  isHanging(activity: ActivityName): boolean {
    return this.#hanging.has(activity);
  }

  /** The same activities, with this plan's faults. */
  around(activities: MachineActivities): MachineActivities {
    return {
      createMachine: this.#wrap('createMachine', activities.createMachine),
      awaitMachineReady: this.#wrap('awaitMachineReady', activities.awaitMachineReady),
      confirmUsage: this.#wrap('confirmUsage', activities.confirmUsage),
      probeMachine: this.#wrap('probeMachine', activities.probeMachine),
      tellDraining: this.#wrap('tellDraining', activities.tellDraining),
      destroyMachine: this.#wrap('destroyMachine', activities.destroyMachine),
    };
  }

  #wrap<Input, Output>(name: ActivityName, work: (input: Input) => Promise<Output>): (input: Input) => Promise<Output> {
    return async (input) => {
      this.calls.push(name);
      const at = this.#open.findIndex(({ activity }) => activity === name);
      const fault = at < 0 ? undefined : this.#open.splice(at, 1)[0]?.fault;
      if (fault === 'fails') throw ApplicationFailure.retryable('injected', 'backendUnavailable');
      if (fault === 'runsTwice') return (await Promise.all([work(input), work(input)]))[0];
      const output = await work(input);
      if (fault === 'replyLost') throw ApplicationFailure.retryable('reply lost', 'backendUnavailable');
      if (fault === 'hangs') await this.#hang(name);
      return output;
    };
  }

  async #hang(name: ActivityName): Promise<void> {
    const context = Context.current();
    const beat = setInterval(() => context.heartbeat(), 200);
    this.#hanging.add(name);
    try {
      await context.cancelled;
    } finally {
      clearInterval(beat);
      this.#hanging.delete(name);
    }
  }
}

import { randomUUID } from 'node:crypto';
import { ApplicationFailure, Context } from '@temporalio/activity';
import type {
  AdoptMachineInput,
  AwaitReadyInput,
  ConfirmAnswer,
  CreateMachineInput,
  DeleteImageInput,
  MachineActivities,
  MadeImage,
  MakeImageInput,
  ProbeAnswer,
  ResetMachineInput,
  StartMachineInput,
  StopMachineInput,
  SuspendAnswer,
  UsageReport,
} from '../../domain/machine/activities.ts';
import type { MachineFacts } from '../../domain/machine/provider.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';

type ActivityName = keyof MachineActivities;

/**
 * Machines in memory, for tests of the workflow alone: what an agent counts is set by the test, and each
 * activity can be made to fail, to lose its reply after the effect, or to hang until it is cancelled.
 */
export class FakeMachines implements MachineActivities {
  readonly machines = new Map<string, { connections: number; reachable: boolean; draining: boolean }>();
  readonly calls: { name: ActivityName; machineId: string }[] = [];
  /** Consumed one by one at the start or end of the activity named. */
  readonly faults: {
    name: ActivityName;
    kind: 'fail' | 'failForGood' | 'takenAway' | 'loseReply' | 'hang' | 'deaf';
  }[] = [];
  /** These fail at every try, as long as they are in here. */
  readonly broken = new Set<ActivityName>();
  /** Of such a spec no machine can be made. */
  refuses: (spec: VmSpec) => boolean = () => false;
  /** How the agent is asked; `report` stands for agents that only report by themselves. */
  confirmBy: 'link' | 'report' = 'link';
  /** What a new machine's agent says first; null: it has none. */
  firstReport: UsageReport | null = { sequence: 1, connections: 0 };
  /** Machines that do not run and keep their disk. */
  readonly stopped = new Set<string>();
  /** Images that are there, and the machine that each was made of. */
  readonly images = new Map<string, string>();
  /** Base name of the queues that images are deleted on. */
  imageQueue = '';
  /** Machines that do not run and keep their memory. */
  readonly suspended = new Set<string>();
  /** Machines that the provider took back. */
  readonly preempted = new Set<string>();
  #destroyed = new Set<string>();
  #wake: () => void = () => undefined;
  #woken = new Promise<void>((resolve) => {
    this.#wake = resolve;
  });

  createMachine = async ({ machineId, spec }: CreateMachineInput): Promise<MachineFacts> =>
    this.#act('createMachine', machineId, () => {
      if (this.#destroyed.has(machineId)) throw ApplicationFailure.nonRetryable('destroyed before', 'machineEnded');
      if (this.refuses(spec)) throw ApplicationFailure.nonRetryable('the spec is refused', 'badSpec');
      if (!this.machines.has(machineId)) {
        this.machines.set(machineId, { connections: 0, reachable: true, draining: false });
      }
      const address = { ip: '127.64.1.1', ports: spec.ports };
      return { machineId, provider: spec.provider, host: 'park', zone: null, address };
    });

  awaitMachineReady = async ({ machineId }: AwaitReadyInput): Promise<UsageReport | null> =>
    this.#act('awaitMachineReady', machineId, () => this.firstReport);

  adoptMachine = async ({ machineId, spec }: AdoptMachineInput): Promise<MachineFacts> =>
    this.#act('adoptMachine', machineId, () => {
      if (!this.machines.has(machineId)) throw ApplicationFailure.nonRetryable('it is gone', 'machineEnded');
      const address = { ip: '127.64.1.1', ports: spec.ports };
      return { machineId, provider: spec.provider, host: 'park', zone: null, address };
    });

  confirmUsage = async ({ machineId }: { machineId: string }): Promise<ConfirmAnswer> =>
    this.#act('confirmUsage', machineId, () => {
      if (this.confirmBy === 'report') return { kind: 'awaitReport', id: randomUUID() };
      const machine = this.machines.get(machineId);
      if (!machine?.reachable) return { kind: 'unanswered' };
      return { kind: 'answered', report: { sequence: Date.now(), connections: machine.connections } };
    });

  probeMachine = async ({ machineId }: { machineId: string }): Promise<ProbeAnswer> =>
    this.#act('probeMachine', machineId, () => ({
      alive: this.machines.has(machineId),
      ...(this.preempted.has(machineId) ? { cause: 'preempted' } : {}),
    }));

  /** The provider takes a machine back. */
  preempt(machineId: string): void {
    this.machines.delete(machineId);
    this.preempted.add(machineId);
  }

  tellDraining = async ({ machineId, draining }: { machineId: string; draining: boolean }): Promise<void> =>
    this.#act('tellDraining', machineId, () => {
      const machine = this.machines.get(machineId);
      if (machine) machine.draining = draining;
    });

  stopMachine = async ({ machineId }: StopMachineInput): Promise<void> =>
    this.#act('stopMachine', machineId, () => {
      this.#existing(machineId).connections = 0;
      this.suspended.delete(machineId);
      this.stopped.add(machineId);
    });

  resetMachine = async ({ machineId }: ResetMachineInput): Promise<void> =>
    this.#act('resetMachine', machineId, () => {
      this.#existing(machineId);
      if (!this.stopped.has(machineId)) throw ApplicationFailure.nonRetryable('it is not stopped', 'badSpec');
    });

  /** Each time at another address. */
  startMachine = async ({ machineId }: StartMachineInput): Promise<MachineFacts> =>
    this.#act('startMachine', machineId, () => {
      this.#existing(machineId);
      this.stopped.delete(machineId);
      const address = { ip: `127.64.2.${this.countOf('startMachine')}`, ports: [] };
      return { machineId, provider: 'local', host: 'park', zone: null, address };
    });

  suspendMachine = async ({ machineId }: StopMachineInput): Promise<SuspendAnswer> =>
    this.#act('suspendMachine', machineId, () => {
      this.#existing(machineId).connections = 0;
      if (this.stopped.has(machineId)) return { keeps: 'disk' };
      this.suspended.add(machineId);
      return { keeps: 'memory' };
    });

  /** At the same address. */
  resumeMachine = async ({ machineId }: StartMachineInput): Promise<MachineFacts> =>
    this.#act('resumeMachine', machineId, () => {
      this.#existing(machineId);
      this.suspended.delete(machineId);
      this.stopped.delete(machineId);
      return { machineId, provider: 'local', host: 'park', zone: null, address: { ip: '127.64.1.1', ports: [] } };
    });

  makeImage = async ({ machineId, imageId }: MakeImageInput): Promise<MadeImage> =>
    this.#act('makeImage', machineId, () => {
      this.#existing(machineId);
      if (!this.stopped.has(machineId)) throw ApplicationFailure.nonRetryable('it runs', 'machineRuns');
      this.images.set(imageId, machineId);
      return { sizeBytes: 7, createdAt: Date.now(), host: null, queue: this.imageQueue };
    });

  deleteImage = async ({ imageId, machineId }: DeleteImageInput): Promise<void> =>
    this.#act('deleteImage', machineId, () => {
      this.images.delete(imageId);
    });

  #existing(machineId: string): { connections: number } {
    const machine = this.machines.get(machineId);
    if (machine === undefined) throw ApplicationFailure.nonRetryable('there is no such machine', 'machineEnded');
    return machine;
  }

  destroyMachine = async ({ machineId }: { machineId: string }): Promise<void> =>
    this.#act('destroyMachine', machineId, () => {
      this.#destroyed.add(machineId);
      this.stopped.delete(machineId);
      this.suspended.delete(machineId);
      this.machines.delete(machineId);
    });

  /** The activities as a worker takes them. */
  activities(): MachineActivities {
    const { createMachine, awaitMachineReady, adoptMachine, confirmUsage, probeMachine, tellDraining } = this;
    const { stopMachine, resetMachine, startMachine, suspendMachine, resumeMachine, makeImage, deleteImage } = this;
    const { destroyMachine } = this;
    return {
      ...{ createMachine, awaitMachineReady, adoptMachine, confirmUsage, probeMachine, tellDraining },
      ...{ stopMachine, resetMachine, startMachine, suspendMachine, resumeMachine, makeImage, deleteImage },
      destroyMachine,
    };
  }

  /** Lets activities go on that are `deaf`: they hang and do not hear that they are cancelled. */
  wake(): void {
    this.#wake();
  }

  countOf(name: ActivityName): number {
    return this.calls.filter((call) => call.name === name).length;
  }

  async #act<Result>(name: ActivityName, machineId: string, effect: () => Result): Promise<Result> {
    this.calls.push({ name, machineId });
    const at = this.faults.findIndex((fault) => fault.name === name);
    const fault = at >= 0 ? this.faults.splice(at, 1)[0] : undefined;
    if (this.broken.has(name)) throw ApplicationFailure.retryable('injected failure for ever', 'permissionDenied');
    if (fault?.kind === 'fail') throw ApplicationFailure.retryable('injected failure', 'backendUnavailable');
    if (fault?.kind === 'failForGood') throw ApplicationFailure.nonRetryable('injected failure for good', 'badSpec');
    if (fault?.kind === 'takenAway') throw ApplicationFailure.nonRetryable('injected end', 'preempted');
    if (fault?.kind === 'hang') await untilCancelled();
    if (fault?.kind === 'deaf') await beating(() => this.#woken);
    const result = effect();
    if (fault?.kind === 'loseReply') throw ApplicationFailure.retryable('reply lost', 'backendUnavailable');
    return Promise.resolve(result);
  }
}

function untilCancelled(): Promise<never> {
  return beating(() => Context.current().cancelled);
}

/** Heartbeats as long as the wait takes. */
async function beating<Result>(wait: () => Promise<Result>): Promise<Result> {
  const context = Context.current();
  const beat = setInterval(() => context.heartbeat(), 200);
  try {
    return await wait();
  } finally {
    clearInterval(beat);
  }
}

/**
 * Faults around the real activities of a worker that may be killed at any moment: what was planned and what has
 * happened is kept in files, so each fault happens once however often the worker starts.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApplicationFailure, Context } from '@temporalio/activity';
import type { AdoptMachineInput, CreateMachineInput, MachineActivities } from '../../domain/machine/activities.ts';
import { TIMEOUTS } from '../../domain/timeouts.ts';
import type { ActivityName } from '../trials/faulty-activities.ts';
import { activityOf, type StormLife } from './plan.ts';

/** The label that says which planned life a VM is. */
export const LIFE_LABEL = 'storm-life';
/** Longer than an activity may be silent. */
const HANG_MS = (TIMEOUTS.activityHeartbeatSeconds + 3) * 1000;
/** How long a life waits to be cancelled or terminated before it goes on. */
const HELD_MS = 20_000;

/** The files that driver and worker share. */
export class StormFiles {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    for (const folder of ['plan', 'machines', 'happened']) mkdirSync(join(directory, folder), { recursive: true });
  }

  plan(life: StormLife): void {
    writeFileSync(join(this.#directory, 'plan', life.id), JSON.stringify(life));
  }

  /** From now on the machine's activities belong to that life; the host is the one that was asked for it last. */
  assign(machineId: string, lifeId: string, host: string): void {
    writeFileSync(join(this.#directory, 'machines', machineId), `${lifeId} ${host}`);
  }

  /** Of each machine the host. */
  hostsAsked(): string[] {
    return readdirSync(join(this.#directory, 'machines')).map(
      (machineId) => this.#read('machines', machineId)?.split(' ')[1] ?? '',
    );
  }

  lifeOf(machineId: string): StormLife | undefined {
    const lifeId = this.#read('machines', machineId)?.split(' ')[0];
    const life = lifeId === undefined ? undefined : this.#read('plan', lifeId);
    return life === undefined ? undefined : (JSON.parse(life) as StormLife);
  }

  /** True for the one who is the first to say it. */
  happensNow(life: StormLife): boolean {
    try {
      writeFileSync(join(this.#directory, 'happened', life.id), '', { flag: 'wx' });
      return true;
    } catch {
      return false;
    }
  }

  happened(life: StormLife): boolean {
    return this.#read('happened', life.id) !== undefined;
  }

  #read(folder: string, name: string): string | undefined {
    try {
      return readFileSync(join(this.#directory, folder, name), 'utf8');
    } catch {
      return undefined;
    }
  }
}

/** The same activities, with the faults of the plan. */
export function stormyActivities(activities: MachineActivities, files: StormFiles, host: string): MachineActivities {
  const wrap = <Input extends { machineId: string }, Output>(
    step: ActivityName,
    work: (input: Input) => Promise<Output>,
  ): ((input: Input) => Promise<Output>) => {
    return async (input) => {
      const life = files.lifeOf(input.machineId);
      if (life === undefined || activityOf(life.step) !== step || life.fault === null || !files.happensNow(life))
        return work(input);
      return withFault(life, () => work(input));
    };
  };
  const assigned = <Input extends CreateMachineInput | AdoptMachineInput, Output>(
    work: (input: Input) => Promise<Output>,
  ): ((input: Input) => Promise<Output>) => {
    return (input) => {
      const life = input.spec.labels[LIFE_LABEL];
      if (life !== undefined) files.assign(input.machineId, life, host);
      return work(input);
    };
  };
  return {
    createMachine: assigned(wrap('createMachine', activities.createMachine)),
    awaitMachineReady: wrap('awaitMachineReady', activities.awaitMachineReady),
    adoptMachine: assigned(wrap('adoptMachine', activities.adoptMachine)),
    confirmUsage: wrap('confirmUsage', activities.confirmUsage),
    probeMachine: wrap('probeMachine', activities.probeMachine),
    tellDraining: wrap('tellDraining', activities.tellDraining),
    stopMachine: wrap('stopMachine', activities.stopMachine),
    resetMachine: activities.resetMachine,
    startMachine: wrap('startMachine', activities.startMachine),
    makeImage: wrap('makeImage', activities.makeImage),
    deleteImage: wrap('deleteImage', activities.deleteImage),
    suspendMachine: wrap('suspendMachine', activities.suspendMachine),
    resumeMachine: wrap('resumeMachine', activities.resumeMachine),
    destroyMachine: wrap('destroyMachine', activities.destroyMachine),
  };
}

async function withFault<Output>({ fault, when }: StormLife, work: () => Promise<Output>): Promise<Output> {
  if (fault === 'error') throw ApplicationFailure.retryable('injected', 'backendUnavailable');
  if (fault === 'duplicate') return (await Promise.all([work(), work()]))[0];
  if (when === 'before') await happen(fault);
  const output = await work();
  if (fault === 'lostReply') throw ApplicationFailure.retryable('the reply was lost', 'backendUnavailable');
  if (when === 'after') await happen(fault);
  return output;
}

async function happen(fault: StormLife['fault']): Promise<void> {
  if (fault === 'kill') process.kill(process.pid, 'SIGKILL');
  if (fault === 'timeout') await new Promise((resolve) => setTimeout(resolve, HANG_MS));
  if (fault === 'cancel' || fault === 'terminate') await heldUntilCancelled();
}

/** Waits for the driver to do it to the workflow; a step that is not to be cancelled goes on after a while. */
async function heldUntilCancelled(): Promise<void> {
  const context = Context.current();
  const beat = setInterval(() => context.heartbeat(), 200);
  const limit = new Promise((resolve) => setTimeout(resolve, HELD_MS).unref());
  try {
    await Promise.race([context.cancelled, limit]);
  } finally {
    clearInterval(beat);
  }
}

import { ProviderError } from '../../domain/provider-error.ts';
import type { CancelSignal, Machine, MachinePowerControl } from '../../domain/machine-provider.ts';
import { pause, type ApiCalls, type CallSettings } from './api-calls.ts';
import { ComputeFailure, asProviderError } from './client-errors.ts';
import type { ComputeApi, InstanceResource } from './compute-api.ts';
import { LABEL } from './instance-names.ts';
import type { Instances } from './instances.ts';
import { machineOf, zoneOf } from './machine-facts.ts';
import { pendingOperation, type Operations } from './operations.ts';

export interface PowerParts {
  api: ComputeApi;
  calls: ApiCalls;
  operations: Operations;
  instances: Instances;
  project: string;
  pollMs: number;
}

type PowerState = 'stopped' | 'suspended' | 'on';

const MAX_LABEL_TRIES = 5;

/**
 * Stops, starts, suspends and resumes instances. The wish is written into a label before the machine goes down, so
 * that a machine we stopped is told from one that stopped by itself.
 */
export class MachinePower implements MachinePowerControl {
  private readonly parts: () => Promise<PowerParts>;

  constructor(parts: () => Promise<PowerParts>) {
    this.parts = parts;
  }

  stop(machineId: string, signal: CancelSignal): Promise<Machine> {
    return this.reach(machineId, 'stopped', 'stop', signal);
  }

  start(machineId: string, signal: CancelSignal): Promise<Machine> {
    return this.reach(machineId, 'on', 'start', signal);
  }

  suspend(machineId: string, signal: CancelSignal): Promise<Machine> {
    return this.reach(machineId, 'suspended', 'suspend', signal);
  }

  resume(machineId: string, signal: CancelSignal): Promise<Machine> {
    return this.reach(machineId, 'on', 'resume', signal);
  }

  private async reach(
    machineId: string,
    wish: PowerState,
    verb: keyof MachinePowerControl,
    signal: CancelSignal,
  ): Promise<Machine> {
    signal.throwIfAborted();
    const settings: CallSettings = { purpose: 'ongoing', signal };
    try {
      let instance = await this.present(machineId, settings);
      if (wish !== 'on') instance = await this.label(machineId, instance, wish, settings);
      for (;;) {
        const status = instance.status ?? '';
        if (GOAL[wish].includes(status)) break;
        if (BEGIN[verb].includes(status)) await this.begin(machineId, verb, instance, settings);
        else await pause((await this.parts()).pollMs, signal);
        instance = await this.present(machineId, settings);
      }
      if (wish === 'on') instance = await this.label(machineId, instance, wish, settings);
      return machineOf(instance) as Machine;
    } catch (error) {
      if (error instanceof ComputeFailure) throw asProviderError(error, { doing: `${verb} ${machineId}` });
      throw error;
    }
  }

  private async begin(
    machineId: string,
    verb: keyof MachinePowerControl,
    instance: InstanceResource,
    settings: CallSettings,
  ): Promise<void> {
    const { api, calls, operations, instances, project } = await this.parts();
    const zone = zoneOf(instance);
    const [{ latestResponse }] = await calls.make(settings, (options) =>
      api.instances[verb]({ project, zone, instance: instances.nameOf(machineId) }, options),
    );
    await operations.settled(pendingOperation(zone, latestResponse), settings, latestResponse);
  }

  private async present(machineId: string, settings: CallSettings): Promise<InstanceResource> {
    const instance = await (await this.parts()).instances.find(machineId, settings);
    if (instance !== undefined) return instance;
    throw new ProviderError('machineEnded', `${machineId} does not exist`);
  }

  /** Writes the wish; a fingerprint that somebody else's change made stale is read again. */
  private async label(
    machineId: string,
    first: InstanceResource,
    wish: PowerState,
    settings: CallSettings,
  ): Promise<InstanceResource> {
    const { api, calls, operations, instances, project } = await this.parts();
    let instance = first;
    for (let attempt = 1; (instance.labels?.[LABEL.power] ?? 'on') !== wish; attempt++) {
      const zone = zoneOf(instance);
      const others = Object.fromEntries(Object.entries(instance.labels ?? {}).filter(([key]) => key !== LABEL.power));
      const body = {
        labels: wish === 'on' ? others : { ...others, [LABEL.power]: wish },
        labelFingerprint: instance.labelFingerprint ?? '',
      };
      try {
        const [{ latestResponse }] = await calls.make(settings, (options) =>
          api.instances.setLabels(
            { project, zone, instance: instances.nameOf(machineId), instancesSetLabelsRequestResource: body },
            options,
          ),
        );
        await operations.settled(pendingOperation(zone, latestResponse), settings, latestResponse);
      } catch (error) {
        const stale = error instanceof ComputeFailure && error.kind === 'fingerprint';
        if (!stale || attempt === MAX_LABEL_TRIES) throw error;
      }
      instance = await this.present(machineId, settings);
    }
    return instance;
  }
}

/** The statuses in which a wish is fulfilled. */
const GOAL: Readonly<Record<PowerState, readonly string[]>> = {
  stopped: ['TERMINATED', 'STOPPED'],
  suspended: ['SUSPENDED'],
  on: ['RUNNING'],
};

/** The statuses in which a call does something; in others it is waited for what is under way. */
const BEGIN: Readonly<Record<keyof MachinePowerControl, readonly string[]>> = {
  stop: ['RUNNING', 'SUSPENDED'],
  suspend: ['RUNNING'],
  start: ['TERMINATED', 'STOPPED'],
  resume: ['SUSPENDED'],
};

import { ProviderError } from '../../../domain/machine/provider-error.ts';
import type {
  AgentBootstrap,
  CallContext,
  CancelSignal,
  Machine,
  MachinePowerControl,
  StartMachineRequest,
} from '../../../domain/machine/provider.ts';
import { pause, type CallSettings } from '../../cloud/api-calls.ts';
import { CloudFailure } from '../../cloud/cloud-failure.ts';
import { asProviderError } from '../calls/client-errors.ts';
import type { InstanceResource } from '../calls/compute-api.ts';
import { LABEL } from '../../cloud/resource-names.ts';
import type { InstanceParts } from './instance-parts.ts';
import { machineOf, zoneOf } from './machine-facts.ts';
import { pendingOperation } from '../calls/operations.ts';

export interface PowerParts extends InstanceParts {
  /** Key of the metadata by which its agent proves itself. */
  proofKey: string;
}

/** By which name Compute Engine's own calls go. */
type PowerCall = Exclude<keyof MachinePowerControl, 'reset'>;
type PowerState = 'stopped' | 'suspended' | 'on';
interface Wish {
  wish: PowerState;
  verb: PowerCall;
  agentBootstrap?: AgentBootstrap | null;
}

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

  stop(machineId: string, { signal }: CallContext): Promise<Machine> {
    return this.reach(machineId, { wish: 'stopped', verb: 'stop' }, signal);
  }

  start({ machineId, agentBootstrap }: StartMachineRequest, { signal }: CallContext): Promise<Machine> {
    return this.reach(machineId, { wish: 'on', verb: 'start', agentBootstrap }, signal);
  }

  suspend(machineId: string, { signal }: CallContext): Promise<Machine> {
    return this.reach(machineId, { wish: 'suspended', verb: 'suspend' }, signal);
  }

  /** One that Compute Engine has stopped meanwhile, as it does after 60 days, starts from its disk. */
  resume({ machineId, agentBootstrap }: StartMachineRequest, { signal }: CallContext): Promise<Machine> {
    return this.reach(machineId, { wish: 'on', verb: 'resume', agentBootstrap }, signal);
  }

  private async reach(
    machineId: string,
    { wish, verb, agentBootstrap = null }: Wish,
    signal: CancelSignal,
  ): Promise<Machine> {
    signal.throwIfAborted();
    const settings: CallSettings = { purpose: 'ongoing', signal };
    try {
      let instance = await this.present(machineId, settings);
      if (wish !== 'on') instance = await this.label(machineId, instance, wish, settings);
      for (;;) {
        const status = instance.status ?? '';
        if (GOAL[wish].includes(status) || (verb === 'suspend' && GOAL.stopped.includes(status))) break;
        const step = verb === 'resume' && BEGIN.start.includes(status) ? 'start' : verb;
        const mayBegin =
          BEGIN[step].includes(status) &&
          (step !== 'start' || (await this.proveAnew(machineId, instance, agentBootstrap, settings)));
        const begun = mayBegin && (await this.begin(machineId, step, instance, settings));
        if (!begun) await pause((await this.parts()).pollMs, signal);
        instance = await this.present(machineId, settings);
      }
      if (wish === 'on') instance = await this.label(machineId, instance, wish, settings);
      return machineOf(instance) as Machine;
    } catch (error) {
      if (error instanceof CloudFailure) throw asProviderError(error, { doing: `${verb} ${machineId}` });
      throw error;
    }
  }

  /** False where another call was faster and the instance is on its way: the next look tells where. */
  private async begin(
    machineId: string,
    verb: PowerCall,
    instance: InstanceResource,
    settings: CallSettings,
  ): Promise<boolean> {
    try {
      await this.callFor(machineId, verb, instance, settings);
      return true;
    } catch (error) {
      if (error instanceof CloudFailure && error.kind === 'notReady') return false;
      throw error;
    }
  }

  private async callFor(
    machineId: string,
    verb: PowerCall,
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

  /** The secret of its create is used up, or too old. False where another call was faster: the next look tells. */
  private async proveAnew(
    machineId: string,
    { metadata, ...instance }: InstanceResource,
    agentBootstrap: AgentBootstrap | null,
    settings: CallSettings,
  ): Promise<boolean> {
    const { api, calls, operations, instances, project, proofKey } = await this.parts();
    const items = metadata?.items ?? [];
    if (agentBootstrap === null || !items.some(({ key }) => key === proofKey)) return true;
    const zone = zoneOf(instance);
    const metadataResource = {
      items: items.map((item) => (item.key === proofKey ? { key: proofKey, value: agentBootstrap.secret } : item)),
      fingerprint: metadata?.fingerprint ?? '',
    };
    try {
      const [{ latestResponse }] = await calls.make(settings, (options) =>
        api.instances.setMetadata({ project, zone, instance: instances.nameOf(machineId), metadataResource }, options),
      );
      await operations.settled(pendingOperation(zone, latestResponse), settings, latestResponse);
      return true;
    } catch (error) {
      if (error instanceof CloudFailure && error.kind === 'fingerprint') return false;
      throw error;
    }
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
        const stale = error instanceof CloudFailure && error.kind === 'fingerprint';
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
const BEGIN: Readonly<Record<PowerCall, readonly string[]>> = {
  stop: ['RUNNING', 'SUSPENDED'],
  suspend: ['RUNNING'],
  start: ['TERMINATED', 'STOPPED'],
  resume: ['SUSPENDED'],
};

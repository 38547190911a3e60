import type {
  AgentBootstrap,
  CallContext,
  CancelSignal,
  Machine,
  MachinePowerControl,
  StartMachineRequest,
} from '../../domain/machine/provider.ts';
import { CloudFailure } from './cloud-failure.ts';
import { ended, firstOf, isFailure, machineOf, withMappedErrors } from './cloud-machine.ts';
import { ongoing, type CloudParts } from './cloud-parts.ts';
import type { Cloud, CloudServer, PowerWish } from './cloud.ts';

interface Goal {
  /** Null: it shall run. */
  wish: PowerWish | null;
  verb: keyof MachinePowerControl;
  agentBootstrap: AgentBootstrap | null;
}

/** Stops, starts, suspends and resumes machines of one cloud. */
export function powerControl(parts: CloudParts): MachinePowerControl {
  const power = new MachinePower(parts);
  const down = (machineId: string, verb: 'stop' | 'suspend', { signal }: CallContext): Promise<Machine> =>
    power.reach(machineId, { wish: verb === 'stop' ? 'stopped' : 'suspended', verb, agentBootstrap: null }, signal);
  const up = (request: StartMachineRequest, verb: 'start' | 'resume', { signal }: CallContext): Promise<Machine> =>
    power.reach(request.machineId, { wish: null, verb, agentBootstrap: request.agentBootstrap }, signal);
  const control: MachinePowerControl = {
    stop: (machineId, call) => down(machineId, 'stop', call),
    start: (request, call) => up(request, 'start', call),
  };
  if (parts.cloud.suspend === undefined) return control;
  return {
    ...control,
    suspend: (machineId, call) => down(machineId, 'suspend', call),
    resume: (request, call) => up(request, 'resume', call),
  };
}

/**
 * The wish is written into the server before it goes down and taken away when it has come up: so a machine that we stopped is
 * told from one that stopped by itself, whoever looks.
 */
class MachinePower {
  private readonly parts: CloudParts;

  constructor(parts: CloudParts) {
    this.parts = parts;
  }

  async reach(machineId: string, goal: Goal, signal: CancelSignal): Promise<Machine> {
    signal.throwIfAborted();
    return withMappedErrors(`${goal.verb} ${machineId}`, () =>
      this.parts.inTurn.run(machineId, signal, () => this.reachInTurn(machineId, goal, signal)),
    );
  }

  private async reachInTurn(machineId: string, goal: Goal, signal: CancelSignal): Promise<Machine> {
    const { watch } = this.parts;
    let begun = false;
    const step = async (servers: readonly CloudServer[]): Promise<Machine | undefined> => {
      const server = firstOf(servers);
      if (server === undefined) throw ended(machineId, 'does not exist');
      if (begun && goal.wish === null && server.status === 'stopped' && server.failure !== undefined)
        throw server.failure;
      const outcome = await this.step(server, goal, signal).catch((error: unknown) => {
        // Another call was faster, or it is on its way: the next look tells where.
        if (isFailure(error, 'notReady', 'fingerprint')) return undefined;
        throw isFailure(error, 'notFound') ? ended(machineId, 'does not exist any more') : error;
      });
      if (outcome === 'begun') begun = true;
      return outcome === 'begun' ? undefined : outcome;
    };
    const first = await this.parts.cloud.find(machineId, ongoing(signal));
    return (await step(first)) ?? (await watch.follow(machineId, first, signal, step));
  }

  /** The machine where it is as it shall be; `begun`: it is on its way there; undefined: it is on another way. */
  private async step(
    server: CloudServer,
    { wish, verb, agentBootstrap }: Goal,
    signal: CancelSignal,
  ): Promise<Machine | 'begun' | undefined> {
    const { cloud } = this.parts;
    const settings = ongoing(signal);
    if (wish !== null && server.wish !== wish) await cloud.setWish(server, wish, settings);
    const now = { ...server, wish: wish ?? server.wish };
    if (isReached(now, wish)) {
      if (wish === null && server.wish !== null) await cloud.setWish(server, null, settings);
      return machineOf(cloud.name, { ...now, wish });
    }
    const change = CHANGES[verb]?.[server.status];
    if (change === undefined) return undefined;
    if (change === 'start' && server.status === 'stopped' && agentBootstrap !== null) {
      // The secret of its create is used up, or too old.
      await cloud.change(now, { record: server.record, secret: agentBootstrap.secret }, settings);
    }
    try {
      await this.call(cloud, change, now, signal);
    } catch (error) {
      // It goes on, and must not be taken for stopped on request when it ends.
      if (wish !== null && isFailure(error, 'badRequest', 'permission')) await cloud.setWish(now, null, settings);
      throw error;
    }
    return 'begun';
  }

  private call(cloud: Cloud, change: Change, server: CloudServer, signal: CancelSignal): Promise<void> {
    const settings = ongoing(signal);
    if (change !== 'suspend') return cloud[change](server, settings);
    if (cloud.suspend !== undefined) return cloud.suspend(server, settings);
    throw new CloudFailure('badRequest', 'suspend', `${cloud.name} keeps no memory`);
  }
}

function isReached({ status, ip }: CloudServer, wish: PowerWish | null): boolean {
  if (wish === null) return status === 'running' && ip !== null;
  return status === 'stopped' || (status === 'suspended' && wish === 'suspended');
}

type Change = 'stop' | 'start' | 'suspend';

/** What is done in a status; in the others it is waited for what is under way. */
const CHANGES: Partial<Record<keyof MachinePowerControl, Partial<Record<CloudServer['status'], Change>>>> = {
  stop: { running: 'stop', suspended: 'stop' },
  suspend: { running: 'suspend' },
  start: { stopped: 'start', suspended: 'start' },
  resume: { stopped: 'start', suspended: 'start' },
};

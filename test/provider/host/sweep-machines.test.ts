import { DefaultLogger } from '@temporalio/worker';
import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, it } from 'vitest';
import { createSweepActivities, type LiveVm, type VmLedger } from '../../../activities/machine/sweep/sweep-machines.ts';
import { machineLabels } from '../../../domain/machine/owner.ts';
import type { Machine, MachineProvider } from '../../../domain/machine/provider.ts';
import {
  SWEEP,
  SWEEP_LIMITS,
  longestSweepSeconds,
  type SweepLimits,
  type SweepReport,
} from '../../../domain/machine/sweep.ts';

/** Destroys and looks as usual, a hundred times as fast; the rest has no clock to beat here. */
const FAST: SweepLimits = {
  ...{ listSeconds: 5, lossesSeconds: 2, ownersSeconds: 2 },
  lookSeconds: SWEEP_LIMITS.sweep.lookSeconds / 100,
  destroysSeconds: SWEEP_LIMITS.sweep.destroysSeconds / 100,
  destroySeconds: SWEEP_LIMITS.sweep.destroySeconds / 100,
};
const IDS = (count: number, what: string): string[] =>
  Array.from({ length: count }, (_, index) => `m-${what}-${index}`);
/** An activity whose warnings nobody reads. */
const quiet = (info: ConstructorParameters<typeof MockActivityEnvironment>[0] = {}): MockActivityEnvironment =>
  new MockActivityEnvironment(info, { logger: new DefaultLogger('ERROR') });
const hangs = <Result>(): Promise<Result> => new Promise(() => undefined);

/** Machines in memory whose destroy or description can hang or fail. */
class FakeMachines {
  readonly machines: Map<string, Machine>;
  readonly destroyed: string[] = [];
  /** In the order of their tries. */
  readonly tried: string[] = [];
  readonly stuck = new Set<string>();
  readonly unseen = new Set<string>();

  constructor(machineIds: readonly string[]) {
    this.machines = new Map(machineIds.map((machineId) => [machineId, orphan(machineId)]));
  }

  provider(): MachineProvider {
    const { machines } = this;
    return {
      name: 'local',
      create: () => Promise.reject(new Error('not here')),
      readConsole: () => Promise.resolve(undefined),
      list: () => Promise.resolve([...machines.values()]),
      describe: (machineId) =>
        this.unseen.has(machineId) ? Promise.reject(new Error('EMFILE')) : Promise.resolve(machines.get(machineId)),
      // Those that hang do not even hear that they are to stop.
      destroy: async (machineId) => {
        this.tried.push(machineId);
        if (this.stuck.has(machineId)) return hangs();
        machines.delete(machineId);
        this.destroyed.push(machineId);
      },
    };
  }
}

function orphan(machineId: string): Machine {
  const labels = machineLabels({
    deployment: 'test',
    machineId,
    owner: `vm/default/${machineId.replace('m-', 'vm-')}`,
  });
  const where = { provider: 'local', host: 'here', zone: null, address: null };
  const agent = { kind: 'unix', path: '/nowhere' } as const;
  return { machineId, ...where, labels, agent, status: 'running', createdAt: 0 } as unknown as Machine;
}

interface Scene {
  fleet: FakeMachines;
  live?: LiveVm[];
  ownership?: VmLedger['ownership'];
}

function scene({ fleet, live = [], ownership = () => Promise.resolve('closed') }: Scene) {
  const told: string[] = [];
  const activities = createSweepActivities({
    provider: fleet.provider(),
    links: { close: () => undefined },
    ledger: {
      liveVms: () => Promise.resolve(live),
      ownership,
      current: (workflowId) => Promise.resolve(live.find((vm) => vm.workflowId === workflowId)),
      notifyLost: (workflowId) => {
        told.push(workflowId);
        return Promise.resolve();
      },
    },
    now: Date.now,
    limits: FAST,
  });
  const sweep = (environment = quiet()): Promise<SweepReport> =>
    environment.run(activities.sweepMachines, { dryRun: false });
  return { sweep, told };
}

const lostVm = (name: string): LiveVm => ({
  workflowId: `vm/default/${name}`,
  machineId: `m-${name}`,
  state: 'running',
});
const actionsOf = ({ machines }: SweepReport): Map<string, string> =>
  new Map(machines.map(({ machineId, action }) => [machineId, action]));

describe('300 orphans whose destroy hangs', () => {
  it('keep no lost VM from hearing of its machine, and the sweep ends in time with each of them in its report', async () => {
    const fleet = new FakeMachines(IDS(300, 'stuck'));
    for (const machineId of fleet.machines.keys()) fleet.stuck.add(machineId);
    const { sweep, told } = scene({ fleet, live: [lostVm('gone')] });
    const begunAt = Date.now();
    const report = await sweep();
    expect(Date.now() - begunAt).toBeLessThan(longestSweepSeconds(FAST) * 1000);
    expect(told).toEqual(['vm/default/gone']);
    expect(report.lost).toEqual([{ workflowId: 'vm/default/gone', machineId: 'm-gone', action: 'notified' }]);
    const actions = [...actionsOf(report).values()];
    expect(actions).toHaveLength(300);
    expect(actions.filter((action) => action === 'destroyFailed').length).toBeGreaterThanOrEqual(SWEEP.concurrency);
    expect(new Set(actions)).toEqual(new Set(['destroyFailed', 'deferred']));
  });

  it('each get their try over a few sweeps, and one that comes later is tried by the next', async () => {
    const stuck = IDS(90, 'stuck');
    const fleet = new FakeMachines(stuck);
    for (const machineId of stuck) fleet.stuck.add(machineId);
    const { sweep } = scene({ fleet });
    const atLeastEach = SWEEP.concurrency;
    for (let sweeps = 0; sweeps < Math.ceil(stuck.length / atLeastEach); sweeps += 1) await sweep();
    expect(new Set(fleet.tried)).toEqual(new Set(stuck));
    fleet.machines.set('m-late', orphan('m-late'));
    expect(actionsOf(await sweep()).get('m-late')).toBe('destroyed');
  });
});

describe('a sweep', () => {
  it('goes on with those that it had not tried when its worker died', async () => {
    const fleet = new FakeMachines(IDS(SWEEP.concurrency * 2, 'stuck'));
    const [tried, fresh] = [[...fleet.machines.keys()].slice(0, 25), [...fleet.machines.keys()].slice(25)];
    for (const machineId of fleet.machines.keys()) fleet.stuck.add(machineId);
    const died = quiet({ heartbeatDetails: JSON.stringify(tried), attempt: 2 });
    await scene({ fleet }).sweep(died);
    expect(new Set(fleet.tried.slice(0, fresh.length))).toEqual(new Set(fresh));
  });

  it('says with each heartbeat what it has tried and not finished', async () => {
    const fleet = new FakeMachines(['m-quick', 'm-stuck']);
    fleet.stuck.add('m-stuck');
    const environment = quiet();
    const notes: unknown[] = [];
    environment.on('heartbeat', (details: unknown) => notes.push(details));
    await scene({ fleet }).sweep(environment);
    expect(notes.at(-1)).toBe(JSON.stringify(['m-stuck']));
  });

  it('destroys a hundred orphans while one beside them hangs', async () => {
    const fleet = new FakeMachines(['m-stuck', ...IDS(100, 'quick')]);
    fleet.stuck.add('m-stuck');
    const report = await scene({ fleet }).sweep();
    expect(fleet.destroyed).toHaveLength(100);
    expect(actionsOf(report).get('m-stuck')).toBe('destroyFailed');
  });

  it('leaves alone what it cannot find out about, and goes on', async () => {
    const fleet = new FakeMachines(['m-unknown', 'm-silent', 'm-orphan']);
    fleet.unseen.add('m-unseen');
    const ownership: VmLedger['ownership'] = ({ machineId }) => {
      if (machineId === 'm-unknown') return Promise.reject(new Error('no such column'));
      return machineId === 'm-silent' ? hangs() : Promise.resolve('closed');
    };
    const { sweep, told } = scene({ fleet, live: [lostVm('unseen'), lostVm('gone')], ownership });
    const report = await sweep();
    expect(told).toEqual(['vm/default/gone']);
    expect(fleet.destroyed).toEqual(['m-orphan']);
    const verdicts = new Map(report.machines.map(({ machineId, verdict }) => [machineId, verdict]));
    expect([verdicts.get('m-unknown'), verdicts.get('m-silent')]).toEqual(['unknown', 'unknown']);
  });

  it('spares a machine whose workflow runs again when its turn comes', async () => {
    const fleet = new FakeMachines(['m-reset']);
    let asked = 0;
    const ownership: VmLedger['ownership'] = () => Promise.resolve((asked += 1) === 1 ? 'closed' : 'running');
    const report = await scene({ fleet, ownership }).sweep();
    expect(fleet.tried).toEqual([]);
    expect(report).toMatchObject({ owned: 1, machines: [] });
  });
});

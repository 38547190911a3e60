/** Real local machines of three hosts in this process, behind the real workflows, with the faults that each VM is given. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { createPoolActivities } from '../../activities/control/pool-activities.ts';
import { createMachineActivities } from '../../activities/machine/machine-activities.ts';
import { reconcileMachines } from '../../activities/machine/sweep/sweep-machines.ts';
import { buildVmServer } from '../../commands/start/build-vm-server.ts';
import type { MachineActivities } from '../../domain/machine/activities.ts';
import type { Machine, MachineProvider } from '../../domain/machine/provider.ts';
import { hostMachineTaskQueue, vmWorkflowId } from '../../domain/wire-names.ts';
import { createLocalProvider } from '../../providers/local/local-provider.ts';
import { AgentLinks } from '../../worker/links/agent-links.ts';
import { temporalVmSignals } from '../../worker/links/vm-signals.ts';
import { temporalVmLedger } from '../../worker/temporal/temporal-vm-ledger.ts';
import type { VmInput } from '../../workflows/messages.ts';
import type { runVm } from '../../workflows/vm/vm.ts';
import { processesOf } from '../machines/local-harness.ts';
import { checkedStarts, signedStart } from '../signed-start.ts';
import { startTestServer, type TestServer } from '../temporal-server.ts';
import {
  runHost,
  runWorker,
  testSpec,
  workflowBundle,
  type SpecChanges,
  type VmHandle,
} from '../workflow/vm-harness.ts';
import { FaultPlans, type ActivityName, type Fault, type FaultPlan } from './faulty-activities.ts';

interface Host {
  provider: MachineProvider;
  activities: MachineActivities;
  links: AgentLinks;
  stateDir: string;
  stop: () => Promise<void>;
}

export type StartVm = (changes?: SpecChanges, input?: Partial<VmInput>) => Promise<VmHandle>;

/** An activity, and what goes wrong in its first call. */
export type Cell = readonly [ActivityName, Fault];

const QUEUE = 'chaos';
const { signal } = new AbortController();

export class FaultScene {
  readonly queue = QUEUE;
  readonly plans = new FaultPlans();
  /** Where the answer of a create is lost, another host may take it: it asks for another machine, and the first is an orphan. */
  readonly mayBeLeft = new Set<string>();
  #server: TestServer | undefined;
  #hosts: Host[] = [];
  #stopControl: () => Promise<void> = () => Promise.resolve();

  async start(): Promise<void> {
    this.#server = await startTestServer();
    const vmServerFile = await buildVmServer();
    this.#hosts = await Promise.all(
      ['host-a', 'host-b', 'host-c'].map((hostId) => this.#startHost(hostId, vmServerFile)),
    );
    const activities = createPoolActivities(() => Promise.resolve([]));
    this.#stopControl = await runWorker(this.server, {
      taskQueue: QUEUE,
      workflowBundle: await workflowBundle(),
      activities,
    });
  }

  async stop(): Promise<void> {
    await Promise.all([this.#stopControl(), ...this.#hosts.map(({ stop }) => stop())]);
    for (const { provider } of this.#hosts)
      for (const { machineId } of await provider.list({ signal })) await provider.destroy(machineId, { signal });
    await this.#server?.stop();
    for (const { stateDir } of this.#hosts) await rm(stateDir, { recursive: true, force: true });
  }

  get server(): TestServer {
    if (this.#server === undefined) throw new Error('the scene was not started');
    return this.#server;
  }

  /** What one of the hosts does without a fault. */
  get activities(): MachineActivities {
    return this.#hosts[0]!.activities;
  }

  async #startHost(hostId: string, vmServerFile: string): Promise<Host> {
    const stateDir = await mkdtemp(join(tmpdir(), 'eph-'));
    const options = { stateDir, deployment: 'chaos', hostId, vmServerFile, agentTransport: 'unix' } as const;
    const provider = createLocalProvider(options);
    const signals = temporalVmSignals(this.server.client);
    const links = new AgentLinks({ provider, signals, log: pino({ level: 'silent' }) });
    const activities = createMachineActivities({ provider, links, issueBootstrap: null, ...checkedStarts() });
    const here = { host: hostId, queue: hostMachineTaskQueue('local', hostId, QUEUE) };
    const stop = await runHost(this.server, QUEUE, this.plans.around(activities, here), hostId);
    return {
      ...{ provider, activities, links, stateDir },
      stop: async () => {
        await stop();
        await links.stop(1000);
      },
    };
  }

  /** A VM on one of the hosts, with faults of its own. */
  async withFaults(faults: readonly Cell[], live: (start: StartVm, plan: FaultPlan) => Promise<void>): Promise<void> {
    const name = `vm-${randomUUID().slice(0, 8)}`;
    const plan = this.plans.of(name);
    for (const [activity, fault] of faults) plan.add(activity, fault);
    if (faults.some(([activity, fault]) => activity === 'createMachine' && fault === 'replyLost'))
      this.mayBeLeft.add(name);
    await live((changes, input) => this.startVm(name, QUEUE, changes, input), plan);
  }

  startVm(name: string, taskQueue: string, changes?: SpecChanges, input?: Partial<VmInput>): Promise<VmHandle> {
    return this.server.client.workflow.start<typeof runVm>('vm', {
      workflowId: vmWorkflowId('default', name),
      taskQueue,
      args: [signedStart({ project: 'default', name, spec: testSpec(changes), placement: 'host', ...input })],
    });
  }

  /** What the providers list. */
  async machines(): Promise<Machine[]> {
    return (await Promise.all(this.#hosts.map(({ provider }) => provider.list({ signal })))).flat();
  }

  /** What the providers know and what is left on the disks: nothing, when all went well. */
  async leftovers(): Promise<string[]> {
    const listed = (await this.machines()).map(({ machineId }) => machineId);
    const kept = this.#hosts.map(({ stateDir }) => readdir(join(stateDir, 'machines')).catch(() => []));
    return [...new Set([...listed, ...(await Promise.all(kept)).flat()])];
  }

  /** A file in the data directory of a machine, whichever host has it. */
  async keptFileOf(machineId: string): Promise<string> {
    const dirs = this.#hosts.map(({ stateDir }) => join(stateDir, 'machines', machineId, 'data'));
    const areThere = await Promise.all(dirs.map((dir) => stat(dir).then(Boolean, () => false)));
    return join(dirs.find((_, at) => areThere[at]) ?? '(no host has it)', 'kept');
  }

  /** Processes of a machine, on all hosts together. */
  async processesOf(machineId: string): Promise<number[]> {
    const found = this.#hosts.map(({ stateDir }) => processesOf(join(stateDir, 'machines', machineId)));
    return (await Promise.all(found)).flat();
  }

  /** Whether a host has a link to the agent of the machine. */
  hasLink(machineId: string): boolean {
    return this.#hosts.some(({ links }) => links.send(machineId, { type: 'drain', draining: false }));
  }

  /** What each worker does first when it starts. */
  async reconcile(): Promise<void> {
    const { client } = this.server;
    const about = { provider: 'local', host: null, controlTaskQueue: QUEUE };
    const ledger = temporalVmLedger({ client, signals: temporalVmSignals(client), ...about });
    const warn = (): void => undefined;
    const reconciled = this.#hosts.map(({ provider, links }) =>
      reconcileMachines({ provider, links, ledger, now: Date.now }, { signal, warn }),
    );
    await Promise.all(reconciled);
  }
}

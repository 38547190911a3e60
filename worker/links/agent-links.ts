/**
 * The agent links of one host (docs/architecture.md). Who owns which fact: the agent its count, the provider whether a
 * machine exists, the workflow everything else; a link only carries reports to the workflow and questions to
 * the agent. Nothing is kept on disk: after a restart each machine the provider lists is adopted, and its
 * workflow's memo says what to do with its reports.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { inParallel } from '../../lib/waiting/in-parallel.ts';
import { withLinkedSignal } from '../../lib/waiting/linked-signal.ts';
import { isAlive } from '../../activities/machine/machine-end.ts';
import {
  LinkClosedError,
  type LinkedMachine,
  type MachineLinks,
} from '../../activities/machine/agent/machine-links.ts';
import type { UsageReport } from '../../domain/machine/activities.ts';
import type { AgentCommand } from '../../domain/agent/protocol.ts';
import type { Stream, StreamListener } from '../../domain/agent/streams/mux.ts';
import type { StreamRequest } from '../../domain/agent/streams/requests.ts';
import type { Assignment } from '../../domain/agent/assignment.ts';
import type { Machine, MachineProvider } from '../../domain/machine/provider.ts';
import { TIMEOUTS } from '../../domain/timeouts.ts';
import { SPEC_DEFAULTS } from '../../domain/vm/spec.ts';
import { retryForever } from '../../lib/waiting/backoff.ts';
import { MachineLink, type LinkHost } from './machine-link.ts';
import type { LinkedVm } from '../temporal/published-vm.ts';
import type { VmSignals } from './vm-signals.ts';
import { Waiters } from './waiters.ts';

/** A restart beside a thousand machines must not ask Temporal a thousand things at once. */
const ADOPTIONS_AT_ONCE = 20;
/** A workflow that says nothing of its machine yet is asked again, less and less often. */
const ASK_AGAIN_MS = { first: 1000, most: 10_000 } as const;

export interface AgentLinksOptions {
  provider: MachineProvider;
  signals: VmSignals;
  log: Logger;
}

/** Plain numbers since the start of this process. */
export interface AgentLinkCounters {
  links: number;
  reportsReceived: number;
  signalsSent: number;
  /** Reports that needed no signal of their own. */
  signalsSaved: number;
}

export class AgentLinks implements MachineLinks {
  private readonly options: AgentLinksOptions;
  private readonly links = new Map<string, MachineLink>();
  /** Those who wait for the link of a machine that is still to be adopted. */
  private readonly opened = new Waiters<MachineLink>();
  private readonly host: LinkHost;
  /** Found at the start and not linked yet. */
  private readonly toAdopt = new Map<string, Machine>();
  private readonly stopped = new AbortController();
  private reportsReceived = 0;
  private signalsSent = 0;

  constructor(options: AgentLinksOptions) {
    this.options = options;
    this.host = this.linkHost();
  }

  get counters(): AgentLinkCounters {
    const { reportsReceived, signalsSent } = this;
    const signalsSaved = Math.max(0, reportsReceived - signalsSent);
    return { links: this.links.size, reportsReceived, signalsSent, signalsSaved };
  }

  /** How long ago each agent was last heard, in seconds and ascending; those never heard are not among them. */
  reportAgesSeconds(): number[] {
    const now = Date.now();
    const heardAt = [...this.links.values()].flatMap(({ lastReportAt }) => (lastReportAt === null ? [] : lastReportAt));
    return heardAt.map((at) => Math.max(0, now - at) / 1000).sort((a, b) => a - b);
  }

  /** Links every machine that the provider lists. Resolves when each workflow was asked; retries until it can. */
  async adoptAll(): Promise<void> {
    const { provider, log } = this.options;
    const { signal } = this.stopped;
    try {
      const onFailure = (error: unknown): void => log.warn({ err: error }, 'machines could not be listed yet');
      const machines = await retryForever(() => provider.list({ signal }), signal, onFailure);
      for (const machine of machines) this.toAdopt.set(machine.machineId, machine);
      await inParallel(machines, ADOPTIONS_AT_ONCE, ({ machineId }) => this.adoptOnce(machineId));
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  open({ machineId, workflowId, agent, silenceTimeoutSeconds }: LinkedMachine): void {
    if (agent.kind !== 'unix' || this.stopped.signal.aborted) return;
    const known = this.links.get(machineId);
    if (known) {
      known.silenceTimeoutSeconds = silenceTimeoutSeconds;
      return;
    }
    const log = this.options.log.child({ machineId, workflowId });
    const { host } = this;
    const link = new MachineLink({ machineId, workflowId, socketPath: agent.path, silenceTimeoutSeconds, log, host });
    this.links.set(machineId, link);
    this.opened.hear(link);
  }

  reopen(machine: LinkedMachine): void {
    if (this.links.get(machine.machineId)?.workflowId !== machine.workflowId) this.close(machine.machineId);
    this.open(machine);
  }

  ensure(machine: Machine): void {
    if (this.stopped.signal.aborted || this.links.has(machine.machineId)) return;
    this.toAdopt.delete(machine.machineId);
    void this.adopt(machine).catch(() => undefined);
  }

  async assign(machineId: string, assignment: Assignment, signal: AbortSignal): Promise<void> {
    return (await this.linkOf(machineId, signal)).assign(assignment, signal);
  }

  async awaitAgent(machineId: string, signal: AbortSignal): Promise<void> {
    await (await this.linkOf(machineId, signal)).awaitAgent(signal);
  }

  async awaitReady(machineId: string, signal: AbortSignal): Promise<UsageReport> {
    return (await this.linkOf(machineId, signal)).awaitReady(signal);
  }

  takeLatest(machineId: string): UsageReport | null {
    return this.links.get(machineId)?.takeLatest() ?? null;
  }

  /** Waits for a link that is still to be adopted or to reconnect, all within `TIMEOUTS.confirmLinkSeconds`. */
  async confirm(machineId: string, cancelled: AbortSignal): Promise<UsageReport | undefined> {
    // A VM that may end now does not wait behind those that only go on.
    void this.adoptOnce(machineId).catch(() => undefined);
    return withLinkedSignal(cancelled, TIMEOUTS.confirmLinkSeconds * 1000, async (signal) => {
      try {
        return await (await this.linkOf(machineId, signal)).confirm(signal);
      } catch (error) {
        if (signal.aborted || error instanceof LinkClosedError) return undefined;
        throw error;
      }
    });
  }

  send(machineId: string, command: AgentCommand): boolean {
    void this.adoptOnce(machineId).catch(() => undefined);
    return this.links.get(machineId)?.send(command) ?? false;
  }

  /**
   * Opens a stream to a machine of this owner; undefined when this process has no link to one.
   * @throws StreamRefused.
   */
  openStream(
    { machineId, owner }: { machineId: string; owner: string },
    request: StreamRequest,
    listener: StreamListener,
  ): Stream | undefined {
    const link = this.links.get(machineId);
    return link?.workflowId === owner ? link.openStream(request, listener) : undefined;
  }

  close(machineId: string): void {
    this.toAdopt.delete(machineId);
    this.links.get(machineId)?.close();
    this.links.delete(machineId);
  }

  /** Delivers what is decided, within `timeoutMs`, and closes every link. The machines live on. */
  async stop(timeoutMs: number): Promise<void> {
    const settled = Promise.all([...this.links.values()].map((link) => link.settled()));
    await Promise.race([settled, sleep(timeoutMs, undefined, { ref: false })]);
    this.stopped.abort();
    for (const machineId of [...this.links.keys()]) this.close(machineId);
    this.opened.close(new LinkClosedError('this host stops'));
  }

  /** The link of a machine, which may still be about to be adopted. */
  private async linkOf(machineId: string, signal: AbortSignal): Promise<MachineLink> {
    const isWanted = (link: MachineLink): MachineLink | undefined => (link.machineId === machineId ? link : undefined);
    return this.links.get(machineId) ?? this.opened.wait(isWanted, signal);
  }

  private linkHost(): LinkHost {
    const { signals } = this.options;
    return {
      reported: () => {
        this.reportsReceived += 1;
      },
      deliver: async ({ machineId, workflowId }, { sequence, connections, receivedAt }) => {
        const outcome = await signals.report(workflowId, { machineId, sequence, connections, sentAt: receivedAt });
        if (outcome === 'delivered') this.signalsSent += 1;
        return outcome;
      },
      isMachineAlive: (machineId) => this.isAlive(machineId),
      ended: (link, why) => {
        const { isWatched, machineId, log } = link;
        this.close(machineId);
        if (why === 'workflowClosed') log.info('the workflow is closed: nothing of this machine is forwarded any more');
        else if (isWatched) void this.notifyLost(link);
      },
    };
  }

  private async isAlive(machineId: string): Promise<boolean> {
    const machine = await this.options.provider.describe(machineId, { signal: this.stopped.signal });
    return isAlive(machine);
  }

  /** The machine ended by itself while it served: its workflow need not wait for the silence to be noticed. */
  private async notifyLost({ machineId, workflowId, log }: MachineLink): Promise<void> {
    const { signal } = this.stopped;
    const machine = await this.options.provider.describe(machineId, { signal }).catch(() => undefined);
    if (machine?.status === 'stopped' || machine?.status === 'suspended') return;
    log.warn('the machine ended by itself');
    const onFailure = (error: unknown): void => log.warn({ err: error }, 'the loss could not be signalled yet');
    const signalLoss = (): Promise<unknown> => this.options.signals.machineLost(workflowId, { machineId });
    await retryForever(signalLoss, signal, onFailure).catch(() => undefined);
  }

  private async adoptOnce(machineId: string): Promise<void> {
    const machine = this.toAdopt.get(machineId);
    this.toAdopt.delete(machineId);
    if (machine !== undefined) await this.adopt(machine);
  }

  private async adopt(machine: Machine): Promise<void> {
    const { machineId, labels, agent } = machine;
    if (agent.kind !== 'unix' || !isAlive(machine) || this.links.has(machineId)) return;
    const workflowId = labels.owner;
    this.open({ machineId, workflowId, agent, silenceTimeoutSeconds: SPEC_DEFAULTS.idle.silenceTimeoutSeconds });
    const plan = await this.follow(machineId, workflowId);
    if (plan.action === 'retryAfter') void this.retryAfter(machineId, workflowId).catch(() => undefined);
  }

  /** Until the workflow says what becomes of the machine. Its activities may say so first, which does no harm. */
  private async retryAfter(machineId: string, workflowId: string): Promise<void> {
    let pauseMs: number = ASK_AGAIN_MS.first;
    for (;;) {
      await sleep(pauseMs, undefined, { signal: this.stopped.signal, ref: false });
      if (!this.links.has(machineId)) return;
      if ((await this.follow(machineId, workflowId)).action !== 'retryAfter') return;
      pauseMs = Math.min(ASK_AGAIN_MS.most, pauseMs * 2);
    }
  }

  /** Asks the workflow what to do with the link of a machine that was found, and does it. */
  private async follow(machineId: string, workflowId: string): Promise<AdoptionPlan> {
    const log = this.options.log.child({ machineId, workflowId });
    const onFailure = (error: unknown): void => log.warn({ err: error }, 'the workflow could not be asked yet');
    const read = (): ReturnType<VmSignals['readMemo']> => this.options.signals.readMemo(workflowId);
    const plan = adoptionPlan(await retryForever(read, this.stopped.signal, onFailure), machineId);
    const link = this.links.get(machineId);
    if (plan.action === 'close') {
      log.info({ why: plan.why }, 'the machine is not linked');
      this.close(machineId);
    } else if (plan.action !== 'retryAfter' && link) {
      link.silenceTimeoutSeconds = plan.silenceTimeoutSeconds;
      if (plan.action === 'forward') link.begin(plan.onlyReady);
    }
    return plan;
  }
}

type AdoptionPlan =
  | { action: 'close'; why: string }
  /** Nothing says yet whose the machine is: the link stays, and forwards nothing. */
  | { action: 'retryAfter' }
  /** `hold`: the activities of the VM's first phases will say when to begin. */
  | { action: 'hold'; silenceTimeoutSeconds: number }
  | { action: 'forward'; silenceTimeoutSeconds: number; onlyReady: boolean };

/** What to do with a machine that was found, by what its workflow last published. */
export function adoptionPlan(vm: LinkedVm | null | 'notFound', machineId: string): AdoptionPlan {
  if (vm === 'notFound') return { action: 'close', why: 'its workflow does not run' };
  // Before its first task a workflow says nothing of a machine, and code of before forgot what it had said.
  if (vm === null || vm.machineId === '') return { action: 'retryAfter' };
  if (vm.machineId !== machineId) return { action: 'close', why: 'its workflow has another machine' };
  const { silenceTimeoutSeconds } = vm;
  switch (vm.state) {
    case 'creating':
    case 'starting':
    case 'resuming':
      return { action: 'hold', silenceTimeoutSeconds };
    case 'booting':
      // What its agent says counts only once the activity has seen that it has its sealed input.
      if (vm.isSealed) return { action: 'hold', silenceTimeoutSeconds };
      return { action: 'forward', silenceTimeoutSeconds, onlyReady: vm.readyByAgent };
    case 'running':
    case 'draining':
      return { action: 'forward', silenceTimeoutSeconds, onlyReady: false };
    case 'stopping':
    case 'stopped':
    case 'imaging':
    case 'suspending':
    case 'suspended':
      return { action: 'close', why: 'its machine does not run' };
    case 'destroying':
    case 'destroyed':
    case 'failed':
      return { action: 'close', why: 'its VM ends' };
  }
}

/**
 * The agent links of one host (design §5). Who owns which fact: the agent its count, the provider whether a
 * machine exists, the workflow everything else; a link only carries reports to the workflow and questions to
 * the agent. Nothing is kept on disk: after a restart each machine the provider lists is adopted, and its
 * workflow's memo says what to do with its reports.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { inParallel } from '../activities/in-parallel.ts';
import { withLinkedSignal } from '../activities/linked-signal.ts';
import type { LinkedMachine, MachineLinks } from '../activities/machine-links.ts';
import type { UsageReport } from '../domain/activities.ts';
import type { AgentCommand } from '../domain/agent-protocol.ts';
import type { Assignment } from '../domain/assignment.ts';
import type { Machine, MachineProvider } from '../domain/machine-provider.ts';
import { TIMEOUTS } from '../domain/timeouts.ts';
import { SPEC_DEFAULTS } from '../domain/vm-spec.ts';
import { vmWorkflowId } from '../domain/wire-names.ts';
import { retryForever } from './back-off.ts';
import { MachineLink } from './machine-link.ts';
import type { LinkedVm } from './published-vm.ts';
import type { VmSignals } from './vm-signals.ts';

const LINK_POLL_MS = 50;
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
  /** Found at the start and not linked yet. */
  private readonly toAdopt = new Map<string, Machine>();
  private readonly stopped = new AbortController();
  private reportsReceived = 0;
  private signalsSent = 0;

  constructor(options: AgentLinksOptions) {
    this.options = options;
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
      const machines = await retryForever(() => provider.list(signal), signal, onFailure);
      for (const machine of machines) this.toAdopt.set(machine.machineId, machine);
      await inParallel(machines, ADOPTIONS_AT_ONCE, ({ machineId }) => this.adoptOnce(machineId));
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  open({ machineId, workflowId, agent, silenceTimeoutSeconds }: LinkedMachine): void {
    if (agent.kind !== 'unix' || this.stopped.signal.aborted) return;
    const known = this.links.get(machineId);
    if (known) known.silenceTimeoutSeconds = silenceTimeoutSeconds;
    else this.links.set(machineId, this.link(machineId, workflowId, agent.path, silenceTimeoutSeconds));
  }

  ensure(machine: Machine): void {
    if (this.stopped.signal.aborted || this.links.has(machine.machineId)) return;
    this.toAdopt.delete(machine.machineId);
    void this.adopt(machine).catch(() => undefined);
  }

  async assign(machineId: string, assignment: Assignment, signal: AbortSignal): Promise<void> {
    return (await this.linkOf(machineId, signal)).assign(assignment, signal);
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
      while (!signal.aborted) {
        const link = this.links.get(machineId);
        if (link) return link.confirm(signal);
        await sleep(LINK_POLL_MS, undefined, { signal }).catch(() => undefined);
      }
      return undefined;
    });
  }

  send(machineId: string, command: AgentCommand): boolean {
    void this.adoptOnce(machineId).catch(() => undefined);
    return this.links.get(machineId)?.send(command) ?? false;
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
  }

  /** The link of a machine, which may still be about to be adopted. */
  private async linkOf(machineId: string, signal: AbortSignal): Promise<MachineLink> {
    for (;;) {
      signal.throwIfAborted();
      const link = this.links.get(machineId);
      if (link) return link;
      await sleep(LINK_POLL_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  private link(machineId: string, workflowId: string, socketPath: string, silenceTimeoutSeconds: number): MachineLink {
    const log = this.options.log.child({ machineId, workflowId });
    return new MachineLink({
      machineId,
      socketPath,
      silenceTimeoutSeconds,
      log,
      send: async ({ sequence, connections, receivedAt }) => {
        const report = { machineId, sequence, connections, sentAt: receivedAt };
        const outcome = await this.options.signals.report(workflowId, report);
        if (outcome === 'delivered') this.signalsSent += 1;
        return outcome;
      },
      onReport: () => {
        this.reportsReceived += 1;
      },
      onNotFound: () => {
        log.info('the workflow is closed: nothing of this machine is forwarded any more');
        this.close(machineId);
      },
      isMachineAlive: () => this.isAlive(machineId),
      onMachineEnded: (wasForwarding) => {
        this.close(machineId);
        if (wasForwarding) void this.tellLost(machineId, workflowId, log);
      },
    });
  }

  private async isAlive(machineId: string): Promise<boolean> {
    const machine = await this.options.provider.describe(machineId, this.stopped.signal);
    return machine !== undefined && machine.status !== 'ended';
  }

  /** The machine ended by itself while it served: its workflow need not wait for the silence to be noticed. */
  private async tellLost(machineId: string, workflowId: string, log: Logger): Promise<void> {
    log.warn('the machine ended by itself');
    const onFailure = (error: unknown): void => log.warn({ err: error }, 'the loss could not be told yet');
    const tell = (): Promise<unknown> => this.options.signals.machineLost(workflowId, { machineId });
    await retryForever(tell, this.stopped.signal, onFailure).catch(() => undefined);
  }

  private async adoptOnce(machineId: string): Promise<void> {
    const machine = this.toAdopt.get(machineId);
    this.toAdopt.delete(machineId);
    if (machine !== undefined) await this.adopt(machine);
  }

  private async adopt({ machineId, labels, agent, status }: Machine): Promise<void> {
    if (agent.kind !== 'unix' || status === 'ended' || this.links.has(machineId)) return;
    const workflowId = vmWorkflowId(labels.project, labels.vm);
    this.open({ machineId, workflowId, agent, silenceTimeoutSeconds: SPEC_DEFAULTS.idle.silenceTimeoutSeconds });
    const plan = await this.follow(machineId, workflowId);
    if (plan.action === 'askAgain') void this.askAgain(machineId, workflowId).catch(() => undefined);
  }

  /** Until the workflow says what becomes of the machine. Its activities may say so first, which does no harm. */
  private async askAgain(machineId: string, workflowId: string): Promise<void> {
    let pauseMs: number = ASK_AGAIN_MS.first;
    for (;;) {
      await sleep(pauseMs, undefined, { signal: this.stopped.signal, ref: false });
      if (!this.links.has(machineId)) return;
      if ((await this.follow(machineId, workflowId)).action !== 'askAgain') return;
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
    } else if (plan.action !== 'askAgain' && link) {
      link.silenceTimeoutSeconds = plan.silenceTimeoutSeconds;
      if (plan.action === 'forward') link.begin(plan.onlyReady);
    }
    return plan;
  }
}

type AdoptionPlan =
  | { action: 'close'; why: string }
  /** Nothing says yet whose the machine is: the link stays, and forwards nothing. */
  | { action: 'askAgain' }
  /** `hold`: the activities of the VM's first phases will say when to begin. */
  | { action: 'hold'; silenceTimeoutSeconds: number }
  | { action: 'forward'; silenceTimeoutSeconds: number; onlyReady: boolean };

/** What to do with a machine that was found, by what its workflow last published. */
export function adoptionPlan(vm: LinkedVm | null | 'notFound', machineId: string): AdoptionPlan {
  if (vm === 'notFound') return { action: 'close', why: 'its workflow does not run' };
  // Before its first task a workflow says nothing of a machine, and code of before forgot what it had said.
  if (vm === null || vm.machineId === '') return { action: 'askAgain' };
  if (vm.machineId !== machineId) return { action: 'close', why: 'its workflow has another machine' };
  const { silenceTimeoutSeconds } = vm;
  switch (vm.state) {
    case 'creating':
      return { action: 'hold', silenceTimeoutSeconds };
    case 'booting':
      // What its agent says counts only once the activity has seen that it has its sealed input.
      if (vm.isSealed) return { action: 'hold', silenceTimeoutSeconds };
      return { action: 'forward', silenceTimeoutSeconds, onlyReady: vm.readyByAgent };
    case 'running':
    case 'draining':
      return { action: 'forward', silenceTimeoutSeconds, onlyReady: false };
    case 'destroying':
    case 'destroyed':
    case 'failed':
      return { action: 'close', why: 'its VM ends' };
  }
}

import { randomUUID } from 'node:crypto';
import type { UsageReport } from '../domain/activities.ts';
import type { AgentCommand, AgentReport } from '../domain/agent-protocol.ts';
import { scriptEndText, type Assignment } from '../domain/assignment.ts';
import { ProviderError } from '../domain/provider-error.ts';
import type { Logger } from 'pino';
import { AgentConnection } from './agent-connection.ts';
import { ReportForwarder } from './report-forwarder.ts';
import { ReportIntake } from './report-intake.ts';
import type { QueuedState } from './signal-queue.ts';
import type { SignalOutcome } from './vm-signals.ts';

const ASSIGN_AGAIN_MS = 2000;

export interface MachineLinkOptions {
  machineId: string;
  socketPath: string;
  silenceTimeoutSeconds: number;
  log: Logger;
  send: (state: QueuedState) => Promise<SignalOutcome>;
  onReport: () => void;
  /** The workflow is closed; the link is of no use. */
  onNotFound: () => void;
  /** False when the provider says that the machine ended. */
  isMachineAlive: () => Promise<boolean>;
  /** The connection was lost and the machine has ended. */
  onMachineEnded: (wasForwarding: boolean) => void;
}

interface Question {
  answered: (report: UsageReport) => void;
}

/** The link to one machine's agent: its connection, its reports, its questions. */
export class MachineLink {
  silenceTimeoutSeconds: number;
  private readonly options: MachineLinkOptions;
  private readonly connection: AgentConnection;
  private readonly intake: ReportIntake;
  private readonly forwarder: ReportForwarder;
  private readonly questions = new Map<string, Question>();
  private readonly readyWaiters = new Set<() => void>();
  /** Set when reports may only be forwarded once the app is ready: a report tells the workflow just that. */
  private beginWhenReady = false;
  /** What the agent is to be told; null when it knows, or needs nothing. */
  private assignment: Assignment | null = null;

  constructor(options: MachineLinkOptions) {
    this.options = options;
    this.silenceTimeoutSeconds = options.silenceTimeoutSeconds;
    this.forwarder = new ReportForwarder({
      send: options.send,
      askAgent: () => this.connection.send({ type: 'confirm', id: randomUUID() }),
      onNotFound: options.onNotFound,
      onFailure: (error) => options.log.warn({ err: error }, 'a report could not be forwarded yet'),
    });
    this.intake = new ReportIntake({
      onReport: (report) => this.take(report),
      awaitedIds: () => this.questions.keys(),
    });
    this.connection = new AgentConnection({
      socketPath: options.socketPath,
      onLine: (line) => this.intake.take(line),
      onConnected: () => this.askAgain(),
      onTrouble: (why) => options.log.warn({ why }, 'the agent link was closed'),
      shouldReconnect: () => this.shouldReconnect(),
    });
  }

  /** When the agent was last heard, epoch ms; null before its first report. */
  get lastReportAt(): number | null {
    return this.forwarder.latestReport === null ? null : this.forwarder.latestReceivedAt;
  }

  /** Begins forwarding; with `onlyReady` not before the agent said that its app is ready. */
  begin(onlyReady: boolean): void {
    this.beginWhenReady = onlyReady && this.forwarder.latestReport?.ready !== true;
    if (!this.beginWhenReady) this.forwarder.begin(this.silenceTimeoutSeconds, null, Date.now());
  }

  /** Tells the assignment until a report says that the agent has it; resolves when it is done with it. */
  async assign(assignment: Assignment, signal: AbortSignal): Promise<void> {
    this.assignment = assignment;
    this.offerAssignment();
    const again = setInterval(() => this.offerAssignment(), ASSIGN_AGAIN_MS);
    try {
      for (;;) {
        const assigned = this.forwarder.latestReport?.assigned;
        if (assigned?.state === 'done') return;
        if (assigned?.state === 'failed') throw new ProviderError('startupScriptFailed', scriptEndText(assigned.end));
        await this.nextReport(signal);
      }
    } finally {
      clearInterval(again);
      this.assignment = null;
    }
  }

  /** Resolves with the first ready report, which then counts as forwarded. */
  async awaitReady(signal: AbortSignal): Promise<UsageReport> {
    while (this.forwarder.latestReport?.ready !== true) await this.nextReport(signal);
    return this.handOver(this.forwarder.latestReport);
  }

  /** Begins forwarding; the latest report counts as forwarded. */
  takeLatest(): UsageReport | null {
    const latest = this.forwarder.latestReport;
    if (latest !== null) return this.handOver(latest);
    this.forwarder.begin(this.silenceTimeoutSeconds, null, Date.now());
    return null;
  }

  /** The agent's answer, or undefined when the signal aborts first. Asked again after a reconnect. */
  async confirm(signal: AbortSignal): Promise<UsageReport | undefined> {
    const id = randomUUID();
    try {
      return await new Promise<UsageReport | undefined>((resolve) => {
        signal.addEventListener('abort', () => resolve(undefined), { once: true });
        this.questions.set(id, { answered: resolve });
        this.connection.send({ type: 'confirm', id });
      });
    } finally {
      this.questions.delete(id);
    }
  }

  send(command: AgentCommand): boolean {
    return this.connection.send(command);
  }

  async settled(): Promise<void> {
    await this.forwarder.settled();
  }

  close(): void {
    this.connection.close();
    this.intake.stop();
    this.forwarder.stop();
  }

  private handOver(report: AgentReport): UsageReport {
    const { sequence, connections } = report;
    this.beginWhenReady = false;
    this.forwarder.begin(this.silenceTimeoutSeconds, { sequence, connections }, Date.now());
    return { sequence, connections };
  }

  private take(report: AgentReport): void {
    this.options.onReport();
    this.forwarder.take(report, Date.now());
    if (this.beginWhenReady && report.ready) this.begin(false);
    if (report.answers !== undefined) {
      const { sequence, connections } = report;
      this.questions.get(report.answers)?.answered({ sequence, connections });
    }
    for (const wake of this.readyWaiters) wake();
  }

  private async nextReport(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    let wake: () => void = () => undefined;
    try {
      await new Promise<void>((resolve) => {
        wake = resolve;
        this.readyWaiters.add(wake);
        signal.addEventListener('abort', wake, { once: true });
      });
    } finally {
      this.readyWaiters.delete(wake);
      signal.removeEventListener('abort', wake);
    }
    signal.throwIfAborted();
  }

  /** The agent takes the first only, so once more does no harm. */
  private offerAssignment(): void {
    const { assignment } = this;
    if (assignment === null || this.forwarder.latestReport?.assigned !== undefined) return;
    this.connection.send({ type: 'assign', assignment });
  }

  private askAgain(): void {
    this.offerAssignment();
    for (const id of this.questions.keys()) this.connection.send({ type: 'confirm', id });
  }

  private async shouldReconnect(): Promise<boolean> {
    if (await this.options.isMachineAlive()) return true;
    this.options.onMachineEnded(this.forwarder.isForwarding);
    return false;
  }
}

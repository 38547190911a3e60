import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { LinkClosedError } from '../../activities/machine/agent/machine-links.ts';
import type { UsageReport } from '../../domain/machine/activities.ts';
import type { AgentCommand, AgentReport } from '../../domain/agent/protocol.ts';
import { scriptEndText, type Assignment } from '../../domain/agent/assignment.ts';
import type { Stream, StreamListener } from '../../domain/agent/streams/mux.ts';
import type { StreamRequest } from '../../domain/agent/streams/requests.ts';
import { ProviderError } from '../../domain/machine/provider-error.ts';
import { AgentConnection } from './agent-connection.ts';
import { ReportForwarder } from './report-forwarder.ts';
import { ReportIntake } from './report-intake.ts';
import type { QueuedState } from './signal-queue.ts';
import { MachineStreams } from '../../streams/machine-streams.ts';
import type { SignalOutcome } from './vm-signals.ts';
import { Waiters } from './waiters.ts';

const ASSIGN_AGAIN_MS = 2000;

/** What a link needs of the host that keeps it. */
export interface LinkHost {
  /** A report came, whatever becomes of it. */
  reported(): void;
  deliver(link: MachineLink, state: QueuedState): Promise<SignalOutcome>;
  /** False when the provider says that the machine ended. */
  isMachineAlive(machineId: string): Promise<boolean>;
  /** The link is of no use any more: its workflow is closed, or its connection was lost and the machine has ended. */
  ended(link: MachineLink, why: 'workflowClosed' | 'machineEnded'): void;
}

export interface MachineLinkOptions {
  machineId: string;
  workflowId: string;
  socketPath: string;
  silenceTimeoutSeconds: number;
  log: Logger;
  host: LinkHost;
}

/** The link to one machine's agent: its connection, its reports, and those who wait for them. */
export class MachineLink {
  readonly machineId: string;
  readonly workflowId: string;
  readonly log: Logger;
  silenceTimeoutSeconds: number;
  private readonly host: LinkHost;
  private readonly connection: AgentConnection;
  private readonly intake: ReportIntake;
  private readonly forwarder: ReportForwarder;
  private readonly reports = new Waiters<AgentReport>();
  private readonly machineStreams: MachineStreams;
  /** Ids of questions that the agent has not answered yet. */
  private readonly questions = new Set<string>();
  /** Set when reports may only be forwarded once the app is ready: a report tells the workflow just that. */
  private beginWhenReady = false;
  /** What the agent is to be told; null when it knows, or needs nothing. */
  private assignment: Assignment | null = null;
  /** The machine waits for a VM: its workflow wants no report. */
  private isKept = false;

  constructor({ machineId, workflowId, socketPath, silenceTimeoutSeconds, log, host }: MachineLinkOptions) {
    this.machineId = machineId;
    this.workflowId = workflowId;
    this.silenceTimeoutSeconds = silenceTimeoutSeconds;
    this.log = log;
    this.host = host;
    this.forwarder = new ReportForwarder({
      send: (state) => host.deliver(this, state),
      askAgent: () => this.connection.send({ type: 'confirm', id: randomUUID() }),
      onNotFound: () => host.ended(this, 'workflowClosed'),
      onFailure: (error) => log.warn({ err: error }, 'a report could not be forwarded yet'),
    });
    this.intake = new ReportIntake({
      onReport: (report) => this.take(report),
      awaitedIds: () => this.questions,
    });
    this.connection = new AgentConnection({
      socketPath,
      log,
      events: {
        line: (line) => {
          const expected = this.machineStreams.take(line);
          if (expected !== null) return expected;
          this.intake.take(line);
          return 0;
        },
        connected: () => this.sendAgain(),
        drained: () => this.machineStreams.pump(),
        lost: () => {
          this.machineStreams.lost();
          return this.shouldReconnect();
        },
      },
    });
    this.machineStreams = new MachineStreams(this.connection);
  }

  /** When the agent was last heard, epoch ms; null before its first report. */
  get lastReportAt(): number | null {
    return this.forwarder.latestReport === null ? null : this.forwarder.latestReceivedAt;
  }

  /** Whether its workflow counts on the machine, and is to hear that it ended. */
  get isWatched(): boolean {
    return this.forwarder.isForwarding || this.isKept;
  }

  /** How many wait for a report. */
  get waiting(): number {
    return this.reports.size;
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
      await this.latestThat(({ assigned }) => {
        if (assigned?.state === 'failed') throw new ProviderError('startupScriptFailed', scriptEndText(assigned.end));
        return assigned?.state === 'done';
      }, signal);
    } finally {
      clearInterval(again);
      this.assignment = null;
    }
  }

  /** Resolves with the first report. */
  async awaitAgent(signal: AbortSignal): Promise<void> {
    await this.latestThat(() => true, signal);
    this.isKept = true;
  }

  /** Resolves with the first ready report, which then counts as forwarded. */
  async awaitReady(signal: AbortSignal): Promise<UsageReport> {
    return this.handOver(await this.latestThat(({ ready }) => ready, signal));
  }

  /** Begins forwarding; the latest report counts as forwarded. */
  takeLatest(): UsageReport | null {
    const latest = this.forwarder.latestReport;
    if (latest !== null) return this.handOver(latest);
    this.forwarder.begin(this.silenceTimeoutSeconds, null, Date.now());
    return null;
  }

  /** The agent's answer; rejects with the reason of an aborted signal. Asked again after a reconnect. */
  async confirm(signal: AbortSignal): Promise<UsageReport> {
    const id = randomUUID();
    this.questions.add(id);
    try {
      const answer = this.reports.wait((report) => (report.answers === id ? usageOf(report) : undefined), signal);
      this.connection.send({ type: 'confirm', id });
      return await answer;
    } finally {
      this.questions.delete(id);
    }
  }

  /** @throws StreamRefused. */
  openStream(request: StreamRequest, listener: StreamListener): Stream {
    return this.machineStreams.open(request, listener, this.forwarder.latestReport);
  }

  send(command: AgentCommand): boolean {
    return this.connection.send(command);
  }

  async settled(): Promise<void> {
    await this.forwarder.settled();
  }

  /** Those who wait are rejected with {@link LinkClosedError}. */
  close(): void {
    this.machineStreams.lost();
    this.connection.close();
    this.intake.stop();
    this.forwarder.stop();
    this.reports.close(new LinkClosedError(`the link to ${this.machineId} was closed`));
  }

  private handOver(report: AgentReport): UsageReport {
    const usage = usageOf(report);
    this.beginWhenReady = false;
    this.forwarder.begin(this.silenceTimeoutSeconds, usage, Date.now());
    return usage;
  }

  private take(report: AgentReport): void {
    this.host.reported();
    this.forwarder.take(report, Date.now());
    if (this.beginWhenReady && report.ready) this.begin(false);
    this.reports.hear(report);
  }

  /** The latest report as soon as it is such a one: now, or when the next comes. */
  private async latestThat(isSuch: (report: AgentReport) => boolean, signal: AbortSignal): Promise<AgentReport> {
    const look = (): AgentReport | undefined => {
      const latest = this.forwarder.latestReport;
      return latest !== null && isSuch(latest) ? latest : undefined;
    };
    return look() ?? this.reports.wait(look, signal);
  }

  /** The agent takes the first only, so once more does no harm. */
  private offerAssignment(): void {
    const { assignment } = this;
    if (assignment === null || this.forwarder.latestReport?.assigned !== undefined) return;
    this.connection.send({ type: 'assign', assignment });
  }

  /** What the agent may not have got over the connection before. */
  private sendAgain(): void {
    this.offerAssignment();
    for (const id of this.questions) this.connection.send({ type: 'confirm', id });
  }

  private async shouldReconnect(): Promise<boolean> {
    if (await this.host.isMachineAlive(this.machineId)) return true;
    this.host.ended(this, 'machineEnded');
    return false;
  }
}

function usageOf({ sequence, connections }: AgentReport): UsageReport {
  return { sequence, connections };
}

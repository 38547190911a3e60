import type { AgentReport } from '../../domain/agent/protocol.ts';
import type { UsageReport } from '../../domain/machine/activities.ts';
import { decideForward, firstMemory, type ForwardMemory } from '../../domain/agent/report-forwarding.ts';
import { SignalQueue, type QueuedState } from './signal-queue.ts';
import type { SignalOutcome } from './vm-signals.ts';

const SHORTEST_RECHECK_MS = 500;

export interface ReportForwarderOptions {
  send: (state: QueuedState) => Promise<SignalOutcome>;
  /** The sign of life is due and the agent has not reported: ask it. */
  askAgent: () => void;
  onNotFound: () => void;
  onFailure: (error: unknown) => void;
}

/**
 * Decides which reports of one machine become signals. It first holds them back; from `begin` on, the rule of
 * the domain decides over the latest report, and what it lets through is delivered however long that takes.
 */
export class ReportForwarder {
  private readonly options: ReportForwarderOptions;
  private readonly queue: SignalQueue;
  private latest: AgentReport | null = null;
  private receivedAt = 0;
  private changedAt = 0;
  private memory: ForwardMemory | null = null;
  private silenceTimeoutSeconds = 0;
  private state: 'held' | 'forwarding' | 'stopped' = 'held';
  private timer: NodeJS.Timeout | undefined;

  constructor(options: ReportForwarderOptions) {
    this.options = options;
    this.queue = new SignalQueue(options);
  }

  get isForwarding(): boolean {
    return this.state === 'forwarding';
  }

  /** The latest report, whether or not it was forwarded. */
  get latestReport(): AgentReport | null {
    return this.latest;
  }

  /** When that came, epoch ms. */
  get latestReceivedAt(): number {
    return this.receivedAt;
  }

  take(report: AgentReport, now: number): void {
    if (this.latest !== null && report.sequence <= this.latest.sequence) return;
    if (this.latest?.connections !== report.connections) this.changedAt = now;
    this.latest = report;
    this.receivedAt = now;
    this.decide(now);
  }

  /** From now on reports become signals. `known` is the report that the workflow gets in another way. */
  begin(silenceTimeoutSeconds: number, known: UsageReport | null, now: number): void {
    if (this.state === 'stopped') return;
    this.state = 'forwarding';
    this.silenceTimeoutSeconds = silenceTimeoutSeconds;
    if (known !== null && known.sequence > (this.memory?.sequence ?? -1)) {
      this.memory = firstMemory(known, now);
    }
    this.decide(now);
  }

  /** Resolves when all that was decided is delivered. */
  async settled(): Promise<void> {
    await this.queue.settled();
  }

  stop(): void {
    this.state = 'stopped';
    clearTimeout(this.timer);
    this.queue.stop();
  }

  private decide(now: number): void {
    if (this.state !== 'forwarding' || this.latest === null) return;
    const { latest, memory, changedAt, silenceTimeoutSeconds } = this;
    const report = { sequence: latest.sequence, connections: latest.connections };
    const input = { memory, report, changedAt, now, silenceTimeoutSeconds, confirming: false };
    const decision = decideForward(input);
    if (decision.action === 'wait') {
      this.wait(decision.at, now);
      return;
    }
    this.memory = decision.memory;
    this.queue.add({ ...report, receivedAt: this.receivedAt });
    this.decide(now);
  }

  private wait(at: number, now: number): void {
    clearTimeout(this.timer);
    const isOverdue = at <= now;
    if (isOverdue) this.options.askAgent();
    const recheckMs = Math.max(SHORTEST_RECHECK_MS, (this.silenceTimeoutSeconds * 1000) / 10);
    this.timer = setTimeout(() => this.decide(Date.now()), isOverdue ? recheckMs : at - now);
  }
}

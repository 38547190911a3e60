import { parseAgentReport, type AgentReport } from '../../domain/agent/protocol.ts';

/** Reports of one machine that are looked at each second; of more, only the latest counts. */
export const MAX_REPORTS_PER_SECOND = 50;

export interface ReportIntakeOptions {
  onReport: (report: AgentReport) => void;
  /** Lines with one of these texts are looked at whatever the rate: each is the id of a question we asked. */
  awaitedIds: () => Iterable<string>;
}

/** Looks at the lines of an untrusted agent: at most {@link MAX_REPORTS_PER_SECOND}, nonsense ignored. */
export class ReportIntake {
  private readonly options: ReportIntakeOptions;
  private budget = MAX_REPORTS_PER_SECOND;
  private latestSkipped: string | null = null;
  private refill: NodeJS.Timeout | undefined;

  constructor(options: ReportIntakeOptions) {
    this.options = options;
  }

  take(line: string): void {
    if (this.budget > 0) {
      this.budget -= 1;
      this.refill ??= setTimeout(() => this.refilled(), 1000);
      this.latestSkipped = null;
      this.look(line);
    } else if (this.isAwaited(line)) {
      this.look(line);
    } else {
      this.latestSkipped = line;
    }
  }

  stop(): void {
    clearTimeout(this.refill);
    this.refill = undefined;
  }

  private refilled(): void {
    this.refill = undefined;
    this.budget = MAX_REPORTS_PER_SECOND;
    const line = this.latestSkipped;
    if (line !== null) this.take(line);
  }

  private isAwaited(line: string): boolean {
    for (const id of this.options.awaitedIds()) if (line.includes(id)) return true;
    return false;
  }

  private look(line: string): void {
    const report = parseAgentReport(parsed(line));
    if (report !== undefined) this.options.onReport(report);
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

import type { CreateProgress } from '../domain/machine/create-progress.ts';
import type { CallProgress } from '../domain/machine/provider.ts';

/** What an activity keeps and shows while it runs: the details of its heartbeat. */
export interface ActivityProgress extends CallProgress {
  /** Shown to people on the pending activity; null: it waits for nothing. */
  showWaiting(why: string | null): void;
}

/** What the attempts of a create pass to each other and to the workflow. */
export interface ActivityHandover {
  /** What the attempt before this one said last. */
  readonly received: CreateProgress;
  /** Resolves when the server has it. Rejects for an attempt that the server has given up, and for a cancelled one. */
  say(progress: CreateProgress): Promise<void>;
}

/** What every activity gets besides its dependencies and its input. */
export interface ActivityContext {
  /** Aborts when the workflow cancels the activity, it times out, or the worker shuts down. */
  readonly signal: AbortSignal;
  readonly progress: ActivityProgress;
  readonly handover: ActivityHandover;
  /**
   * Resolves when the server still counts on this attempt. Rejects for one that it has given up, such as that of a worker
   * which goes on after a pause, and for a cancelled one.
   */
  readonly confirm: () => Promise<void>;
  /** The first one is 1. */
  readonly attempt: number;
  /**
   * When the workflow scheduled it, epoch ms by the clock of this computer: how long ago is measured by Temporal's clock
   * alone, for the two may be minutes apart. For every attempt the same, to within some ms.
   */
  readonly scheduledAt: number;
  /** Of the workflow that it runs for, as Temporal says; undefined without one. */
  readonly workflowId: string | undefined;
}

/** Every activity has this shape: what it works with, what it is asked, and the call that it is part of. */
export type Activity<Dependencies, Input, Output> = (
  dependencies: Dependencies,
  input: Input,
  context: ActivityContext,
) => Promise<Output>;

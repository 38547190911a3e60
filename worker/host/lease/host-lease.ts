/**
 * The lease of this host, held for as long as its worker runs. The registry gives it as an activity that is completed
 * asynchronously, so each heartbeat is a call of its own whose answer is awaited: only what Temporal has confirmed renews
 * the lease, and it renews it from when the call began.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, CompleteAsyncError, Context } from '@temporalio/activity';
import { ActivityCancelledError, ActivityNotFoundError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { serverClock } from '../../../activities/server-clock.ts';
import type { Announced, HoldLeaseInput, LeaseActivities } from '../../../domain/host/activities.ts';
import type { HostFacts, LeaseStatus } from '../../../domain/host/state.ts';
import type { HostView } from '../../../domain/host/view.ts';
import { TIMEOUTS } from '../../../domain/timeouts.ts';
import { hostWorkflowId, MEMO, WORKFLOW_TYPE } from '../../../domain/wire-names.ts';
import { retryForever } from '../../../lib/waiting/backoff.ts';
import { canonicalJson } from '../../../lib/text/canonical-json.ts';
import { secondsSinceBoot } from '../../../lib/processes/seconds-since-boot.ts';
import { hostReadySignal, type HostInput, type HostReady } from '../../../workflows/messages.ts';
import type { CreateGate } from '../create-gate.ts';

const CALL_TIMEOUT_MS = 5000;
const LEAVE_TIMEOUT_MS = 1000;
/** A registry that gives no lease is asked again, less and less often. */
const ASK_AGAIN_MS = { first: 20_000, most: 300_000 } as const;
/** A lease that was asked back is followed by another one at once, unless the host was removed. */
const SUCCESSOR_MS = 5000;

/** Two who both speak for one host do not so without a pause. */
const CORRECT_AGAIN_MS = 10_000;

export interface HostLeaseOptions {
  client: Client;
  hostId: string;
  controlTaskQueue: string;
  facts: HostFacts;
  /** What heartbeats carry. */
  status: () => Promise<LeaseStatus>;
  gate: Pick<CreateGate, 'pause' | 'resume'>;
  /** What has to be settled before this host may take work; again whenever its lease was lost. */
  reconcile: (signal: AbortSignal) => Promise<void>;
  /** What this host says of itself may hold from then on, in seconds since boot, whether or not it gets a lease. */
  onAnnouncing: (at: number) => Promise<void>;
  /** The lease holds from then on, in seconds since boot. */
  onRenewed: (at: number) => void;
  log: Logger;
}

interface HeldLease {
  token: Uint8Array;
  lease: number;
}

export class HostLease {
  /** Resolves when an administrator took this host out of the registry while it had no machine. */
  readonly removed: Promise<void>;
  private readonly options: HostLeaseOptions;
  private readonly incarnation = randomUUID();
  private readonly stopped = new AbortController();
  private held: HeldLease | null = null;
  private taken: () => void = () => undefined;
  private remove: () => void = () => undefined;
  private running: Promise<void> = Promise.resolve();
  private correctedAt = -Infinity;

  constructor(options: HostLeaseOptions) {
    this.options = options;
    this.removed = new Promise((resolve) => {
      this.remove = resolve;
    });
  }

  /** To be run on the host's own queue. */
  activities(): LeaseActivities {
    return {
      holdLease: (input) => {
        const { taskToken, workflowExecution, currentAttemptScheduledTimestampMs } = Context.current().info;
        // A lease waits for nobody, so it is the first to say where the server's clock stands.
        serverClock.heard(currentAttemptScheduledTimestampMs);
        this.requireRegistry(workflowExecution?.workflowId);
        this.take(input, taskToken);
        throw new CompleteAsyncError();
      },
    };
  }

  /** Reconciles, says that this host is ready, and holds its lease until the end. The lease's queue is polled already. */
  start(): void {
    this.running = this.run().catch((error: unknown) => {
      if (!this.stopped.signal.aborted) this.options.log.error({ err: error }, 'the lease of this host is not held');
    });
  }

  /** Gives the lease back, so that nobody has to wait until it is missed. */
  async leave(): Promise<void> {
    const { client, gate, status } = this.options;
    gate.pause();
    this.stopped.abort(new Error('the worker ends'));
    const { held } = this;
    this.held = null;
    if (held !== null) {
      const last = await status().catch(() => null);
      const giveBack = (): Promise<void> => client.activity.complete(held.token, last);
      await client.withDeadline(Date.now() + LEAVE_TIMEOUT_MS, giveBack).catch(() => undefined);
    }
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopped;
    let patienceMs: number = ASK_AGAIN_MS.first;
    while (!signal.aborted) {
      await this.announce();
      if (await this.untilTaken(patienceMs)) {
        patienceMs = ASK_AGAIN_MS.first;
        await this.holdOn();
        if (await this.wasRemoved()) return;
      } else patienceMs = Math.min(ASK_AGAIN_MS.most, patienceMs * 2);
    }
  }

  private async announce(): Promise<void> {
    const { reconcile, log } = this.options;
    const { signal } = this.stopped;
    await reconcile(signal);
    await retryForever(
      () => this.say(),
      signal,
      (error) => log.warn({ err: error }, 'Temporal does not hear that this host is ready'),
    );
  }

  private async say(): Promise<void> {
    const { client, hostId, controlTaskQueue, facts, onAnnouncing } = this.options;
    await onAnnouncing(secondsSinceBoot());
    await this.call(() =>
      client.workflow.signalWithStart<(input: HostInput) => Promise<HostView>, [HostReady]>(WORKFLOW_TYPE.host, {
        workflowId: hostWorkflowId(hostId, controlTaskQueue),
        taskQueue: controlTaskQueue,
        args: [{ hostId }],
        signal: hostReadySignal,
        signalArgs: [{ incarnation: this.incarnation, facts }],
      }),
    );
  }

  /**
   * Somebody else spoke for this host: with a shorter `lostSeconds`, its machines would count as lost while its fence lets them
   * run. The host says it right again, which brings another lease.
   */
  private correct(announced: Announced | undefined): void {
    const { facts, log } = this.options;
    const own = canonicalJson({ incarnation: this.incarnation, facts });
    if (announced === undefined || canonicalJson(announced) === own) return;
    const now = performance.now();
    if (now - this.correctedAt < CORRECT_AGAIN_MS) return;
    this.correctedAt = now;
    log.warn({ announced }, 'the registry has of this host what it did not say; it says it again');
    this.say().catch((error: unknown) => log.warn({ err: error }, 'the registry could not be corrected'));
  }

  /** Resolves when the lease is lost, or was asked back and no other one follows. */
  private async holdOn(): Promise<void> {
    while (!this.stopped.signal.aborted) {
      if ((await this.beatUntilOver()) === 'lost' || !(await this.untilTaken(SUCCESSOR_MS))) return;
    }
  }

  /** A lease of anybody else would renew the fence's, while the registry calls the machines here lost. */
  private requireRegistry(workflowId: string | undefined): void {
    const { hostId, controlTaskQueue } = this.options;
    if (workflowId === hostWorkflowId(hostId, controlTaskQueue)) return;
    const why = `the lease of ${hostId} is given by its own workflow, not by ${workflowId ?? '(none)'}`;
    throw ApplicationFailure.nonRetryable(why);
  }

  private take({ lease, cordoned, announced }: HoldLeaseInput, token: Uint8Array): void {
    const { gate, log, client } = this.options;
    const before = this.held;
    if (this.stopped.signal.aborted || (before !== null && before.lease > lease)) return;
    this.held = { token, lease };
    if (before !== null) void client.activity.reportCancellation(before.token).catch(() => undefined);
    log.info(
      { lease, cordoned },
      cordoned ? 'this host is in the registry, and takes no creates' : 'this host takes creates',
    );
    if (cordoned) gate.pause();
    else gate.resume();
    this.taken();
    this.correct(announced);
  }

  private async untilTaken(ms: number): Promise<boolean> {
    const isHeld = (): boolean => this.held !== null;
    if (isHeld()) return true;
    const { signal } = this.stopped;
    const taken = new Promise<void>((resolve) => {
      this.taken = resolve;
    });
    await Promise.race([taken, sleep(ms, undefined, { signal, ref: false }).catch(() => undefined)]);
    return isHeld();
  }

  /** Heartbeats as long as there is a lease, whichever is the latest. */
  private async beatUntilOver(): Promise<'askedBack' | 'lost'> {
    const { signal } = this.stopped;
    for (let held = this.held; held !== null; held = this.held) {
      const over = await this.beat(held);
      if (over !== undefined && this.held === held) {
        this.held = null;
        if (over === 'lost') this.options.gate.pause();
        return over;
      }
      const pauseMs = TIMEOUTS.leaseHeartbeatIntervalSeconds * 1000;
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
    return 'lost';
  }

  private async beat({ token }: HeldLease): Promise<'askedBack' | 'lost' | undefined> {
    const { log, onRenewed, client, status } = this.options;
    const at = secondsSinceBoot();
    try {
      const details = await status();
      await this.call(() => client.activity.heartbeat(token, details));
      onRenewed(at);
      return undefined;
    } catch (error) {
      if (error instanceof ActivityNotFoundError) return 'lost';
      if (!(error instanceof ActivityCancelledError)) {
        log.warn({ err: error }, 'the lease of this host is not renewed');
        return undefined;
      }
      await this.call(() => client.activity.reportCancellation(token)).catch(() => undefined);
      return 'askedBack';
    }
  }

  /** A host with machines stays: it enters the registry anew. */
  private async wasRemoved(): Promise<boolean> {
    const { client, hostId, controlTaskQueue, gate, status, log } = this.options;
    if (this.stopped.signal.aborted) return false;
    gate.pause();
    const handle = client.workflow.getHandle(hostWorkflowId(hostId, controlTaskQueue));
    const described = await this.call(() => handle.describe()).catch((error: unknown) => {
      if (!(error instanceof WorkflowNotFoundError)) log.debug({ err: error }, 'the registry does not answer');
      return undefined;
    });
    const view = described?.memo?.[MEMO.host] as Partial<HostView> | undefined;
    if (described?.status.name !== 'COMPLETED' || view?.incarnation !== this.incarnation) {
      log.warn('this host has lost its lease, and asks for another one');
      return false;
    }
    const { machines } = await status();
    if (machines === 0) {
      log.warn({ hostId }, 'an administrator removed this host: its worker ends; started again, it enters anew');
      this.remove();
      return true;
    }
    log.warn({ hostId, machines }, 'this host was removed, and has machines: it enters the registry anew');
    return false;
  }

  private call<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.options.client.withDeadline(Date.now() + CALL_TIMEOUT_MS, work);
  }
}

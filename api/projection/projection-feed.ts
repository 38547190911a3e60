/**
 * Keeps the projection true to Temporal's visibility (docs/architecture.md): a full list at the start, a poll each second of
 * what changed since the newest seen minus an overlap, and a full relist each minute that heals whatever was missed.
 */
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { SEARCH_ATTRIBUTE, WORKFLOW_TYPE } from '../../domain/wire-names.ts';
import { backoffMs } from '../../lib/waiting/backoff.ts';
import { withLinkedSignal } from '../../lib/waiting/linked-signal.ts';
import { seenTemplate } from '../templates/template-memo.ts';
import type { Outbox } from '../events/outbox.ts';
import type { TemplateDirectory } from '../templates/template-directory.ts';
import { UnreadableVm } from '../vms/seen/unreadable-vm.ts';
import type { DescribedVm, VmDirectory } from '../vms/seen/vm-directory.ts';
import type { VmRecord } from '../vms/seen/vm-record.ts';
import { ENDED_LIMIT, type Projection } from './projection.ts';
import { VisibilityRows, type VisibilityRow } from './visibility-rows.ts';

const POLL_MS = 1000;
const RELIST_MS = 60_000;
/** Visibility is written a moment after the fact, and replicas' clocks differ. */
const OVERLAP_MS = 10_000;
/** VMs that ended longer ago are not loaded at the start. */
const ENDED_SINCE_MS = 24 * 3600 * 1000;
const RETRY = { firstMs: 200, longestMs: 5000 } as const;

interface FeedParts {
  client: Client;
  projection: Projection;
  directory: VmDirectory;
  /** Absent: only VMs are followed. */
  templates?: TemplateDirectory;
  /** Absent: nobody is told what happens. */
  outbox?: Outbox;
  log: Logger;
  /** The deployment's. */
  controlTaskQueue: string;
  /** Between the starts of two polls; a second when absent. */
  pollMs?: number;
  /** Between the starts of two full lists; a minute when absent. */
  relistMs?: number;
}

export class ProjectionFeed {
  readonly #parts: FeedParts;
  readonly #rows: VisibilityRows;
  readonly #closing = new AbortController();
  /** Epoch ms of the newest change seen; the overlap is counted back from it. */
  #newestMs = 0;
  /** When the last full list began that was read to its end, epoch ms. */
  #listedAt = 0;
  #loaded = false;
  #polledAt = 0;
  #failures = 0;
  #running: Promise<unknown> = Promise.resolve();

  constructor(parts: FeedParts) {
    this.#parts = parts;
    this.#rows = new VisibilityRows(parts.client);
  }

  /** True once the first full list is in. */
  get loaded(): boolean {
    return this.#loaded;
  }

  /** Milliseconds since Temporal's visibility was last read. */
  get ageMs(): number {
    return Date.now() - this.#polledAt;
  }

  start(): void {
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isClosed()) {
      await this.#attempt(() => this.#load());
      if (this.#loaded) break;
      await this.#pause(backoffMs(RETRY, this.#failures));
    }
    const { pollMs = POLL_MS, relistMs = RELIST_MS } = this.#parts;
    await Promise.all([this.#repeat(pollMs, () => this.#poll()), this.#repeat(relistMs, () => this.#relist())]);
  }

  async #repeat(everyMs: number, read: () => Promise<void>): Promise<void> {
    let startedAt = Date.now();
    while (!this.#isClosed()) {
      await this.#pause(Math.max(0, startedAt + everyMs - Date.now()));
      if (this.#isClosed()) return;
      startedAt = Date.now();
      await this.#attempt(read);
    }
  }

  #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  async #attempt(read: () => Promise<void>): Promise<void> {
    try {
      // The client adds a listener to the signal with each call and removes none, so each read has a signal of its own.
      await withLinkedSignal(this.#closing.signal, null, (signal) => {
        setMaxListeners(0, signal);
        return this.#parts.client.withAbortSignal(signal, read);
      });
      this.#failures = 0;
      this.#polledAt = Date.now();
    } catch (error) {
      if (this.#isClosed()) return;
      this.#failures += 1;
      if (this.#failures === 1) this.#parts.log.warn({ err: error }, 'the list of VMs cannot be read from Temporal');
    }
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#closing.signal }).catch(() => undefined);
  }

  async #load(): Promise<void> {
    const { controlTaskQueue, outbox } = this.#parts;
    const startedAt = Date.now();
    await this.#read(liveQuery(controlTaskQueue), Infinity);
    const ended = await this.#read(endedQuery(controlTaskQueue, startedAt - ENDED_SINCE_MS), ENDED_LIMIT);
    // The newest come first: where there were more, all that ended since the last one read are there.
    const lastReadMs = ended.length < ENDED_LIMIT ? 0 : (ended.at(-1)?.closeTimeMs ?? startedAt);
    outbox?.follow(Math.max(startedAt - ENDED_SINCE_MS, lastReadMs));
    outbox?.sawAllUntil(startedAt - OVERLAP_MS);
    this.#listedAt = startedAt;
    this.#loaded = true;
  }

  async #poll(): Promise<void> {
    // A clock that runs ahead somewhere must not make this replica look past what is yet to come.
    const newestMs = Math.min(this.#newestMs, Date.now());
    await this.#read(changedQuery(this.#parts.controlTaskQueue, newestMs - OVERLAP_MS), Infinity);
  }

  async #relist(): Promise<void> {
    const { projection, templates, outbox } = this.#parts;
    const startedAt = Date.now();
    const open = projection.openWorkflowIds();
    const openTemplates = templates?.copies.openWorkflowIds() ?? [];
    const rows = await this.#read(liveQuery(this.#parts.controlTaskQueue), Infinity);
    // After an outage: what began and ended meanwhile is in no list of those that live.
    const endedSinceMs = Math.min(this.#listedAt, startedAt - 2 * RELIST_MS) - OVERLAP_MS;
    await this.#read(endedQuery(this.#parts.controlTaskQueue, endedSinceMs), ENDED_LIMIT);
    const listed = new Set(rows.map(({ workflowId }) => workflowId));
    await this.#lookUp(open.filter((workflowId) => !listed.has(workflowId)));
    for (const workflowId of openTemplates) if (!listed.has(workflowId)) await templates?.look(workflowId);
    this.#rows.keepOnly(new Set(rows.map(({ runId }) => runId)));
    outbox?.forget((workflowId) => !listed.has(workflowId) && projection.get(workflowId) === undefined);
    outbox?.sawAllUntil(startedAt - OVERLAP_MS);
    this.#listedAt = startedAt;
  }

  /** VMs that are thought to be open and were not listed as such: ended and missed, or a moment too new to be listed. */
  async #lookUp(workflowIds: string[]): Promise<void> {
    const { projection } = this.#parts;
    for (const workflowId of workflowIds) {
      if (this.#isClosed()) return;
      if (projection.get(workflowId)?.closed !== false) continue;
      const found = await this.#described(workflowId);
      if (found === 'unreadable') continue;
      if (found) this.#see(found.record);
      else projection.forget(workflowId);
    }
  }

  async #read(query: string, limit: number): Promise<VisibilityRow[]> {
    const read: VisibilityRow[] = [];
    for await (const rows of this.#rows.rows(query)) {
      for (const row of rows) await this.#take(row);
      read.push(...rows);
      if (this.#isClosed() || read.length >= limit) break;
    }
    return read;
  }

  async #take(row: VisibilityRow): Promise<void> {
    const { workflowId, runId, record, isUnreadable, closeTimeMs } = row;
    this.#newestMs = Math.max(this.#newestMs, closeTimeMs ?? 0);
    if (row.template !== undefined) this.#takeTemplate(row, row.template);
    if (isUnreadable) await this.#askAbout(workflowId, runId);
    if (!record) return;
    this.#newestMs = Math.max(this.#newestMs, Date.parse(record.view.updatedAt));
    // Also of a life that has a newer one by now: its last events are told nowhere else.
    this.#parts.outbox?.take(record);
    const { projection } = this.#parts;
    if (!projection.doubts(record)) projection.see(record);
    else await this.#askAbout(workflowId, runId);
  }

  #see(record: VmRecord): void {
    this.#parts.outbox?.take(record);
    this.#parts.projection.see(record);
  }

  #takeTemplate(
    { workflowId, closeTimeMs }: VisibilityRow,
    { shown, isRunning }: NonNullable<VisibilityRow['template']>,
  ): void {
    const { templates, controlTaskQueue, log } = this.#parts;
    const view = seenTemplate(shown, { workflowId, controlTaskQueue });
    if (view === undefined) {
      log.warn({ workflowId }, 'what a template shows of itself cannot be read by this version');
      return;
    }
    this.#newestMs = Math.max(this.#newestMs, Date.parse(view.updatedAt));
    templates?.copies.see({ workflowId, view, closedAt: isRunning ? null : (closeTimeMs ?? 0) });
  }

  /** One VM that cannot be read does not keep the others from being seen; of itself the last known stays until its end. */
  async #described(workflowId: string): Promise<DescribedVm | 'unreadable' | undefined> {
    try {
      return await this.#parts.directory.describeWorkflow(workflowId);
    } catch (error) {
      if (!(error instanceof UnreadableVm)) throw error;
      this.#parts.log.warn({ workflowId }, 'what a VM shows of itself cannot be read by this version');
      return error.closed ? undefined : 'unreadable';
    }
  }

  /** Visibility cannot tell a new life from a run that goes on with the known one; a describe, or its workflow, can. */
  async #askAbout(workflowId: string, runId: string): Promise<void> {
    try {
      const found = await this.#described(workflowId);
      if (found && found !== 'unreadable') this.#see(found.record);
    } catch (error) {
      // It is read again with the next list.
      this.#rows.forget(runId);
      throw error;
    }
  }
}

/** VMs and templates in one list, for searches are few. Those of other deployments may be in the namespace; what runs on another queue is theirs. */
function followed(controlTaskQueue: string): string {
  return `WorkflowType IN ('${WORKFLOW_TYPE.vm}', '${WORKFLOW_TYPE.template}') AND TaskQueue = '${controlTaskQueue}'`;
}

function liveQuery(queue: string): string {
  return `${followed(queue)} AND ExecutionStatus = 'Running'`;
}

function endedQuery(queue: string, sinceMs: number): string {
  return `${followed(queue)} AND ExecutionStatus != 'Running' AND CloseTime > '${isoTime(sinceMs)}'`;
}

/**
 * Terminated runs never update their attributes, hence the close time; that alone matches running ones on SQLite,
 * hence the status beside it.
 */
function changedQuery(queue: string, sinceMs: number): string {
  const since = isoTime(sinceMs);
  const closed = `(ExecutionStatus != 'Running' AND CloseTime > '${since}')`;
  return `${followed(queue)} AND (${SEARCH_ATTRIBUTE.updatedAt.name} > '${since}' OR ${closed})`;
}

function isoTime(epochMs: number): string {
  return new Date(Math.max(0, epochMs)).toISOString();
}

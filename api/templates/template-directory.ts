import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { PutTemplate } from '../../domain/template/messages.ts';
import type { TemplateContent } from '../../domain/template/state.ts';
import type { TemplateView } from '../../domain/template/view.ts';
import { MEMO, SEARCH_ATTRIBUTE, templateWorkflowId, WORKFLOW_TYPE } from '../../domain/wire-names.ts';
import {
  deleteTemplateSignal,
  putTemplateSignal,
  templateVersionQuery,
  templateViewQuery,
} from '../../workflows/messages.ts';
import { ApiProblem } from '../http/errors/problem.ts';
import { isClosed } from '../vms/seen/vm-record.ts';
import { TemplateCopies } from './template-copies.ts';
import { seenTemplate } from './template-memo.ts';

/** Each replica has all templates of all projects in memory. */
export const MAX_TEMPLATES = 200;
/** Of at most 32 KiB each. */
const CONTENTS_KEPT = 200;
const CALL_SECONDS = 5;
/** A delete is done when a worker has taken it. */
const DELETE_SECONDS = 2;

const PROJECT = defineSearchAttributeKey(SEARCH_ATTRIBUTE.project.name, SearchAttributeType.KEYWORD);
const TEMPLATE = defineSearchAttributeKey(SEARCH_ATTRIBUTE.template.name, SearchAttributeType.KEYWORD);

/** Finds templates in Temporal and talks to their workflows, every call with a deadline. */
export class TemplateDirectory {
  readonly copies = new TemplateCopies();
  readonly #client: Client;
  readonly #controlTaskQueue: string;
  /** Of versions that somebody named, by what made them: a version never changes but for its `warm` and `reuse`. */
  readonly #contents = new Map<string, TemplateContent>();
  /** The projects of templates whose put is under way, by workflow id. */
  readonly #beginning = new Map<string, string>();

  constructor(client: Client, controlTaskQueue: string) {
    this.#client = client;
    this.#controlTaskQueue = controlTaskQueue;
  }

  workflowId(project: string, name: string): string {
    return templateWorkflowId(project, name, this.#controlTaskQueue);
  }

  /** @throws ApiProblem `tooManyTemplates` for the first put of a template that the project has no room for. */
  requireRoom(project: string, name: string): void {
    const workflowId = this.workflowId(project, name);
    if (this.copies.get(workflowId) !== undefined || this.#beginning.has(workflowId)) return;
    const beginning = [...this.#beginning].filter(([id, of]) => of === project && this.copies.get(id) === undefined);
    if (this.copies.of(project).length + beginning.length < MAX_TEMPLATES) return;
    throw new ApiProblem(
      'tooManyTemplates',
      `Project ${project} has ${MAX_TEMPLATES} templates, which are all it can have`,
    );
  }

  /**
   * Kept by Temporal when it resolves: with the template as its workflow answers then, or undefined while no worker does.
   * Where it is the first version, its number is `leastVersion` or above. @throws ApiProblem `tooManyTemplates`.
   */
  async put(project: string, name: string, put: PutTemplate, leastVersion: number): Promise<TemplateView | undefined> {
    this.requireRoom(project, name);
    const workflowId = this.workflowId(project, name);
    this.#beginning.set(workflowId, project);
    try {
      return await this.#put(project, name, put, leastVersion);
    } finally {
      this.#beginning.delete(workflowId);
    }
  }

  async #put(project: string, name: string, put: PutTemplate, leastVersion: number): Promise<TemplateView | undefined> {
    const workflowId = this.workflowId(project, name);
    const isKnown = this.copies.get(workflowId) !== undefined;
    const firstVersion = isKnown ? leastVersion : Math.max(leastVersion, await this.#nextVersion(workflowId));
    await this.#within(() =>
      this.#client.workflow.signalWithStart(WORKFLOW_TYPE.template, {
        workflowId,
        taskQueue: this.#controlTaskQueue,
        args: [{ project, name, firstVersion }],
        signal: putTemplateSignal,
        signalArgs: [put],
        typedSearchAttributes: [
          { key: PROJECT, value: project },
          { key: TEMPLATE, value: name },
        ],
        staticSummary: `Template ${name} of project ${project}`,
      }),
    );
    return this.#fresh(workflowId);
  }

  /** The template, also where this replica has not seen it yet. Works without any worker. */
  async find(project: string, name: string): Promise<TemplateView | undefined> {
    const workflowId = this.workflowId(project, name);
    return (await this.look(workflowId)) ? this.copies.get(workflowId) : undefined;
  }

  /**
   * What a version says that copies have no content of; undefined where it is kept no more. A worker has to answer, once for
   * each version and replica. @throws the client's error where none does in time.
   */
  async contentOf(
    workflowId: string,
    { version, putId }: { version: number; putId: string },
  ): Promise<TemplateContent | undefined> {
    const key = `${workflowId}#${putId}`;
    const known = this.#contents.get(key);
    if (known !== undefined) return known;
    const handle = this.#client.workflow.getHandle(workflowId);
    const content = await this.#within(() => handle.query(templateVersionQuery, version));
    if (content === null) return undefined;
    const [oldest] = this.#contents.keys();
    if (this.#contents.size >= CONTENTS_KEPT && oldest !== undefined) this.#contents.delete(oldest);
    this.#contents.set(key, content);
    return content;
  }

  /** Has a look at what Temporal knows of it and notes that. False: nothing runs under this id. */
  async look(workflowId: string): Promise<boolean> {
    const found = await this.#describe(workflowId);
    if (found?.isRunning !== true) {
      this.copies.gone(workflowId);
      return false;
    }
    if (found.view !== undefined) this.copies.see({ workflowId, view: found.view, closedAt: null });
    return true;
  }

  /** `kept`: Temporal has the wish, and no worker has answered yet. */
  async remove(project: string, name: string): Promise<'removed' | 'kept' | 'notThere'> {
    const workflowId = this.workflowId(project, name);
    const handle = this.#client.workflow.getHandle(workflowId);
    try {
      await this.#within(() => handle.signal(deleteTemplateSignal));
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return 'notThere';
      throw error;
    }
    const isRemoved = await this.#within(() => handle.result(), DELETE_SECONDS).then(
      () => true,
      () => false,
    );
    if (!isRemoved) return 'kept';
    this.copies.gone(workflowId);
    return 'removed';
  }

  /** After all that was signalled before this call. */
  async #fresh(workflowId: string): Promise<TemplateView | undefined> {
    const handle = this.#client.workflow.getHandle(workflowId);
    const answer = await this.#within(() => handle.query(templateViewQuery)).catch(() => undefined);
    const view = this.#seen(workflowId, answer);
    if (view !== undefined) this.copies.see({ workflowId, view, closedAt: null });
    return view;
  }

  /** Where an earlier template of the name, which was deleted, stopped to count; 1 where nobody knows of any. */
  async #nextVersion(workflowId: string): Promise<number> {
    return (await this.#describe(workflowId))?.view?.nextVersion ?? 1;
  }

  async #describe(workflowId: string): Promise<{ isRunning: boolean; view: TemplateView | undefined } | undefined> {
    try {
      const { status, memo } = await this.#within(() => this.#client.workflow.getHandle(workflowId).describe());
      return { isRunning: !isClosed(status.name), view: this.#seen(workflowId, memo?.[MEMO.template]) };
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    }
  }

  #seen(workflowId: string, shown: unknown): TemplateView | undefined {
    return seenTemplate(shown, { workflowId, controlTaskQueue: this.#controlTaskQueue });
  }

  #within<Result>(call: () => Promise<Result>, seconds: number = CALL_SECONDS): Promise<Result> {
    return this.#client.withDeadline(Date.now() + seconds * 1000, call);
  }
}

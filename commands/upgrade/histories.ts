/** Histories of workflows: those that run now, and those that were carried here in files. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';
import { historyFromJSON, historyToJSON, type History } from '@temporalio/common/lib/proto-utils.js';
import proto from '@temporalio/proto';
import { replacePrivateFile } from '../../lib/files/private-file.ts';
import { WORKFLOW_TYPE } from '../../domain/wire-names.ts';
import { ScriptError } from '../terminal/terminal.ts';

/** A history with the workflow it belongs to, or the name of its file. */
export interface NamedHistory {
  workflowId: string;
  history: History;
}

/** Open workflows worth a replay. */
export interface OpenWorkflows {
  /** How many are open. */
  found: number;
  /** Those to replay: all, or every so-many-th of them. */
  chosen: { workflowId: string; runId: string }[];
}

const FETCHES_AT_ONCE = 16;
const { EventType } = proto.temporal.api.enums.v1;

/**
 * Lists the open workflows of our types in the client's namespace. Above `limit` it takes a sample that is spread
 * evenly over the list, thus over their ages.
 */
export async function listOpenWorkflows(client: Client, limit: number): Promise<OpenWorkflows> {
  const types = Object.values(WORKFLOW_TYPE).map((type) => `'${type}'`);
  const query = `WorkflowType IN (${types.join(', ')}) AND ExecutionStatus = 'Running'`;
  const { count } = await client.workflow.count(query);
  const stride = Math.max(1, Math.ceil(count / limit));
  const chosen: OpenWorkflows['chosen'] = [];
  let found = 0;
  for await (const { workflowId, runId } of client.workflow.list({ query })) {
    if (found % stride === 0) chosen.push({ workflowId, runId });
    found += 1;
  }
  return { found, chosen };
}

/** Fetches histories, some at once. One that is gone meanwhile, closed and deleted, is left out and passed to `onGone`. */
export async function* fetchHistories(
  client: Client,
  chosen: OpenWorkflows['chosen'],
  onGone: () => void,
): AsyncGenerator<NamedHistory> {
  const fetch = async ({ workflowId, runId }: OpenWorkflows['chosen'][number]): Promise<NamedHistory | undefined> => {
    try {
      return { workflowId, history: await client.workflow.getHandle(workflowId, runId).fetchHistory() };
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    }
  };
  for (let begin = 0; begin < chosen.length; begin += FETCHES_AT_ONCE) {
    for (const fetched of await Promise.all(chosen.slice(begin, begin + FETCHES_AT_ONCE).map(fetch))) {
      if (fetched === undefined) onGone();
      else yield fetched;
    }
  }
}

/**
 * Reads every history in a folder, in the form that {@link writeHistory} and the `temporal` command write, under the
 * workflow's id or the file's name.
 */
export async function* readHistories(
  folder: string,
  { nameBy }: { nameBy: 'workflow' | 'file' },
): AsyncGenerator<NamedHistory> {
  for (const file of await historyFiles(folder)) {
    const history = parseHistory(await readFile(join(folder, file), 'utf8'), join(folder, file));
    yield { workflowId: nameBy === 'file' ? file : (ownIdOf(history) ?? file), history };
  }
}

/** The workflow's id as its history says it; undefined in one of an earlier server. */
export function ownIdOf({ events }: History): string | undefined {
  return events?.[0]?.workflowExecutionStartedEventAttributes?.workflowId || undefined;
}

async function historyFiles(folder: string): Promise<string[]> {
  const files = await readdir(folder).catch((error: unknown) => {
    throw new ScriptError(`${folder} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  });
  const histories = files.filter((file) => file.endsWith('.json')).sort();
  if (histories.length === 0) throw new ScriptError(`${folder} holds no history (*.json); was it the right folder?`);
  return histories;
}

function parseHistory(text: string, path: string): History {
  try {
    const history = historyFromJSON(JSON.parse(text));
    if (history.events?.[0]?.eventType !== EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED) throw new Error('no start');
    return history;
  } catch {
    throw new ScriptError(`${path} is not the history of a workflow; take it out of the folder`);
  }
}

/** Writes a history, mode 0600, into a folder. It holds what its VM was given: names, labels, env. */
export function writeHistory(folder: string, { workflowId, history }: NamedHistory): void {
  const runId = history.events?.[0]?.workflowExecutionStartedEventAttributes?.originalExecutionRunId ?? 'unknown';
  replacePrivateFile(join(folder, `${encodeURIComponent(workflowId)}~${runId}.json`), historyToJSON(history));
}

/** False before the first workflow task was completed: code has decided nothing that other code could contradict. */
export function hasBegun({ events }: History): boolean {
  return events?.some(({ eventType }) => eventType === EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED) ?? false;
}

/** Looks for a secret wherever it must not be: files, histories, visibility and processes, in the usual encodings. */
import { readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Client } from '@temporalio/client';

/** The secret as it is, in hex, and in base64 wherever it may begin in a longer text. */
function spellings(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const inside = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    // The first and last characters also depend on what stands around it.
    return text.slice(before === 0 ? 0 : 4, -4);
  });
  return [
    secret,
    bytes.toString('hex'),
    ...inside,
    ...inside.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
  ];
}

/** Whether a secret stands in bytes or text, however it is spelt there. */
export function holds(haystack: string | Uint8Array, secret: string): boolean {
  const text = typeof haystack === 'string' ? haystack : Buffer.from(haystack).toString('latin1');
  return spellings(secret).some((spelling) => text.includes(spelling));
}

/** Files below a directory that hold the secret, as paths relative to it. Sockets and what goes meanwhile are passed over. */
export async function filesWith(directory: string, secret: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const bytes = await readFile(path).catch(() => Buffer.alloc(0));
    if (holds(bytes, secret)) found.push(relative(directory, path));
  }
  return found.sort();
}

/**
 * Everything that Temporal tells of every workflow of the namespace: each event, memo, search attribute and the row of
 * visibility, as text; payloads both as they are and decoded.
 */
export async function everythingTemporalTells(client: Client): Promise<string> {
  const { namespace } = client.options;
  const parts: string[] = [];
  for await (const info of client.workflow.list()) {
    const execution = { workflowId: info.workflowId, runId: info.runId };
    parts.push(
      asText(info.raw),
      asText(await client.workflowService.describeWorkflowExecution({ namespace, execution })),
    );
    let nextPageToken: Uint8Array | null = null;
    do {
      const page: HistoryPage = await client.workflowService.getWorkflowExecutionHistory({
        namespace,
        execution,
        nextPageToken,
      });
      parts.push(asText(page.history));
      nextPageToken = page.nextPageToken.length > 0 ? page.nextPageToken : null;
    } while (nextPageToken !== null);
  }
  return parts.join('\n');
}

type HistoryPage = Awaited<ReturnType<Client['workflowService']['getWorkflowExecutionHistory']>>;

function asText(value: unknown): string {
  return JSON.stringify(value, (_key, field: unknown) => {
    const bytes = bytesOf(field);
    return bytes === undefined ? field : `${bytes.toString('latin1')} ${bytes.toString('base64')}`;
  });
}

/** A Buffer turns itself into an object before a replacer sees it. */
function bytesOf(field: unknown): Buffer | undefined {
  if (field instanceof Uint8Array) return Buffer.from(field);
  const { type, data } = (typeof field === 'object' && field !== null ? field : {}) as {
    type?: unknown;
    data?: unknown;
  };
  return type === 'Buffer' && Array.isArray(data) ? Buffer.from(data as number[]) : undefined;
}

export interface SeenProcess {
  pid: number;
  /** Process group. */
  group: number;
  commandLine: string;
  environment: string;
}

/** Every process of this computer with what others may see of it; those that may not be looked into are passed over. */
export function processes(): SeenProcess[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      const [, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const [commandLine, environment] = ['cmdline', 'environ'].map((file) =>
        readFileSync(`/proc/${pid}/${file}`, 'latin1'),
      );
      return [
        { pid: Number(pid), group: Number(group), commandLine: commandLine ?? '', environment: environment ?? '' },
      ];
    } catch {
      return [];
    }
  });
}

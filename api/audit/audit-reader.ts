/** Reads the audit log from its end, in bounded memory and time, however long it is. */
import { open, type FileHandle } from 'node:fs/promises';
import pLimit from 'p-limit';
import { linesFromEnd } from '../../lib/files/lines-from-end.ts';
import { AUDIT_TO_STDOUT } from '../http/log/audit-log.ts';
import { ApiProblem } from '../http/errors/problem.ts';
import { DEFAULT_PAGE_SIZE } from '../schemas/requests.ts';
import { AUDIT_PAGE_TOKEN, auditEntrySchema, type ApiAuditEntry, type AuditQuery } from './audit-schemas.ts';

/** One page reads so much of the file. */
const MAX_BYTES = 32 * 1024 * 1024;
/** Lines are written a moment after the time that they name, and a clock may be set back. */
const DISORDER_MS = 60_000;
const READS_AT_ONCE = 2;
/** Fields that a query can ask for by a word, which stands in the line as it is. */
const WORDS = ['project', 'action', 'keyId', 'vm'] as const;

export interface AuditPage {
  entries: ApiAuditEntry[];
  unreadable: number;
  nextPageToken?: string;
}

export class AuditReader {
  readonly #path: string;
  readonly #maxBytes: number;
  readonly #inTurn = pLimit(READS_AT_ONCE);

  /** `maxBytes`: read for one page; only tests set it. */
  constructor(path: string, maxBytes: number = MAX_BYTES) {
    this.#path = path;
    this.#maxBytes = maxBytes;
  }

  /**
   * A page of the entries that fit, the newest first. Reads the file that is there now: what was renamed away before is not in it.
   * @throws ApiProblem `auditNotReadable` or `pageTokenExpired`.
   */
  async page(query: AuditQuery, gone: AbortSignal): Promise<AuditPage> {
    if (this.#path === AUDIT_TO_STDOUT) {
      throw new ApiProblem('auditNotReadable', 'The audit log goes to standard output (EPHEMERA_AUDIT_LOG=-)');
    }
    return this.#inTurn(async () => {
      const file = await this.#open();
      try {
        return await this.#read(file, query, gone);
      } finally {
        await file.close();
      }
    });
  }

  async #open(): Promise<FileHandle> {
    try {
      return await open(this.#path, 'r');
    } catch (cause) {
      const why = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
      throw new ApiProblem('auditNotReadable', `The file of the audit log cannot be read here${why}`, { cause });
    }
  }

  async #read(file: FileHandle, query: AuditQuery, gone: AbortSignal): Promise<AuditPage> {
    const { ino, size } = await file.stat();
    const end = query.pageToken === undefined ? size : await offsetIn(file, query.pageToken, { ino, size });
    const { pageSize = DEFAULT_PAGE_SIZE } = query;
    const fits = fitter(query);
    const entries: ApiAuditEntry[] = [];
    let unreadable = 0;
    let oldest = end;
    for await (const { text, offset } of linesFromEnd(file, end, { maxBytes: this.#maxBytes })) {
      gone.throwIfAborted();
      oldest = offset;
      const found = text === undefined ? 'unreadable' : fits(text);
      if (found === 'unreadable') unreadable += 1;
      else if (found === 'older') return { entries, unreadable };
      else if (found !== 'other') entries.push(found);
      if (entries.length === pageSize) break;
    }
    // Where not one line was whole there is nothing older that could be read.
    const hasMore = oldest > 0 && oldest < end;
    return { entries, unreadable, ...(hasMore ? { nextPageToken: tokenOf(ino, oldest) } : {}) };
  }
}

/** Says of a line what it is for this query: the entry, or that it is another one, or older than all that are asked for. */
function fitter(query: AuditQuery): (text: string) => ApiAuditEntry | 'other' | 'older' | 'unreadable' {
  const since = query.since === undefined ? -Infinity : Date.parse(query.since);
  const until = query.until === undefined ? Infinity : Date.parse(query.until);
  const words = WORDS.flatMap((field) => (query[field] === undefined ? [] : [{ field, word: query[field] }]));
  return (text) => {
    // Most lines are others where few are wanted: these are not parsed, unless their time matters.
    if (since === -Infinity && words.some(({ word }) => !text.includes(word))) return 'other';
    const entry = entryIn(text);
    if (entry === undefined) return 'unreadable';
    const at = Date.parse(entry.at);
    if (at < since - DISORDER_MS) return 'older';
    const isMeant = at >= since && at < until && words.every(({ field, word }) => entry[field] === word);
    return isMeant ? entry : 'other';
  };
}

function entryIn(text: string): ApiAuditEntry | undefined {
  try {
    return auditEntrySchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function tokenOf(ino: number, offset: number): string {
  return `${ino.toString(36)}-${offset.toString(36)}`;
}

/** The offset in a token. @throws ApiProblem `pageTokenExpired` when that is not of this file, or not between two lines of it. */
async function offsetIn(
  file: FileHandle,
  token: string,
  { ino, size }: { ino: number; size: number },
): Promise<number> {
  const [, ofFile = '', offsetText = ''] = AUDIT_PAGE_TOKEN.exec(token) ?? [];
  const offset = Number.parseInt(offsetText, 36);
  if (Number.parseInt(ofFile, 36) === ino && offset > 0 && offset <= size) {
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, offset - 1);
    if (buffer.toString() === '\n') return offset;
  }
  throw new ApiProblem('pageTokenExpired', 'The audit log has another file now than the page before was of');
}

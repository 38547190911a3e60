import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Logger } from 'pino';

/** One attempt to change something, with its caller and its outcome. */
export interface AuditEntry {
  /** RFC 3339. */
  at: string;
  requestId: string;
  remoteAddress: string;
  /** Who; absent when no key of ours was shown. */
  keyId?: string;
  role?: string;
  project?: string;
  /** The operation's id in the OpenAPI document. */
  action: string;
  method: string;
  /** As in the OpenAPI document: `/v1/vms/{name}`. */
  path: string;
  /** The name of the VM, or else what the path names. */
  vm?: string;
  target?: unknown;
  workflowId?: string;
  uid?: string;
  /** Id of the request for later that was done with this outcome. */
  request?: string;
  /** Released by force, whatever the provider says. */
  force?: true;
  /** It was checked alone. */
  dryRun?: true;
  status: number;
  code?: string;
}

/** Means standard output instead of a file. */
export const AUDIT_TO_STDOUT = '-';

/**
 * Appends a JSON line for each entry. The file is opened for each line, so it may be renamed away at any time, and
 * several replicas may share it: a line is one write at the end of the file.
 */
export class AuditLog {
  readonly #path: string;
  readonly #log: Logger;

  /** @throws Error of the system when the file cannot be written. */
  constructor(path: string, log: Logger) {
    this.#path = path;
    this.#log = log;
    if (path === AUDIT_TO_STDOUT) return;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    closeSync(openSync(path, 'a', 0o600));
  }

  /** Never throws: the change was made or refused already. What the file does not take is logged as an error. */
  write(entry: AuditEntry): void {
    const line = `${JSON.stringify(entry)}\n`;
    if (this.#path === AUDIT_TO_STDOUT) {
      process.stdout.write(line);
      return;
    }
    try {
      append(this.#path, line);
    } catch (err) {
      this.#log.error({ err, audit: entry }, 'the audit log cannot be written; this is its line');
    }
  }
}

function append(path: string, line: string): void {
  const file = openSync(path, 'a', 0o600);
  try {
    writeSync(file, line);
  } finally {
    closeSync(file);
  }
}

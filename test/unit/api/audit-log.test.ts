import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AuditLog, type AuditEntry } from '../../../api/http/log/audit-log.ts';

let directory: string;
let path: string;
let logged: string[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ephemera-audit-'));
  path = join(directory, 'state', 'audit.log');
  logged = [];
});
afterEach(() => rmSync(directory, { recursive: true }));

const open = () => new AuditLog(path, pino({ level: 'error' }, { write: (line: string) => logged.push(line) }));
const entry = (requestId: string): AuditEntry => ({
  at: '2026-11-21T07:00:00.000Z',
  requestId,
  remoteAddress: '127.0.0.1',
  action: 'createVm',
  method: 'POST',
  path: '/v1/vms',
  status: 201,
});
const lines = (file: string) =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as AuditEntry).requestId);

describe('the audit log', () => {
  it('is for its owner alone, and gets a line for each entry, from several replicas in one file', () => {
    const replicas = [open(), open()];
    replicas.forEach((replica, index) => replica.write(entry(`r${index}`)));
    expect(lines(path)).toEqual(['r0', 'r1']);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('loses nothing when its file is renamed away', () => {
    const log = open();
    log.write(entry('before'));
    renameSync(path, `${path}.1`);
    log.write(entry('after'));
    expect([lines(`${path}.1`), lines(path)]).toEqual([['before'], ['after']]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('keeps a line one line, whatever is in it', () => {
    open().write({ ...entry('r'), target: { name: 'a\n{"status":200}\r\n\u2028' } });
    expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(2);
  });

  it('that cannot be written refuses the start, and later puts its line into the log of errors', () => {
    const log = open();
    rmSync(path);
    mkdirSync(path);
    expect(open).toThrow('EISDIR');
    log.write(entry('homeless'));
    expect(logged.join('')).toContain('homeless');
  });
});

import { appendFileSync, mkdtempSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AuditReader } from '../../../api/audit/audit-reader.ts';
import type { AuditQuery } from '../../../api/audit/audit-schemas.ts';
import type { AuditEntry } from '../../../api/http/log/audit-log.ts';

const BEGIN = Date.parse('2026-11-21T07:00:00.000Z');
const { signal } = new AbortController();

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ephemera-audit-'));
  path = join(directory, 'audit.log');
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Entry number `n` of a log with one each second. */
const entry = (n: number, changes: Partial<AuditEntry> = {}): AuditEntry => ({
  at: new Date(BEGIN + n * 1000).toISOString(),
  requestId: `r${n}`,
  remoteAddress: '127.0.0.1',
  ...{ keyId: 'k1', role: 'operator', project: 'games' },
  ...{ action: 'createVm', method: 'POST', path: '/v1/vms', status: 201 },
  ...changes,
});
const line = (...of: Parameters<typeof entry>) => `${JSON.stringify(entry(...of))}\n`;
const time = (n: number) => new Date(BEGIN + n * 1000).toISOString();

async function page(query: AuditQuery = {}, maxBytes?: number) {
  const { entries, ...rest } = await new AuditReader(path, maxBytes).page(query, signal);
  return { ...rest, ids: entries.map(({ requestId }) => requestId) };
}

/** All pages in their order. */
async function pages(query: AuditQuery, maxBytes?: number) {
  const found: string[][] = [];
  let pageToken: string | undefined;
  do {
    const { ids, nextPageToken } = await page(
      { ...query, ...(pageToken === undefined ? {} : { pageToken }) },
      maxBytes,
    );
    found.push(ids);
    pageToken = nextPageToken;
  } while (pageToken !== undefined && found.length < 1000);
  return found;
}

describe('the audit log as the API shows it', () => {
  it('comes newest first and page by page, also while it grows', async () => {
    writeFileSync(path, Array.from({ length: 5 }, (_, n) => line(n)).join(''));
    const first = await page({ pageSize: 2 });
    expect(first).toMatchObject({ ids: ['r4', 'r3'], unreadable: 0 });
    appendFileSync(path, line(5));
    const second = await page({ pageSize: 2, pageToken: first.nextPageToken });
    expect(second.ids).toEqual(['r2', 'r1']);
    expect(await page({ pageSize: 2, pageToken: second.nextPageToken })).toEqual({ ids: ['r0'], unreadable: 0 });
    expect(await page()).toMatchObject({ ids: ['r5', 'r4', 'r3', 'r2', 'r1', 'r0'] });
  });

  it('is asked by time, project, action, key and VM', async () => {
    const lines = [
      line(0, { project: 'other' }),
      line(1, { vm: 'lobby', action: 'destroyVm' }),
      line(2, { keyId: 'k2', vm: 'lobby-2' }),
      line(3, { target: { note: 'other destroyVm k2 lobby' } }),
    ];
    writeFileSync(path, lines.join(''));
    expect((await page({ project: 'other' })).ids).toEqual(['r0']);
    expect((await page({ action: 'destroyVm' })).ids).toEqual(['r1']);
    expect((await page({ keyId: 'k2' })).ids).toEqual(['r2']);
    expect((await page({ vm: 'lobby' })).ids).toEqual(['r1']);
    expect((await page({ since: time(1), until: time(3) })).ids).toEqual(['r2', 'r1']);
    expect((await page({ since: time(2), vm: 'lobby' })).ids).toEqual([]);
  });

  it('reads a part of a long file for each page, and no further than it is asked for', async () => {
    writeFileSync(path, Array.from({ length: 400 }, (_, n) => line(n, n === 7 ? { vm: 'lobby' } : {})).join(''));
    const found = await pages({ vm: 'lobby' }, 8000);
    expect(found.flat()).toEqual(['r7']);
    expect(found.length).toBeGreaterThan(5);
    const late = await pages({ vm: 'lobby', since: time(300) }, 8000);
    expect(late.flat()).toEqual([]);
    expect(late.length).toBeLessThan(found.length / 2);
  });

  it('passes over what is no entry, and a line that is being written', async () => {
    writeFileSync(path, `${line(0)}{"at":"2026-11-${line(1)}${line(2)}null\n{"at":"20`);
    expect(await page()).toEqual({ ids: ['r2', 'r0'], unreadable: 2 });
  });

  it('says so when the file was renamed away or cut between two pages', async () => {
    writeFileSync(path, line(0) + line(1) + line(2));
    const { nextPageToken } = await page({ pageSize: 1 });
    renameSync(path, `${path}.1`);
    writeFileSync(path, line(3) + line(4) + line(5));
    await expect(page({ pageToken: nextPageToken })).rejects.toMatchObject({ code: 'pageTokenExpired', status: 409 });
    const { nextPageToken: ofNew } = await page({ pageSize: 1 });
    writeFileSync(path, line(9));
    await expect(page({ pageToken: ofNew })).rejects.toMatchObject({ code: 'pageTokenExpired' });
  });

  it('says where it is when it goes to standard output, or the file cannot be read', async () => {
    await expect(new AuditReader('-').page({}, signal)).rejects.toMatchObject({ code: 'auditNotReadable' });
    await expect(page()).rejects.toMatchObject({ code: 'auditNotReadable', message: /ENOENT/ as unknown as string });
  });

  it('takes little memory and time for the newest of a file of a gigabyte', async () => {
    const file = openSync(path, 'w');
    // A hole takes no disk.
    writeSync(file, line(0), 1024 ** 3);
    writeSync(file, line(1), 1024 ** 3 + Buffer.byteLength(line(0)));
    const before = process.memoryUsage().arrayBuffers;
    expect(await page({ pageSize: 1 })).toMatchObject({ ids: ['r1'] });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
  });
});

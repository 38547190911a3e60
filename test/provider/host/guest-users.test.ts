import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GUEST_UIDS, GuestUsers } from '../../../providers/qemu/machine/guest-users.ts';

describe('the user of a guest', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'eph-'));
  });
  afterEach(() => rm(dir, { recursive: true }));

  it('is its own, the same for every caller, and free again after its release', async () => {
    const ids = Array.from({ length: 50 }, (_, index) => `m-${index}`);
    const claimed = await Promise.all(ids.map((id) => new GuestUsers(dir).claim(id)));
    expect(new Set(claimed).size).toBe(ids.length);
    for (const uid of claimed) {
      expect(uid).toBeGreaterThanOrEqual(GUEST_UIDS.first);
      expect(uid).toBeLessThan(2 ** 31);
    }
    expect(await Promise.all(ids.map((id) => new GuestUsers(dir).claim(id)))).toEqual(claimed);
    const users = new GuestUsers(dir);
    for (const id of ids) await users.release(id);
    await users.release('m-never');
    expect(await readdir(dir)).toEqual([]);
  });

  it('is another one where the first is taken, and is found again after that was freed', async () => {
    const users = new GuestUsers(dir);
    const first = GUEST_UIDS.first + (createHash('sha256').update('m-1/0').digest().readUInt32BE(0) % GUEST_UIDS.count);
    await writeFile(join(dir, `${first}`), 'm-other');
    const uid = await users.claim('m-1');
    expect(uid).not.toBe(first);
    await users.release('m-1');
    expect(await readdir(dir)).toEqual([`${first}`]);
  });

  it('is one at a time for a machine that is claimed by many callers at once', async () => {
    const claims = Array.from({ length: 20 }, () => new GuestUsers(dir).claim('m-1'));
    expect(new Set(await Promise.all(claims)).size).toBe(1);
    expect(await readdir(dir)).toHaveLength(1);
  });
});

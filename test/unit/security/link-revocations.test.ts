import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  REVOKED_LINKS_FILE,
  isRevoked,
  readRevokedLinks,
  revokeLinks,
} from '../../../security/links/link-revocations.ts';

const LONGEST = { longestLinkSeconds: 100 };
let stateDir: string;
beforeEach(() => (stateDir = mkdtempSync(join(tmpdir(), 'eph-links-'))));
afterEach(() => rmSync(stateDir, { recursive: true }));

const opens = (project: string, name: string, issuedAt: number): boolean =>
  !isRevoked(readRevokedLinks(stateDir, project), { name, issuedAt });

it('what was made until then is taken back, of one VM or of the whole project, and nothing of another', async () => {
  expect(opens('default', 'lobby', 1000)).toBe(true);
  await revokeLinks(stateDir, { project: 'default', vm: 'lobby' }, { nowMs: 1000, ...LONGEST });
  expect(opens('default', 'lobby', 1000)).toBe(false);
  expect(opens('default', 'lobby', 1001)).toBe(true);
  expect(opens('default', 'arena', 1000)).toBe(true);
  expect(opens('games', 'lobby', 1000)).toBe(true);
  await revokeLinks(stateDir, { project: 'default', vm: null }, { nowMs: 2000, ...LONGEST });
  expect(opens('default', 'arena', 2000)).toBe(false);
  expect(opens('default', 'lobby', 2001)).toBe(true);
  expect(opens('games', 'arena', 1)).toBe(true);
  // A name that objects have by themselves is a name like others.
  expect(opens('default', 'constructor', 3000)).toBe(true);
  expect(opens('constructor', 'lobby', 1)).toBe(true);
  await revokeLinks(stateDir, { project: 'constructor', vm: 'lobby' }, { nowMs: 2000, ...LONGEST });
  expect(opens('constructor', 'lobby', 2000)).toBe(false);
});

it('of VMs it forgets what no link can be as old as, and the file is for its owner alone', async () => {
  await revokeLinks(stateDir, { project: 'default', vm: 'old' }, { nowMs: 1000, ...LONGEST });
  await revokeLinks(stateDir, { project: 'default', vm: 'new' }, { nowMs: 200_000, ...LONGEST });
  expect(readRevokedLinks(stateDir, 'default')).toEqual({ vms: { new: 200_000 } });
  expect(statSync(join(stateDir, REVOKED_LINKS_FILE)).mode & 0o077).toBe(0);
});

it('two at once are both kept', async () => {
  const names = Array.from({ length: 8 }, (_, index) => `vm-${index}`);
  await Promise.all(names.map((vm) => revokeLinks(stateDir, { project: 'default', vm }, { nowMs: 1000, ...LONGEST })));
  expect(Object.keys(readRevokedLinks(stateDir, 'default').vms).sort()).toEqual(names);
});

it('a damaged file is no empty one', () => {
  writeFileSync(join(stateDir, REVOKED_LINKS_FILE), '{"projects":');
  expect(() => readRevokedLinks(stateDir, 'default')).toThrow(/damaged/);
});

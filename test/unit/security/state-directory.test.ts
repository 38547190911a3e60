import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { makeStateDirectoryPrivate } from '../../../security/state-directory.ts';

const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;
const OTHER = 65_533;

let parent: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'eph-'));
  // Others get as far as the state directory itself.
  chmodSync(parent, 0o755);
});
afterEach(() => {
  rmSync(parent, { recursive: true, force: true });
});

const modeOf = (path: string): number => statSync(path).mode & 0o777;
const openDirectory = (name: string, mode = 0o755): string => {
  const path = join(parent, name);
  mkdirSync(path);
  chmodSync(path, mode);
  return path;
};

describe('the state directory', () => {
  it('is made for its user alone', () => {
    const path = join(parent, 'new', 'state');
    expect(makeStateDirectoryPrivate(path)).toBe(false);
    expect(modeOf(path)).toBe(0o700);
  });

  it.each([0o755, 0o750, 0o777, 0o701])('that was there before with mode %o is shut for other users', (mode) => {
    const path = openDirectory('empty', mode);
    expect(makeStateDirectoryPrivate(path)).toBe(true);
    expect(modeOf(path)).toBe(0o700);
    expect(makeStateDirectoryPrivate(path)).toBe(false);
  });

  it.skipIf(!isRoot)('of an earlier version shows its Temporal file to no other user any more', () => {
    const path = openDirectory('used');
    for (const file of ['secret-key', 'temporal.db']) writeFileSync(join(path, file), 'secret', { mode: 0o644 });
    const readIt = (): string =>
      execFileSync('/bin/cat', [join(path, 'temporal.db')], { uid: NOBODY, gid: NOBODY, stdio: 'pipe' }).toString();
    expect(readIt()).toBe('secret');
    expect(makeStateDirectoryPrivate(path)).toBe(true);
    expect(readIt).toThrow('Permission denied');
  });

  it.skipIf(!isRoot)('in which others could write is refused where one of them put a secret that he knows', () => {
    const path = openDirectory('writable', 0o777);
    chownSync(path, NOBODY, NOBODY);
    writeFileSync(join(path, 'secret-key'), '00'.repeat(32), { mode: 0o644 });
    chownSync(join(path, 'secret-key'), OTHER, OTHER);
    const asNobody = (): boolean => {
      const getuid = vi.spyOn(process, 'getuid').mockReturnValue(NOBODY);
      process.seteuid?.(NOBODY);
      try {
        return makeStateDirectoryPrivate(path);
      } finally {
        process.seteuid?.(0);
        getuid.mockRestore();
      }
    };
    expect(asNobody).toThrow(/secret-key is of another user/);
    expect(modeOf(path)).toBe(0o777);
    chownSync(join(path, 'secret-key'), NOBODY, NOBODY);
    expect(asNobody()).toBe(true);
  });

  it.skipIf(!isRoot)('is refused to root, and left as it is, where it holds what is not of Ephemera', () => {
    const path = openDirectory('system');
    mkdirSync(join(path, 'postgresql'));
    expect(() => makeStateDirectoryPrivate(path)).toThrow(/holds more than Ephemera's files: name one of its own/);
    expect(modeOf(path)).toBe(0o755);
  });
});

describe('what npm start starts', () => {
  it('writes files for its own user alone', () => {
    const file = join(parent, 'file');
    const program = `import { writeForOwnUserOnly } from '${join(import.meta.dirname, '../../../security/state-directory.ts')}';
      import { execFileSync } from 'node:child_process';
      writeForOwnUserOnly();
      execFileSync('/bin/sh', ['-c', 'echo hello >"$0"', process.argv[2]]);`;
    const script = join(parent, 'writes.mts');
    writeFileSync(script, program);
    const environment = { ...process.env, NODE_OPTIONS: '' };
    execFileSync(process.execPath, ['--import', import.meta.resolve('tsx'), script, file], { env: environment });
    expect(existsSync(file)).toBe(true);
    expect(modeOf(file)).toBe(0o600);
  });
});

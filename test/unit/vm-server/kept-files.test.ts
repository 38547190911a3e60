import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { KeptFiles } from '../../../vm-server/agent/kept-files.ts';
import { tempDir } from '../../../test-support/vm-server-processes.ts';

describe('what an agent keeps on a disk', () => {
  it('is read by the same machine again, and is for its owner alone', () => {
    const dir = tempDir();
    for (const key of [null, 'key-1']) {
      new KeptFiles(dir, key).write('agent-token', 'the token ü');
      expect(new KeptFiles(dir, key).read('agent-token')).toBe('the token ü');
      expect(statSync(join(dir, 'agent-token')).mode & 0o777).toBe(0o600);
    }
  });

  it('says nothing to whoever has the disk without the key of its machine, and goes where another machine has it', () => {
    const dir = tempDir();
    const file = join(dir, 'agent-token');
    new KeptFiles(dir, 'key-1').write('agent-token', 'the token');
    const content = readFileSync(file);
    expect(content.toString()).not.toContain('token');
    expect(Buffer.from(content.toString(), 'base64url').toString()).not.toContain('token');
    expect(new KeptFiles(dir, 'key-2').read('agent-token')).toBeUndefined();
    expect(existsSync(file)).toBe(false);
  });

  it('is not taken from a file that its machine did not write, or wrote under another name', () => {
    const dir = tempDir();
    const kept = new KeptFiles(dir, 'key-1');
    const file = join(dir, 'agent-token');
    for (const forged of ['', 'x', 'a token of an earlier version, in plain text', 'A'.repeat(60)]) {
      writeFileSync(file, forged);
      expect(kept.read('agent-token'), forged).toBeUndefined();
    }
    kept.write('assignment.json', '{}');
    writeFileSync(file, readFileSync(join(dir, 'assignment.json')));
    expect(kept.read('agent-token')).toBeUndefined();
    expect(kept.read('nothing')).toBeUndefined();
  });

  it('is sealed anew each time', () => {
    const dir = tempDir();
    const kept = new KeptFiles(dir, 'key-1');
    const contents = [1, 2].map(() => {
      kept.write('agent-token', 'same');
      return readFileSync(join(dir, 'agent-token'), 'utf8');
    });
    expect(new Set(contents).size).toBe(2);
  });
});

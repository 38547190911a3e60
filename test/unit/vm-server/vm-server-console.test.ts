import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { capConsole } from '../../../vm-server/log.ts';
import { randomBytes, randomFraction } from '../../../vm-server/randomness.ts';

describe('the console file', () => {
  let dir: string;
  let path: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'vm-server-console-'));
    path = join(dir, 'console.log');
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  it('keeps whole lines of its newer half when it is too large', () => {
    const lines = Array.from({ length: 100 }, (_, number) => `line ${number}`);
    writeFileSync(path, `${lines.join('\n')}\n`);
    const { ino } = statSync(path);
    capConsole(path, 400);
    const kept = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(kept).toEqual(lines.slice(-kept.length));
    expect(kept.length).toBeGreaterThan(15);
    expect(statSync(path).size).toBeLessThanOrEqual(200);
    expect(statSync(path).ino).toBe(ino);
  });

  it('is left alone while it is small, and when there is none', () => {
    writeFileSync(path, 'one\n');
    capConsole(path, 400);
    expect(readFileSync(path, 'utf8')).toBe('one\n');
    expect(() => capConsole(join(dir, 'none'), 400)).not.toThrow();
  });
});

describe('randomness', () => {
  it('differs from call to call', () => {
    expect(randomBytes(16).equals(randomBytes(16))).toBe(false);
    expect(randomBytes(16)).toHaveLength(16);
  });

  it('makes fractions below 1', () => {
    const fractions = Array.from({ length: 100 }, randomFraction);
    expect(fractions.every((fraction) => fraction >= 0 && fraction < 1)).toBe(true);
    expect(new Set(fractions).size).toBeGreaterThan(90);
  });
});

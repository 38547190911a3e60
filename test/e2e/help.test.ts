import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { inParallel } from '../../lib/waiting/in-parallel.ts';
import { describeSettings } from '../../config/describe-settings.ts';

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '../..');
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
const OURS = Object.entries(scripts).flatMap(([name, line]) => {
  const file = /with-packages\.mjs ((?:commands|dev)\/[\w-]+\.ts)$/.exec(line)?.[1];
  return file === undefined ? [] : { name, file };
});

async function helpOf(file: string): Promise<string> {
  // Wrong settings of the shell do not keep anybody from reading how to set them.
  const env = {
    PATH: process.env['PATH'],
    EPHEMERA_API_PORT: 'wrong',
    EPHEMERA_STATE_DIR: join(tmpdir(), 'never-made'),
  };
  return (await run(process.execPath, ['--import', 'tsx', file, '--help'], { cwd: ROOT, env })).stdout;
}

describe('--help', () => {
  it('of every script says what it does, how it is written, its flags with their defaults, and examples', async () => {
    expect(OURS.length).toBeGreaterThan(16);
    const texts = new Map<string, string>();
    await inParallel(OURS, 4, async ({ name, file }) => void texts.set(name, await helpOf(file)));
    for (const [name, text] of texts) {
      const command = ['start', 'test'].includes(name) ? `npm ${name}` : `npm run ${name}`;
      expect(text.split('\n')[0], name).toMatch(/^.{20,}$/);
      expect(text, name).toContain(`\nUsage:\n  ${command}`);
      expect(text, name).toContain('\nExamples:\n');
      const flags = /\nFlags:\n([^]*?)\n\n/.exec(text)?.[1]?.split('\n') ?? [];
      const switches = flags.filter((line) => /^ +--/.test(line));
      expect(
        switches.filter((line) => !/\(default: |always needed/.test(line)),
        name,
      ).toEqual([]);
    }
    expect(texts.get('demo')).not.toBe(texts.get('start'));
    expect(texts.get('start')).toContain(describeSettings());
  }, 120_000);
});

describe('the settings, as npm start lists them,', () => {
  it('show what each is when nobody sets it', () => {
    const text = describeSettings();
    for (const [flag, preset] of [
      ['--api-port', '7400'],
      ['--provider', 'local'],
      ['--worker-roles', 'control,host'],
      ['--state-dir', '.ephemera in the checkout, or ~/.local/state/ephemera'],
      ['--temporal-namespace', 'ephemera'],
    ]) {
      expect(text).toMatch(new RegExp(`  ${flag}  \\w+\\n.*\\(default: ${preset}\\)`));
    }
  });
});

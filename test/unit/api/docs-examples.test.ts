import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createVmSchema } from '../../../api/schemas/spec.ts';
import { normaliseSpec } from '../../../api/vms/create/normalise-spec.ts';
import { createExamples } from '../../../test-support/docs-examples.ts';

const specOf = (body: unknown, providers: string[]) => normaliseSpec(createVmSchema.parse(body), providers);

describe('the creates that the documentation shows', () => {
  it('of README and the pages for beginners are taken as they are', () => {
    const examples = ['README.md', 'docs/first-vm.md', 'docs/secrets.md'].flatMap((file) => createExamples(file));
    expect(examples.length).toBeGreaterThanOrEqual(3);
    for (const body of examples) {
      const { provider = 'local' } = body as { provider?: string };
      expect(specOf(body, [provider]).provider).toBe(provider);
    }
  });

  it('of docs/google-cloud.md are taken by a deployment with that provider', () => {
    const examples = createExamples('docs/google-cloud.md');
    expect(examples.length).toBeGreaterThanOrEqual(1);
    for (const body of examples) expect(specOf(body, ['gcp']).provider).toBe('gcp');
  });
});

it('the startup script of docs/secrets.md needs no program besides a shell, so it runs in the built-in guest too', () => {
  const example = createExamples('docs/secrets.md').find((body) => 'startupScript' in body);
  const { startupScript, env, secretEnv } = example as {
    startupScript: string;
    env: Record<string, string>;
    secretEnv: Record<string, string>;
  };
  const directory = mkdtempSync(join(tmpdir(), 'eph-readme-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  expect(startupScript).toMatch(/^#!\/bin\/sh -e\n/);
  const script = startupScript.replaceAll('/tmp/', `${directory}/`);
  const printed = execFileSync('/bin/sh', ['-e', '-c', script], {
    encoding: 'utf8',
    env: { ...env, ...secretEnv, PATH: join(directory, 'no-programs') },
  });
  const [secret = ''] = Object.values(secretEnv);
  expect(printed).not.toBe('');
  expect(printed).not.toContain(secret);
  const written = join(directory, 'lobby.conf');
  expect(existsSync(written)).toBe(true);
  expect(readFileSync(written, 'utf8')).toContain(secret);
});

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CODE_ROOT } from '../../../lib/processes/checkout.ts';
import { PROVIDERS } from '../../../providers/registry.ts';

const CLOUDS = PROVIDERS.filter(({ placement }) => placement === 'zone').map(({ name }) => name);

/** Without any setting, login or metadata service. */
function live(cloud: string): Promise<{ failed: boolean; said: string }> {
  const env = { PATH: process.env['PATH'], HOME: '/nonexistent', METADATA_SERVER_DETECTION: 'none' };
  const args = ['--import', 'tsx', 'dev/test-live.ts', cloud];
  return new Promise((resolve) =>
    execFile(process.execPath, args, { cwd: CODE_ROOT, env }, (error, stdout, stderr) =>
      resolve({ failed: error?.code === 1, said: stdout + stderr }),
    ),
  );
}

describe('npm run test:CLOUD-live', () => {
  it('is there for every cloud', () => {
    const { scripts } = JSON.parse(readFileSync(join(CODE_ROOT, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    for (const name of CLOUDS) expect(scripts[`test:${name}-live`]).toMatch(new RegExp(`dev/test-live\\.ts ${name}$`));
  });

  it('makes nothing before an account is named, says what it needs, and knows no other cloud', async () => {
    const asked = [...CLOUDS, 'moon'].map(async (name) => ({ name, ...(await live(name)) }));
    for (const { name, failed, said } of await Promise.all(asked)) {
      const needs = /EPHEMERA_\w+: [^]*they cost money|The live tests cannot run yet:/;
      expect(said, name).toMatch(name === 'moon' ? /there is no cloud moon; there is: gcp/ : needs);
      expect(failed, name).toBe(true);
    }
  });
}, 90_000);

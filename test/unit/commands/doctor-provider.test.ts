import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { CODE_ROOT } from '../../../lib/processes/checkout.ts';

function doctor(...words: string[]): { code: number | null; said: string } {
  const args = ['--import', 'tsx', 'commands/doctor.ts', ...words];
  const { status, stderr, stdout } = spawnSync(process.execPath, args, { cwd: CODE_ROOT, encoding: 'utf8' });
  return { code: status, said: stdout + stderr };
}

describe('npm run doctor -- PROVIDER', () => {
  it('names the providers that there are where it is asked for another one', () => {
    const asked = doctor('moon');
    expect(asked.said).toMatch(/unknown: moon; providers: local, .*gcp/);
    expect(asked.code).toBe(1);
    expect(doctor('gcp', 'moon').said).toContain('unknown: gcp moon');
  });

  it('says that nobody can be asked about machines of this computer', () => {
    const asked = doctor('local');
    expect(asked.said).toContain('nothing to ask of local');
    expect(asked.code).toBe(1);
  });
}, 60_000);

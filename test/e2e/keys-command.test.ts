import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadDeploymentSecret } from '../../security/sealing/deployment-secret.ts';
import { JoinTokens } from '../../security/hosts/join-tokens.ts';
import { ApiKeyStore } from '../../security/keys/api-keys.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
let stateDir: string;

beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'ephemera-keys-command-'));
});
afterAll(() => rm(stateDir, { recursive: true }));

/** As `npm run keys -- …` runs it. */
function keys(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], EPHEMERA_STATE_DIR: stateDir };
  return run(process.execPath, ['--import', 'tsx', 'commands/keys.ts', ...args], { cwd: ROOT, env });
}

const known = (key: string) => new ApiKeyStore({ stateDir }).verify(key);

describe('npm run keys', () => {
  it('makes, lists, rotates and revokes keys, and shows each key once', async () => {
    const added = await keys('add', '--project', 'games', '--role', 'operator', '--label', 'the lobby');
    const key = added.stdout.trim();
    expect(known(key)).toMatchObject({ project: 'games', role: 'operator' });
    const id = key.split('_')[1] ?? '';
    const listed = (await keys('list')).stdout;
    expect(listed).toContain(`${id}  games`);
    expect(listed).toContain('the lobby');
    expect(listed).toContain(key.slice(-4));
    expect(listed + (await readFile(join(stateDir, 'keys.json'), 'utf8'))).not.toContain(key.slice(13));
    const rotated = (await keys('rotate', id, '--expires', '30d')).stdout.trim();
    expect([known(key), known(rotated)?.project]).toEqual([undefined, 'games']);
    await keys('revoke', rotated.split('_')[1] ?? '');
    expect(known(rotated)).toBeUndefined();
    expect((await keys('list')).stdout.match(/revoked/g)).toHaveLength(2);
  });

  it('loses no key when several are made at the same moment', async () => {
    const all = await Promise.all(
      Array.from({ length: 4 }, () => keys('add', '--project', 'rush', '--role', 'viewer')),
    );
    for (const { stdout } of all) expect(known(stdout.trim())).toMatchObject({ project: 'rush' });
  });

  it('makes a join token where there is a deployment', async () => {
    await expect(keys('join')).rejects.toThrow('has no deployment');
    const secret = loadDeploymentSecret({ stateDir, secretKey: null });
    const { stdout, stderr } = await keys('join', '--deployment', 'blue', '--api-url', 'https://api.example.com');
    expect(new JoinTokens(secret, 'blue').verify(stdout.trim(), Date.now())).toHaveProperty('claims');
    expect(stderr).toContain(`EPHEMERA_JOIN_TOKEN=${stdout.trim()} npm run host -- --join https://api.example.com`);
  });

  it('says what is wrong, and changes nothing', async () => {
    const before = await readFile(join(stateDir, 'keys.json'), 'utf8');
    for (const [args, said] of [
      [['add', '--project', 'a/b', '--role', 'viewer'], '--project must be'],
      [['add', '--project', 'games', '--role', 'root'], '--role must be one of'],
      [['add', '--project', 'games', '--role', 'viewer', '--expires', '2001-01-01'], '--expires must be'],
      [['add', '--project', 'games', '--role', 'viewer', '--label', '\u001b[2J'], '--label must be'],
      [['revoke', 'nobody'], 'there is no key nobody'],
      [['add', '--role', 'viewer'], '--project is missing'],
      [['add', '--project', 'games'], '--role is missing'],
      [['revoke'], 'npm run keys -- list'],
      [['--nonsense'], 'npm run keys -- list'],
    ] as const) {
      const failed = await keys(...args).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect([args, failed]).toMatchObject([args, { code: 1, stderr: expect.stringContaining(said) as string }]);
    }
    expect(await readFile(join(stateDir, 'keys.json'), 'utf8')).toBe(before);
  }, 120_000);
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deriveKey, loadDeploymentSecret } from '../../../security/sealing/deployment-secret.ts';

let stateDir: string;
beforeEach(() => {
  stateDir = join(mkdtempSync(join(tmpdir(), 'ephemera-secret-')), 'state');
});
afterEach(() => rmSync(join(stateDir, '..'), { recursive: true }));

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

async function secretInAnotherProcess(): Promise<string> {
  const script = `import { loadDeploymentSecret } from './security/sealing/deployment-secret.ts';
    const secret = loadDeploymentSecret({ secretKey: null, stateDir: process.argv[1] });
    process.stdout.write(Buffer.from(secret).toString('hex'));`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script, stateDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(child, 'close');
  return Buffer.concat(chunks).toString();
}

describe('the deployment secret', () => {
  it('is made at the first start, for its owner alone, and stays', () => {
    const first = loadDeploymentSecret({ secretKey: null, stateDir });
    expect(first).toHaveLength(32);
    expect(statSync(join(stateDir, 'secret-key')).mode & 0o777).toBe(0o600);
    expect(loadDeploymentSecret({ secretKey: null, stateDir })).toEqual(first);
  });

  it('is the same for processes that start at once', async () => {
    const secrets = await Promise.all([1, 2, 3].map(() => secretInAnotherProcess()));
    expect(secrets[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(new Set(secrets).size).toBe(1);
  });

  it('is taken from the settings as hex or base64', () => {
    const bytes = Buffer.alloc(32, 7);
    for (const secretKey of [bytes.toString('hex'), bytes.toString('base64')]) {
      expect(hex(loadDeploymentSecret({ secretKey, stateDir }))).toBe(bytes.toString('hex'));
    }
  });

  it('says what to do when the kept file is damaged', () => {
    loadDeploymentSecret({ secretKey: null, stateDir });
    writeFileSync(join(stateDir, 'secret-key'), 'oops');
    expect(() => loadDeploymentSecret({ secretKey: null, stateDir })).toThrow(/secret-key must be 32 bytes or more/);
  });

  it('gives each purpose a key of its own', () => {
    const secret = new Uint8Array(32).fill(1);
    expect(hex(deriveKey(secret, 'one'))).toBe(hex(deriveKey(secret, 'one')));
    expect(hex(deriveKey(secret, 'one'))).not.toBe(hex(deriveKey(secret, 'two')));
    expect(deriveKey(secret, 'one')).toHaveLength(32);
  });
});

/** The commands of docs/first-vm.md, as they stand there, in their order, against a running deployment. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startStack, type Stack } from '../../test-support/stack.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';

const ROOT = resolve(import.meta.dirname, '../..');

let server: TestServer;
let stack: Stack;
let folder: string;

beforeAll(async () => {
  server = await startTestServer();
  stack = await startStack({ server });
  folder = await mkdtemp(join(tmpdir(), 'eph-docs-'));
});
afterAll(async () => {
  await stack.stop();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

/** As typed in the checkout by somebody who set no more than where the deployment is. */
function typed(commands: string): Promise<{ code: number; output: string }> {
  const env = {
    ...{ PATH: process.env['PATH'], HOME: folder, EPHEMERA_STATE_DIR: join(folder, 'nothing-here') },
    ...{ EPHEMERA_API_URL: stack.apis[0]!.url, EPHEMERA_API_KEY: stack.apiKey },
  };
  return new Promise((done) => {
    execFile('bash', ['-euc', commands], { cwd: ROOT, env, timeout: 120_000 }, (error, stdout, stderr) =>
      done({ code: error === null ? 0 : Number(error.code ?? -1), output: stdout + stderr }),
    );
  });
}

async function blocksOf(file: string): Promise<string[]> {
  const text = await readFile(join(ROOT, file), 'utf8');
  return [...text.matchAll(/```sh\n([^]*?)```/g)].map(([, block = '']) => block);
}

describe('docs/first-vm.md', () => {
  it('has commands that do what it says, one after the other', async () => {
    const [start, ...blocks] = await blocksOf('docs/first-vm.md');
    // What runs already; test/e2e/start.test.ts is about it.
    expect(start).toBe('npm start\n');
    const outputs: string[] = [];
    for (const block of blocks) {
      const { code, output } = await typed(block);
      expect([code, block, output]).toEqual([0, block, output]);
      outputs.push(output);
    }
    const [created, seen, held, inside, gone, byCurl] = outputs;
    expect(created).toMatch(/lobby/);
    expect(seen).toMatch(/running/);
    expect(held).toMatch(/lobby/);
    expect(inside).toContain('hello from inside');
    expect(gone).toMatch(/destroyed.*requested|requested.*destroyed/s);
    expect(byCurl).toContain('"state":"destroyed"');
    const { body } = await stack.calls.listVms();
    expect(body.vms).toEqual([]);
  }, 180_000);
});

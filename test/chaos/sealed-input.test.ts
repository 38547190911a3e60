/** Sealed input on local machines, with the real worker, API and Temporal server. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import type { VmView } from '../../domain/vm-view.ts';
import { startStack, type Stack } from '../stack.ts';
import { startTestServer, type TestServer } from '../temporal-server.ts';

let server: TestServer;
let stack: Stack;
beforeAll(async () => {
  server = await startTestServer();
  stack = await startStack({ server });
});
afterAll(async () => {
  await stack.stop();
  await server.stop();
});

const newName = (): string => `vm-${randomUUID().slice(0, 8)}`;

/** Says on the console what it was given, and that it runs. */
const SCRIPT = 'echo "ran with $GREETING and $TOKEN as $(id -u), line \\"$0\\""\n';

async function consoleOf(name: string): Promise<string> {
  return String((await stack.call('GET', `/v1/vms/${name}/console`)).body['text']);
}

async function pageOf({ address }: VmView): Promise<string> {
  return (await fetch(`http://${address!.ip}:8080/`)).text();
}

describe('sealed input of a machine', () => {
  it('is in the environment of script and app, before the VM is ready', async () => {
    onTestFailed(async () => console.log(await stack.logs()));
    const spec = {
      name: newName(),
      template: 'chat',
      env: { GREETING: 'hello' },
      secretEnv: { TOKEN: 'the-token', CHAT_TITLE: 'the-title' },
      startupScript: SCRIPT,
    };
    const made = await stack.call('POST', '/v1/vms?wait=ready&timeoutSeconds=60', spec);
    expect(made.status, JSON.stringify(made.body)).toBe(201);
    expect(made.body.spec.sealed).toEqual({ secretEnvNames: ['CHAT_TITLE', 'TOKEN'], startupScript: true });
    expect(await consoleOf(spec.name)).toContain('ran with hello and the-token');
    expect(await pageOf(made.body)).toContain('the-title');
  });
});

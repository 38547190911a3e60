import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { joinChat } from '../../test-support/chat-client.ts';
import { seeVm, startStack, type Stack } from '../../test-support/stack.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';

/** Says what an earlier boot of this machine has left, and leaves something for the next one. */
const REMEMBERS = `#!/bin/sh -e
cd "$EPHEMERA_DATA_DIR"
echo "found: $(cat kept 2>/dev/null || echo nothing)"
echo "$WORD" > kept
`;

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

describe.each(['unix', 'http'] as const)('a VM that is stopped, with agents that report over %s', (agentTransport) => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({ server, agentTransport });
  });
  afterAll(() => stack.stop());

  it('has after its start what was written before its stop, and its secrets again', async () => {
    onTestFailed(async () => console.log(await stack.logs()));
    const name = `vm-${randomUUID().slice(0, 8)}`;
    const word = randomUUID();
    const body = { name, template: 'chat', secretEnv: { WORD: word }, startupScript: REMEMBERS };
    const made = await stack.calls.createVm(body, { wait: 'ready', timeoutSeconds: 60 });
    expect(made.status, JSON.stringify(made.body)).toBe(201);
    expect((await stack.calls.getConsole(name)).body.text).toContain('found: nothing');
    expect((await stack.calls.stopVm(name)).status).toBe(200);
    const stopped = await seeVm(stack, name, 'stopped', ({ state }) => state === 'stopped');
    expect(stopped).toMatchObject({ machineId: made.body.machineId, keeps: ['disk'] });
    await expect(fetch(`http://${made.body.address!.ip}:8080/healthz`)).rejects.toThrow();
    await stack.worker.kill();
    await stack.worker.start();
    const again = await stack.calls.createVm(body, { wait: 'ready', timeoutSeconds: 60 });
    expect(again.status, JSON.stringify(again.body)).toBe(200);
    expect(again.body).toMatchObject({ startedFrom: 'stopped', machineId: made.body.machineId, state: 'running' });
    expect((await stack.calls.getConsole(name)).body.text).toContain(`found: ${word}`);
    const { ip, ports } = again.body.address!;
    const ann = await joinChat(ip, ports[0]!.port, 'lobby', 'ann');
    await seeVm(stack, name, 'its user counted', ({ connections }) => connections === 1);
    expect(await stack.calls.stopVm(name)).toMatchObject({ status: 409, body: { code: 'vmInUse' } });
    await ann.leave();
    expect((await stack.calls.destroyVm(name, { wait: 'destroyed' })).status).toBe(200);
    expect(await stack.machines()).toEqual([]);
  });
});

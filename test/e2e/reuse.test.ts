/** What a create without a name finds in a real machine that somebody else had before. */
import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { joinChat } from '../../test-support/chat-client.ts';
import { filesWith } from '../../test-support/secret-search.ts';
import { seeVm, startStack, type Stack } from '../../test-support/stack.ts';
import { putTemplate } from '../../test-support/trials/put-template.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';

const SPEC = { image: 'vm-server', ports: [{ name: 'http', port: 8080 }], idle: { action: 'stop' } };

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

describe.each(['unix', 'http'] as const)(
  'a VM that its user left, with agents that report over %s',
  (agentTransport) => {
    let stack: Stack;
    beforeAll(async () => {
      stack = await startStack({ server, agentTransport });
    });
    afterAll(() => stack.stop());

    it('is given to the next one without a file, a word or a process of the one before', async () => {
      onTestFailed(async () => console.log(await stack.logs()));
      const template = `t-${randomUUID().slice(0, 8)}`;
      await putTemplate(stack, template, { spec: SPEC, reuse: 'empty' });
      const wait = { wait: 'ready', timeoutSeconds: 60 } as const;
      const made = await stack.calls.createVm({ template }, wait);
      expect(made.status, JSON.stringify(made.body)).toBe(201);
      const { name, machineId, uid, address } = made.body;
      const machine = join(stack.stateDir, 'machines', machineId);
      const processOf = async (): Promise<string> =>
        String((JSON.parse(await readFile(join(machine, 'process.json'), 'utf8')) as { pid: number }).pid);

      const past = randomUUID();
      const firstProcess = await processOf();
      await writeFile(join(machine, 'data', 'notes'), past);
      const ann = await joinChat(address!.ip, address!.ports[0]!.port, 'lobby', past.slice(0, 8));
      await seeVm(stack, name, 'its user counted', ({ connections }) => connections === 1);
      await ann.leave();
      await seeVm(stack, name, 'its user gone', ({ connections }) => connections === 0);
      expect((await stack.calls.stopVm(name)).status).toBe(200);
      await seeVm(stack, name, 'stopped', ({ state }) => state === 'stopped');
      expect(await filesWith(machine, past)).toEqual(['data/notes']);

      const next = await stack.calls.createVm({ template }, wait);
      expect(next.status, JSON.stringify(next.body)).toBe(200);
      expect(next.body).toMatchObject({
        name,
        uid,
        machineId,
        state: 'running',
        startedFrom: 'stopped',
        connections: 0,
      });
      for (const word of [past, past.slice(0, 8)]) {
        expect(await filesWith(machine, word)).toEqual([]);
        expect((await stack.calls.getConsole(name)).body.text).not.toContain(word);
        expect(await readFile(`/proc/${await processOf()}/environ`, 'utf8')).not.toContain(word);
      }
      expect(await processOf()).not.toBe(firstProcess);
      await expect(readFile(`/proc/${firstProcess}/stat`)).rejects.toThrow();
      expect(await stack.machines()).toEqual([machineId]);

      const { ip, ports } = next.body.address!;
      const bea = await joinChat(ip, ports[0]!.port, 'lobby', 'bea');
      await seeVm(stack, name, 'the next user counted', ({ connections }) => connections === 1);
      await bea.leave();
      expect((await stack.calls.destroyVm(name, { wait: 'destroyed' })).status).toBe(200);
      expect(await stack.machines()).toEqual([]);
    });
  },
);

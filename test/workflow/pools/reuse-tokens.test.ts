/** What an agent had before its machine was reset for another create. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AgentTokens } from '../../../security/agents/agent-tokens.ts';
import { loadDeploymentSecret } from '../../../security/sealing/deployment-secret.ts';
import { eventually, uniqueName } from '../../../test-support/workflow/api-harness.ts';
import { startApiScene, type ApiScene } from '../../../test-support/workflow/api-scene.ts';

let scene: ApiScene;
beforeAll(async () => {
  scene = await startApiScene('reuse tokens');
});
afterAll(async () => {
  await scene.stop();
});

it('a token from before a reset counts nobody for the next one, and a new one does', async () => {
  const { api } = scene;
  const template = uniqueName('arena');
  const spec = { image: 'vm-server', ports: [{ name: 'http', port: 8080 }], idle: { action: 'stop' } };
  const put = await api.call('PUT', `/v1/templates/${template}`, { body: { spec, reuse: 'empty' } });
  expect(put.status, put.text).toBe(201);
  const create = () => api.call('POST', '/v1/vms?wait=ready&timeoutSeconds=60', { body: { template } });
  const made = await create();
  const { name, uid, machineId = '', workflowId } = made.body;
  expect(made.status, made.text).toBe(201);
  const tokens = new AgentTokens(loadDeploymentSecret(api.settings), api.settings.deployment);
  const token = (): string => tokens.issue('report', { workflowId, machineId }, Date.now());
  const said = async (key: string, connections: number): Promise<number> => {
    const body = { sequence: 5000 + connections, connections, ready: true, calmMs: 60_000, forwarded: null };
    return (await api.call('POST', '/v1/agent/report', { key, body })).status;
  };
  const now = async () => (await api.call('GET', `/v1/vms/${name}?fresh=true`)).body;
  const before = token();
  expect(await said(before, 0)).toBe(200);
  expect((await api.call('POST', `/v1/vms/${name}/stop`)).status).toBe(200);
  // What creates are given is chosen by what lists show.
  const stopped = async () => (await api.call('GET', '/v1/vms?state=stopped&pageSize=1000')).body.vms;
  await eventually('it is stopped', async () => (await stopped()).some((vm) => vm.uid === uid) || undefined, 60_000);
  const given = await create();
  expect([given.status, given.body.uid, given.body.machineId], given.text).toEqual([200, uid, machineId]);
  expect(given.body).not.toHaveProperty('resetAt');
  expect(await said(before, 41)).toBe(401);
  expect(await said(token(), 3)).toBe(200);
  await eventually('what it says now counts', async () => (await now()).connections === 3 || undefined, 60_000);
}, 120_000);

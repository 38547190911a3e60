/** cloud-init's datasource over HTTP: for a machine in its first boot, and for nobody else. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentTokens, datasourceUrl } from '../../../security/agents/agent-tokens.ts';
import { loadDeploymentSecret } from '../../../security/sealing/deployment-secret.ts';
import { fetchCloudInit, whyNoCloudInit } from '../../../test-support/cloud-init/cloud-init.ts';
import { eventually, uniqueName, type ApiAnswer, type TestApi } from '../../../test-support/workflow/api-harness.ts';
import { startApiScene, type ApiScene } from '../../../test-support/workflow/api-scene.ts';
import type { FakeMachines } from '../../../test-support/workflow/fake-machines.ts';

let scene: ApiScene;
let park: FakeMachines;
let api: TestApi;
let tokens: AgentTokens;

beforeAll(async () => {
  scene = await startApiScene('api datasource');
  ({ park, api } = scene);
  tokens = new AgentTokens(loadDeploymentSecret(api.settings), api.settings.deployment);
});
afterAll(() => scene.stop());
interface Booting {
  name: string;
  workflowId: string;
  machineId: string;
  /** The path of its datasource. */
  path: string;
}

/** A VM whose machine does not become ready: for ever, or until the park is woken. */
async function bootingVm(kind: 'hang' | 'deaf' = 'hang'): Promise<Booting> {
  park.faults.push({ name: 'awaitMachineReady', kind });
  const name = uniqueName();
  await api.call('POST', '/v1/vms', { body: { name, template: 'chat' } });
  const { machineId = '', workflowId } = await seen(name, 'booting');
  return { name, machineId, workflowId, path: pathOf({ machineId, workflowId }) };
}

function seen(name: string, state: string): Promise<ApiAnswer['body']> {
  return eventually(state, async () => {
    const { body } = await api.call('GET', `/v1/vms/${name}?fresh=true`);
    return body.state === state ? body : undefined;
  });
}

function pathOf(subject: { machineId: string; workflowId: string }, by = tokens, now = Date.now()): string {
  return new URL(datasourceUrl(by, api.url, subject, now)).pathname;
}

const ask = async (path: string): Promise<{ status: number; text: string }> => {
  const { status, text } = await api.call('GET', path, { key: null });
  return { status, text: text.replaceAll(/"requestId":"[^"]*"/g, '') };
};

describe('the datasource of a machine', () => {
  it('tells it in its first boot who it is, as often as it asks', async () => {
    const { path, machineId, name } = await bootingVm();
    for (let time = 0; time < 2; time++) {
      const { status, text } = await ask(`${path}meta-data`);
      expect(status).toBe(200);
      expect(JSON.parse(text)).toEqual({ 'instance-id': machineId, 'local-hostname': name });
    }
    expect((await ask(`${path}user-data`)).text).toMatch(/^#cloud-config\n/);
    expect((await ask(`${path}vendor-data`)).text).toMatch(/^#cloud-config\n/);
  });

  it('is closed once the machine has booted', async () => {
    const { path, name } = await bootingVm('deaf');
    expect((await ask(`${path}meta-data`)).status).toBe(200);
    park.wake();
    await seen(name, 'running');
    expect((await ask(`${path}meta-data`)).status).toBe(404);
  });

  it('answers a wrong, foreign, expired or used token, and a path that never was, alike', async () => {
    const [one, other] = [await bootingVm(), await bootingVm()];
    const { machineId, workflowId } = one;
    const token = one.path.split('/').at(-2)!;
    const nothing = await ask('/v1/nothing/at/all/here');
    expect(nothing.status).toBe(404);
    const anHourAgo = Date.now() - 3601 * 1000;
    const stranger = new AgentTokens(new Uint8Array(32), api.settings.deployment);
    const wrong = {
      'of another machine': `/v1/datasource/${other.machineId}/${token}/meta-data`,
      changed: `/v1/datasource/${machineId}/${token.slice(0, -2)}AA/meta-data`,
      expired: `${pathOf(one, tokens, anHourAgo)}meta-data`,
      'of another deployment': `${pathOf(one, stranger)}meta-data`,
      'of another kind': `/v1/datasource/${machineId}/${tokens.issue('bootstrap', { machineId, workflowId }, Date.now())}/meta-data`,
      'of a machine that is not the current one': `${pathOf({ machineId: 'm-earlier', workflowId })}meta-data`,
      'of a VM that never was': `${pathOf({ machineId, workflowId: 'vm/default/never-was' })}meta-data`,
      'with another file': `${one.path}passwords`,
    };
    for (const [what, path] of Object.entries(wrong)) expect(await ask(path), what).toEqual(nothing);
    await api.call('DELETE', `/v1/vms/${one.name}?wait=destroyed`);
    expect(await ask(`${one.path}meta-data`), 'used').toEqual(nothing);
  });

  it.skipIf(whyNoCloudInit())('is what cloud-init itself understands', async () => {
    const cloudInit = await fetchCloudInit();
    try {
      const { path, machineId, name } = await bootingVm();
      const url = new URL(path, api.url).href;
      const found = await cloudInit.read(url);
      expect(found).toMatchObject({ found: true, instanceId: machineId, hostname: name });
      expect(found.parts).toEqual(['text/cloud-config']);
    } finally {
      await cloudInit.remove();
    }
  });
});

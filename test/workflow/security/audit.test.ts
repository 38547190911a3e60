import { readFile, stat } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isMutation } from '../../../api/http/log/audit.ts';
import type { AuditEntry } from '../../../api/http/log/audit-log.ts';
import { revokeKey } from '../../../security/keys/key-changes.ts';
import {
  eventually,
  startTestApi,
  uniqueName,
  type ApiAnswer,
  type TestApi,
} from '../../../test-support/workflow/api-harness.ts';
import { startApiScene, type ApiScene } from '../../../test-support/workflow/api-scene.ts';
import { imageScene } from '../../../test-support/workflow/image-scene.ts';
import { ROUTE_CALLS, type RouteCall } from '../../../test-support/workflow/route-calls.ts';

const SECRET = `canary-${uniqueName()}`;
/** What is done to VMs; hosts that join have theirs in join.test.ts. */
const MUTATIONS = ROUTE_CALLS.filter(({ route }) => isMutation(route) && route.path.startsWith('/v1/vms'));
/** No machine of these tests has an agent: access.test.ts has what comes of those that reach into one. Links have targets and answers of their own. */
const DONE_HERE = MUTATIONS.filter(({ route }) => route.tag !== 'Access' && route.tag !== 'Links');
const TEMPLATE_MUTATIONS = ROUTE_CALLS.filter(
  ({ route }) => isMutation(route) && route.path.startsWith('/v1/templates'),
);

let scene: ApiScene;
let api: TestApi;
let stopKeeping: () => Promise<void>;

beforeAll(async () => {
  scene = await startApiScene('audit');
  ({ api } = scene);
  stopKeeping = await imageScene(scene.server, scene.queue, scene.park).startKeeping();
});
afterAll(async () => {
  await stopKeeping();
  await scene.stop();
});

const auditText = () => readFile(api.settings.api.auditLog, 'utf8').catch(() => '');

/** The lines of one request. */
async function linesOf(answer: ApiAnswer): Promise<AuditEntry[]> {
  const entries = (await auditText())
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as AuditEntry);
  return entries.filter(({ requestId }) => requestId === answer.headers.get('x-request-id'));
}

async function newVm(): Promise<string> {
  const { status, body } = await api.call('POST', '/v1/vms?wait=ready', {
    body: { name: uniqueName(), template: 'chat' },
  });
  expect(status).toBe(201);
  return body.name;
}

async function closed(vm: string): Promise<void> {
  expect((await api.call('POST', `/v1/vms/${vm}/close`)).status).toBe(200);
  await eventually(`${vm} closed`, async () => {
    return (await api.call('GET', `/v1/vms/${vm}`)).body.state === 'destroyed' || undefined;
  });
}

const send = ({ method, path, body }: RouteCall, vm: string, key?: string | null) =>
  api.call(method, path(vm), { ...(body === undefined ? {} : { body }), ...(key === undefined ? {} : { key }) });

describe('the audit log', () => {
  it('gets exactly one line for each change, with who, what and how it ended', async () => {
    for (const call of DONE_HERE) {
      const { operationId, path } = call.route;
      const vm = await newVm();
      if (operationId === 'undrainVm') await api.call('POST', `/v1/vms/${vm}/drain`);
      if (operationId === 'startVm') await api.call('POST', `/v1/vms/${vm}/stop`);
      if (operationId === 'reopenVm') await closed(vm);
      const answer = await send(call, vm, api.keys.admin);
      expect([operationId, answer.status]).toEqual([operationId, expect.toBeOneOf([200, 201, 202])]);
      expect(await linesOf(answer)).toEqual([
        {
          at: expect.stringMatching(/^\d{4}-.*Z$/) as string,
          requestId: answer.headers.get('x-request-id'),
          remoteAddress: '127.0.0.1',
          ...{ keyId: 'admin', role: 'admin', project: 'default' },
          ...{ action: operationId, method: call.method, path, status: answer.status },
          ...{ vm: answer.body.name, workflowId: answer.body.workflowId, uid: answer.body.uid },
        },
      ]);
    }
    expect(MUTATIONS.length).toBeGreaterThanOrEqual(5);
  });

  it('gets exactly one line for each attempt that is refused', async () => {
    const vm = await newVm();
    for (const call of MUTATIONS) {
      const { operationId } = call.route;
      const line = async (answer: ApiAnswer, expected: Partial<AuditEntry>) => {
        const [entry, ...more] = await linesOf(answer);
        expect([operationId, entry, more]).toMatchObject([
          operationId,
          { action: operationId, status: answer.status, code: answer.body.code, ...expected },
          [],
        ]);
      };
      const stranger = await send(call, vm, null);
      await line(stranger, { status: 401, code: 'unauthenticated' });
      expect((await linesOf(stranger))[0]).not.toHaveProperty('keyId');
      await line(await send(call, vm, api.keys.viewer), { status: 403, code: 'forbidden', keyId: 'viewer' });
      if (operationId === 'createVm') {
        await line(await api.call('POST', '/v1/vms', { body: { name: 'NOT A NAME' } }), { status: 400 });
        const conflict = { name: vm, template: 'chat', maxLifetimeSeconds: 4242 };
        await line(await api.call('POST', '/v1/vms', { body: conflict }), { status: 409, vm });
      } else {
        const missing = uniqueName('none');
        await line(await send(call, missing), { status: 404, vm: missing, workflowId: `vm/default/${missing}` });
      }
    }
  });

  it('names the template that was changed', async () => {
    expect(TEMPLATE_MUTATIONS.map(({ route }) => route.operationId)).toEqual(['putTemplate', 'deleteTemplate']);
    const name = uniqueName('template');
    for (const call of TEMPLATE_MUTATIONS) {
      const answer = await send(call, name);
      expect(await linesOf(answer)).toMatchObject([
        { action: call.route.operationId, status: answer.status, target: { name } },
      ]);
      expect(answer.status).toBeLessThan(300);
    }
  });

  it('names the key of who tries a revoked one', async () => {
    const second = await startTestApi(scene.server, 'nobody-works-here');
    try {
      await revokeKey(second.settings.stateDir, 'other', Date.now() - 1);
      await new Promise((resolve) => setTimeout(resolve, 1100));
      const answer = await second.call('DELETE', '/v1/vms/lobby', { key: second.keys.other });
      expect(answer.status).toBe(401);
      const text = await readFile(second.settings.api.auditLog, 'utf8');
      expect(JSON.parse(text)).toMatchObject({ keyId: 'other', project: 'other', status: 401, vm: 'lobby' });
    } finally {
      await second.close();
    }
  });

  it('has no line for what changes nothing', async () => {
    const vm = await newVm();
    const before = await auditText();
    for (const call of ROUTE_CALLS.filter(({ route }) => !isMutation(route) && route.operationId !== 'drySweep')) {
      await send(call, vm);
    }
    expect(await auditText()).toBe(before);
  });

  it('never has a secret or a body in it, and is for its owner alone', async () => {
    const body = { template: 'chat', env: { TOKEN: SECRET }, labels: { note: SECRET } };
    expect((await api.call('POST', '/v1/vms', { body })).status).toBe(201);
    await api.call('POST', '/v1/vms', { body: { name: SECRET.toUpperCase(), env: { TOKEN: SECRET } } });
    await api.call('POST', `/v1/vms?wait=${SECRET}`, { body });
    const text = await auditText();
    for (const secret of [SECRET, SECRET.toUpperCase(), ...Object.values(api.keys)]) expect(text).not.toContain(secret);
    expect((await stat(api.settings.api.auditLog)).mode & 0o777).toBe(0o600);
  });
});

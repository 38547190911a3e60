/** What the agent of a machine that waits in a pool may say to the API, and until when. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPoolActivities } from '../../../activities/control/pool-activities.ts';
import { createTemplateActivities } from '../../../activities/control/template-activities.ts';
import { poolListSchema, type ApiPool } from '../../../api/schemas/pool.ts';
import { warmWorkflowId } from '../../../domain/wire-names.ts';
import { gcp } from '../../../providers/gcp/descriptor.ts';
import { ownSettings } from '../../../providers/lookup.ts';
import { AgentTokens, type AgentTokenKind } from '../../../security/agents/agent-tokens.ts';
import { InstanceBindings } from '../../../security/agents/instance-proofs.ts';
import { loadDeploymentSecret } from '../../../security/sealing/deployment-secret.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { INSTANCE, newSigner, tokenBy } from '../../../test-support/gce-identity-tokens.ts';
import { uniqueName, type ApiAnswer } from '../../../test-support/workflow/api-harness.ts';
import { startApiScene, type ApiScene } from '../../../test-support/workflow/api-scene.ts';
import { runWorker } from '../../../test-support/workflow/vm-harness.ts';
import { temporalTemplates } from '../../../worker/temporal/temporal-templates.ts';

const REPORT = { sequence: 7, connections: 3, ready: true, calmMs: 0, forwarded: null };
const signer = newSigner('k1');
let keys: Server;
let scene: ApiScene;
let stopTelling: () => Promise<void>;

beforeAll(async () => {
  keys = createServer((_request, response) => response.end(JSON.stringify({ keys: [signer.jwk] })));
  keys.listen(0, '127.0.0.1');
  await once(keys, 'listening');
  scene = await startApiScene('api waiting machines', {
    instanceKeysUrl: `http://127.0.0.1:${(keys.address() as AddressInfo).port}/certs`,
    change: (settings) => {
      ownSettings(settings, gcp).project = 'p1';
    },
  });
  const { server, queue: taskQueue } = scene;
  const activities = {
    ...createTemplateActivities(temporalTemplates(server.client, taskQueue)),
    ...createPoolActivities(() => Promise.resolve([])),
  };
  stopTelling = await runWorker(server, { taskQueue, activities });
});
afterAll(async () => {
  await stopTelling();
  await scene.stop();
  keys.close();
});

async function pool(template: string): Promise<ApiPool | undefined> {
  const { body } = await scene.api.call('GET', '/v1/pools');
  return poolListSchema.parse(body).pools.find((one) => one.template === template);
}

/** A pool of one machine, which has been made; its agent has not said anything. */
async function newWaiting(): Promise<{ template: string; machineId: string; workflowId: string }> {
  const { park, api } = scene;
  park.faults.push({ name: 'awaitMachineReady', kind: 'hang' });
  const template = uniqueName('arena');
  const spec = { image: 'vm-server', ports: [{ name: 'http', port: 8080 }] };
  const known = new Set(park.machines.keys());
  const warm = { min: 1, max: 1, ttlSeconds: 600 };
  const put = await api.call('PUT', `/v1/templates/${template}`, { body: { spec, warm } });
  expect(put.status, put.text).toBe(201);
  const made = (): string | undefined => [...park.machines.keys()].find((id) => !known.has(id));
  await eventually(() => expect(made()).toBeDefined(), 60_000);
  return { template, machineId: made()!, workflowId: warmWorkflowId(made()!) };
}

function tokenFor(kind: AgentTokenKind, subject: { workflowId: string; machineId: string }): string {
  const { settings } = scene.api;
  return new AgentTokens(loadDeploymentSecret(settings), settings.deployment).issue(kind, subject, Date.now());
}

const report = (key: string): Promise<ApiAnswer> => scene.api.call('POST', '/v1/agent/report', { key, body: REPORT });

const exchange = (secret: string, nonce: string): Promise<ApiAnswer> =>
  scene.api.call('POST', '/v1/agent/exchange', { key: null, body: { secret, nonce } });

/** What an instance of Compute Engine proves itself with while its metadata names this owner. */
function proofOf(subject: { workflowId: string; machineId: string }): string {
  const { settings } = scene.api;
  const bindings = new InstanceBindings(loadDeploymentSecret(settings), settings.deployment, 'gce');
  const seconds = Math.floor(Date.now() / 1000);
  const identity = tokenBy(signer, { aud: settings.api.url, iat: seconds, exp: seconds + 3600 }, { instance_id: '77' });
  return `gce ${bindings.issue({ ...subject, instanceName: INSTANCE }, Date.now())} ${identity}`;
}

describe('a machine that waits, whose agent reports to the API', () => {
  it('may be claimed once its agent has reported, and is asked to report again soon', async () => {
    const { template, machineId, workflowId } = await newWaiting();
    expect(await pool(template)).toMatchObject({ ready: 0, inFlight: 1 });
    const { status, body } = await exchange(tokenFor('bootstrap', { workflowId, machineId }), 'nonce-of-agent');
    expect(status).toBe(200);
    await eventually(async () => {
      expect(await report(body.token!)).toMatchObject({ status: 200, body: { waits: true, nextReportSeconds: 1 } });
      expect(await pool(template)).toMatchObject({ ready: 1, inFlight: 0 });
    }, 60_000);
  });

  it('is exchanged with by one caller alone, who may ask again', async () => {
    const { machineId, workflowId } = await newWaiting();
    const secret = tokenFor('bootstrap', { workflowId, machineId });
    expect((await exchange(secret, 'nonce-of-agent')).status).toBe(200);
    expect((await exchange(secret, 'nonce-of-agent')).status).toBe(200);
    expect(await exchange(secret, 'nonce-of-other')).toMatchObject({ status: 401, body: { code: 'tokenRefused' } });
  });

  it('reports for itself alone: not for another machine, and for no VM', async () => {
    const { machineId, workflowId } = await newWaiting();
    const other = tokenFor('report', { workflowId, machineId: 'm-other' });
    expect(await report(other)).toMatchObject({ status: 401, body: { code: 'tokenRefused' } });
    const nobody = tokenFor('report', { workflowId: warmWorkflowId('m-nobody'), machineId: 'm-nobody' });
    expect((await report(nobody)).status).toBe(401);
    const elsewhere = tokenFor('bootstrap', { workflowId, machineId: 'm-other' });
    expect((await exchange(elsewhere, 'nonce-of-agent')).status).toBe(401);
    expect((await report(tokenFor('report', { workflowId, machineId }))).status).toBe(200);
  });

  it('is refused with all that it had once a VM has it, which it proves itself to anew', async () => {
    const { template, machineId, workflowId } = await newWaiting();
    const secret = tokenFor('bootstrap', { workflowId, machineId });
    const proof = proofOf({ workflowId, machineId });
    const { body } = await exchange(proof, 'nonce-of-agent');
    const token = body.token!;
    await eventually(async () => {
      expect((await report(token)).status).toBe(200);
      expect(await pool(template)).toMatchObject({ ready: 1 });
    }, 60_000);
    const path = '/v1/vms?wait=ready&timeoutSeconds=60';
    const { body: vm } = await scene.api.call('POST', path, { body: { template } });
    expect([vm.state, vm.startedFrom, vm.machineId]).toEqual(['running', 'warm', machineId]);
    // Its workflow has heard of it by now, or does so in a moment.
    await eventually(async () => expect((await report(token)).status).toBe(401), 10_000);
    for (const used of [proof, secret]) {
      expect(await exchange(used, 'nonce-of-agent')).toMatchObject({ status: 401, body: { code: 'tokenRefused' } });
    }
    const again = await exchange(proofOf({ workflowId: vm.workflowId, machineId }), 'nonce-of-agent');
    expect(again.status, again.text).toBe(200);
    expect((await report(again.body.token!)).status).toBe(200);
    const counted = async () => expect((await scene.api.call('GET', `/v1/vms/${vm.name}`)).body.connections).toBe(3);
    await eventually(counted, 20_000);
    expect((await report(token)).status).toBe(401);
  });
});

/** A gateway as a process, before a machine whose program nobody counts for. */
import { createServer, get, type Server } from 'node:http';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../../../test-support/free-port.ts';
import { part, type Part } from '../../../test-support/stack.ts';
import { textOf } from '../../../test-support/temporal-server.ts';
import { eventually, uniqueName } from '../../../test-support/workflow/api-harness.ts';
import { startApiScene, type ApiScene } from '../../../test-support/workflow/api-scene.ts';

/** Of a count: long beside what a busy computer may hold up. */
const COUNT_SECONDS = 10;
/** That of every machine of the park. */
const MACHINE_IP = '127.64.1.1';

let scene: ApiScene;
let gateway: Part;
let dir: string;
let port: number;
let app: Server;
let appPort: number;
beforeAll(async () => {
  scene = await startApiScene('counts of a gateway');
  dir = await mkdtemp(join(tmpdir(), 'eph-gateway-'));
  port = await freePort();
  appPort = await freePort();
  // It begins an answer and ends it when its visitor does.
  app = createServer((_request, response) => void response.write('here')).listen(appPort, MACHINE_IP);
  await once(app, 'listening');
  const logFile = join(dir, 'gateway.log');
  const env = {
    ...{ PATH: process.env['PATH'] ?? '', EPHEMERA_STATE_DIR: dir, EPHEMERA_API_URL: scene.api.url },
    EPHEMERA_GATEWAY_KEYS: `default=${scene.api.keys.operator}`,
    EPHEMERA_GATEWAY_PORT: `${port}`,
    EPHEMERA_GATEWAY_ACCESS: 'open',
    EPHEMERA_GATEWAY_COUNT_SECONDS: `${COUNT_SECONDS}`,
  };
  gateway = part('commands/gateway.ts', env, logFile, async () => {
    await eventually('the gateway', async () => (await textOf(logFile)).includes('is listening') || undefined);
  });
  await gateway.start();
});
afterAll(async () => {
  await gateway.kill();
  app.closeAllConnections();
  app.close();
  await scene.stop();
  await rm(dir, { recursive: true, force: true });
});

async function newVm(more: object): Promise<string> {
  const body = {
    ...{ name: uniqueName('counted'), image: 'vm-server', ports: [{ name: 'http', port: appPort }] },
    idle: { timeoutSeconds: 1 },
    ...more,
  };
  const made = await scene.api.call('POST', '/v1/vms?wait=ready', { body });
  expect(made.status, made.text).toBe(201);
  return made.body.name;
}

/** Resolves when the answer has begun. */
async function visit(name: string): Promise<{ leave: () => void }> {
  const headers = { host: `${appPort}--${name}.localhost:${port}` };
  const asked = get({ host: '127.0.0.1', port, headers, agent: false });
  asked.on('error', () => undefined);
  const [answer] = (await once(asked, 'response')) as [{ statusCode: number }];
  expect(answer.statusCode).toBe(200);
  return { leave: () => asked.destroy() };
}

/** How often a count was said to the workflow of the VM. */
async function countsSaid(name: string): Promise<number> {
  const { events } = await scene.server.client.workflow.getHandle(`vm/default/${name}`).fetchHistory();
  const signals = (events ?? []).map((event) => event.workflowExecutionSignaledEventAttributes?.signalName);
  return signals.filter((signal) => signal === 'connections').length;
}

const seen = async (name: string) => (await scene.api.call('GET', `/v1/vms/${name}`)).body;

it('says nothing for a VM whose agent counts', async () => {
  scene.park.firstReport = { sequence: 1, connections: 1 };
  const name = await newVm({});
  const { leave } = await visit(name);
  leave();
  expect(await seen(name)).toMatchObject({ connections: 1, countedBy: 'agent' });
  expect(await countsSaid(name)).toBe(0);
  const lease = { by: 'somebody', seconds: 60 };
  const told = await scene.api.call('PUT', `/v1/vms/${name}/connections`, { body: { connections: 9, lease } });
  expect(told).toMatchObject({ status: 200, body: { connections: 1, countedBy: 'agent' } });
});

it('says for a VM without an agent who is there, again and again, and kill -9 of it keeps no VM for ever', async () => {
  scene.park.firstReport = null;
  const name = await newVm({ readiness: { kind: 'machine' } });
  expect(await seen(name)).toMatchObject({ state: 'running', aliveBecause: 'noAgent' });
  const [one] = [await visit(name), await visit(name)];
  await eventually('both counted', async () => (await seen(name)).connections === 2 || undefined);
  expect(await seen(name)).toMatchObject({ countedBy: 'others', aliveBecause: 'connections' });
  one.leave();
  await eventually('one left', async () => (await seen(name)).connections === 1 || undefined);
  // By then the first count would be over, and the VM with it.
  await eventually('said again', async () => (await countsSaid(name)) >= 6 || undefined, 60_000);
  expect(await seen(name)).toMatchObject({ state: 'running', connections: 1 });
  await gateway.kill();
  await eventually('its end', async () => (await seen(name)).state === 'destroyed' || undefined, 60_000);
  expect(await seen(name)).toMatchObject({ reason: 'idle' });
});

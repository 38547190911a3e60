/**
 * Report tokens expire while no API answers: real machines whose agents report over HTTP, behind the real workflow.
 * Tokens live for two seconds here, so three lives pass in six.
 */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMachineActivities } from '../../activities/machine/machine-activities.ts';
import { AgentTokens } from '../../security/agents/agent-tokens.ts';
import { loadDeploymentSecret } from '../../security/sealing/deployment-secret.ts';
import { StartSignatures } from '../../security/sealing/start-signatures.ts';
import type { MachineProvider } from '../../domain/machine/provider.ts';
import { createLocalProvider } from '../../providers/local/local-provider.ts';
import { buildVmServer } from '../../commands/start/build-vm-server.ts';
import { AgentLinks } from '../../worker/links/agent-links.ts';
import { apiAnswers, ApiWatch } from '../../worker/links/api-reach.ts';
import { temporalVmSignals } from '../../worker/links/vm-signals.ts';
import { joinChat, type ChatClient } from '../../test-support/chat-client.ts';
import { freePort } from '../../test-support/free-port.ts';
import { startVmServer, tempDir } from '../../test-support/vm-server-processes.ts';
import {
  eventually,
  startTestApi,
  uniqueName,
  type ApiAnswer,
  type TestApi,
} from '../../test-support/workflow/api-harness.ts';
import {
  runHost,
  runWorker,
  startVmHarness,
  workflowBundle,
  type VmHarness,
} from '../../test-support/workflow/vm-harness.ts';

const LIFE_SECONDS = 2;
const threeLives = (): Promise<void> => delay(3 * LIFE_SECONDS * 1000 + 100);

let harness: VmHarness;
/** What the machines know of; it goes away and comes back. */
let front: TestApi;
/** Another replica, which the machines do not know. */
let watch: TestApi;
let provider: MachineProvider;
const queue = uniqueName('tokens');
const stops: (() => Promise<void>)[] = [];

async function startFront(port: number): Promise<TestApi> {
  return startTestApi(harness.server, queue, {
    share: watch,
    reportTokenSeconds: LIFE_SECONDS,
    change: (settings) => {
      settings.api.port = port;
    },
  });
}

beforeAll(async () => {
  harness = await startVmHarness();
  watch = await startTestApi(harness.server, queue);
  const port = await freePort();
  front = await startFront(port);
  const { stateDir, deployment } = watch.settings;
  const vmServerFile = await buildVmServer();
  provider = createLocalProvider({ stateDir, deployment, hostId: 'host', vmServerFile, agentTransport: 'http' });
  const tokens = new AgentTokens(loadDeploymentSecret(watch.settings), deployment);
  const signatures = new StartSignatures(loadDeploymentSecret(watch.settings), deployment);
  const signals = temporalVmSignals(harness.server.client);
  const links = new AgentLinks({ provider, signals, log: pino({ level: 'silent' }) });
  const reach = new ApiWatch(() => apiAnswers({ apiUrl: front.url }));
  const activities = createMachineActivities({
    provider,
    links,
    openSealed: () => undefined,
    verifySignature: (start, signature) => signatures.verify(start, signature),
    apiReachableSeconds: () => reach.reachableSeconds(),
    issueBootstrap: (subject) => ({ apiUrl: front.url, secret: tokens.issue('bootstrap', subject, Date.now()) }),
  });
  stops.push(await runWorker(harness.server, { taskQueue: queue, workflowBundle: await workflowBundle() }));
  stops.push(await runHost(harness.server, queue, activities));
});
afterAll(async () => {
  const { signal } = new AbortController();
  for (const { machineId } of await provider.list({ signal })) await provider.destroy(machineId, { signal });
  await Promise.all(stops.map((stop) => stop()));
  await front.close();
  await watch.close();
  await harness.stop();
});

const create = (spec: object, query = '?wait=ready'): Promise<ApiAnswer> =>
  watch.call('POST', `/v1/vms${query}`, { body: { name: uniqueName(), template: 'chat', ...spec } });

const join2 = ({ body }: ApiAnswer): Promise<ChatClient[]> =>
  Promise.all(['ann', 'bob'].map((who) => joinChat(body.address!.ip, 8080, 'lobby', who)));

const seen = (made: ApiAnswer, what: string, wanted: (vm: ApiAnswer['body']) => boolean): Promise<ApiAnswer['body']> =>
  eventually(
    what,
    async () => {
      const { body } = await watch.call('GET', `/v1/vms/${made.body.name}?fresh=true`);
      return wanted(body) ? body : undefined;
    },
    40_000,
  );

describe('an outage of the API that lasts three lives of a token', () => {
  it('costs nobody: counts are right afterwards, and who is to end ends by its own rule', async () => {
    const idle = { timeoutSeconds: 1 };
    const [used, left, drained] = await Promise.all([create({}), create({ idle }), create({})]);
    expect([used, left, drained].map(({ status }) => status)).toEqual([201, 201, 201]);
    const [ann, bob] = await join2(used);
    const leavers = [...(await join2(left)), ...(await join2(drained))];
    for (const vm of [used, left, drained]) await seen(vm, 'two users', ({ connections }) => connections === 2);
    await watch.call('POST', `/v1/vms/${drained.body.name}/drain`);

    const { port } = new URL(front.url);
    await front.close();
    const booting = await create({}, '');
    await bob!.leave();
    await Promise.all(leavers.map((one) => one.leave()));
    await threeLives();
    front = await startFront(Number(port));

    expect(await seen(used, 'one user', ({ connections }) => connections === 1)).toMatchObject({
      state: 'running',
      health: 'ok',
      machineId: used.body.machineId,
    });
    ann!.say('still here');
    await ann!.hears('still here');
    await seen(booting, 'ready', ({ state }) => state === 'running');
    expect(await seen(left, 'its end', ({ state }) => state === 'destroyed')).toMatchObject({ reason: 'idle' });
    expect(await seen(drained, 'its end', ({ state }) => state === 'destroyed')).toMatchObject({ reason: 'drained' });
    await ann!.leave();
    await seen(used, 'nobody', ({ connections }) => connections === 0);
  });
});

describe('an agent that starts again with a token that expired meanwhile', () => {
  it('is believed as long as its machine is the current one of its VM, and by no other', async () => {
    const { queue: parkQueue, park } = await harness.park('kept tokens');
    park.confirmBy = 'report';
    const api = await startTestApi(harness.server, parkQueue, { share: watch, reportTokenSeconds: LIFE_SECONDS });
    try {
      const made = await api.call('POST', '/v1/vms?wait=ready', { body: { name: uniqueName(), template: 'chat' } });
      const tokens = new AgentTokens(loadDeploymentSecret(api.settings), api.settings.deployment, {
        report: LIFE_SECONDS,
      });
      const subject = { workflowId: made.body.workflowId, machineId: made.body.machineId ?? '' };
      const secretFile = join(tempDir(), 'secret');
      writeFileSync(join(dirname(secretFile), 'agent-token'), tokens.issue('report', subject, Date.now()));
      await threeLives();
      const port = `${await freePort()}`;
      await startVmServer('agent', '--api-url', api.url, '--secret-file', secretFile, '--local-port', port);
      await eventually('the agent', async () => {
        const put = await fetch(`http://127.0.0.1:${port}/connections`, { method: 'PUT', body: '7' }).catch(() => null);
        return put?.ok === true ? true : undefined;
      });
      await eventually('its count', async () => {
        const { body } = await api.call('GET', `/v1/vms/${made.body.name}?fresh=true`);
        return body.connections === 7 ? true : undefined;
      });

      const late = tokens.issue('report', subject, Date.now());
      await api.call('DELETE', `/v1/vms/${made.body.name}?wait=destroyed`);
      await threeLives();
      const report = { sequence: 9, connections: 1, ready: true, calmMs: 0, forwarded: null };
      for (const replica of [api, watch]) {
        const refused = await replica.call('POST', '/v1/agent/report', { key: late, body: report });
        expect([refused.status, refused.body.code, refused.body.token]).toEqual([401, 'tokenRefused', undefined]);
      }
    } finally {
      await api.close();
    }
  });
});

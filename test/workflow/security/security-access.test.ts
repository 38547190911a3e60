/** Every route × every kind of caller × own and foreign project: who may gets through, who may not changes nothing. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentTokens } from '../../../security/agents/agent-tokens.ts';
import { loadDeploymentSecret } from '../../../security/sealing/deployment-secret.ts';
import { addKey, revokeKey } from '../../../security/keys/key-changes.ts';
import type { Role } from '../../../security/keys/keys-file.ts';
import type { SweepReport } from '../../../domain/machine/sweep.ts';
import { ROUTES } from '../../../api/routes.ts';
import {
  eventually,
  startTestApi,
  uniqueName,
  type ApiAnswer,
  type TestApi,
} from '../../../test-support/workflow/api-harness.ts';
import type { FakeMachines } from '../../../test-support/workflow/fake-machines.ts';
import { ROUTE_CALLS, type RouteCall } from '../../../test-support/workflow/route-calls.ts';
import {
  runHost,
  runWorker,
  startVmHarness,
  workflowBundle,
  type VmHarness,
} from '../../../test-support/workflow/vm-harness.ts';

/**
 * Who may, said once more and apart from the code: the least role, and what the right caller is answered. A new route
 * has to be added here.
 */
const EXPECTED: Record<string, { least: Role | 'agent' | 'anyone'; right: number[] }> = {
  createVm: { least: 'operator', right: [201] },
  listVms: { least: 'viewer', right: [200] },
  getVm: { least: 'viewer', right: [200] },
  destroyVm: { least: 'operator', right: [202, 200] },
  drainVm: { least: 'operator', right: [200] },
  undrainVm: { least: 'operator', right: [200] },
  holdVm: { least: 'operator', right: [200] },
  setConnections: { least: 'operator', right: [200] },
  stopVm: { least: 'operator', right: [200, 202] },
  startVm: { least: 'operator', right: [200, 202] },
  suspendVm: { least: 'operator', right: [200, 202] },
  resumeVm: { least: 'operator', right: [200, 202] },
  closeVm: { least: 'operator', right: [200, 202] },
  snapshotVm: { least: 'operator', right: [200, 202] },
  // The VM of this suite lives; the key got through.
  reopenVm: { least: 'operator', right: [409] },
  listSessions: { least: 'viewer', right: [200] },
  listImages: { least: 'viewer', right: [200] },
  // No request has the id of this suite; the key got through.
  getRequest: { least: 'viewer', right: [404] },
  cancelRequest: { least: 'operator', right: [404] },
  // No image has the name of a VM; the key got through.
  deleteImage: { least: 'operator', right: [404] },
  listMachineImages: { least: 'viewer', right: [200] },
  // No host has an image in this test; the key got through.
  getMachineImage: { least: 'viewer', right: [404] },
  deleteMachineImage: { least: 'admin', right: [404] },
  listPools: { least: 'viewer', right: [200] },
  // No VM's name is that of a template with a pool; the key got through.
  getPoolHistory: { least: 'viewer', right: [404] },
  // No webhook goes to this computer, and none has the id of this suite; the key got through.
  createWebhook: { least: 'operator', right: [422] },
  listWebhooks: { least: 'viewer', right: [200] },
  getWebhook: { least: 'viewer', right: [404] },
  deleteWebhook: { least: 'operator', right: [404] },
  enableWebhook: { least: 'operator', right: [404] },
  testWebhook: { least: 'operator', right: [404] },
  redeliverEvent: { least: 'operator', right: [404] },
  watchEvents: { least: 'viewer', right: [200] },
  getTimeline: { least: 'viewer', right: [200] },
  // No worker serves consoles in this test; the key got through.
  getConsole: { least: 'viewer', right: [404] },
  revokeLinks: { least: 'operator', right: [200] },
  revokeVmLinks: { least: 'operator', right: [200] },
  createLink: { least: 'operator', right: [201] },
  getLinkKey: { least: 'viewer', right: [200] },
  // The requests of this suite ask for no WebSocket and have no tar, and no host is in this test. The key got through.
  forwardPort: { least: 'operator', right: [426] },
  runCommand: { least: 'operator', right: [503] },
  openCommand: { least: 'operator', right: [426] },
  readFiles: { least: 'operator', right: [503] },
  writeFiles: { least: 'operator', right: [415] },
  // The request of this suite has no secret.
  exchangeAgentSecret: { least: 'anyone', right: [401] },
  reportUsage: { least: 'agent', right: [200] },
  openAgentLink: { least: 'agent', right: [426] },
  // The request of this suite has no token; then nothing is served.
  getDatasourceFile: { least: 'anyone', right: [404] },
  getVmServer: { least: 'anyone', right: [200, 503, 404] },
  listTemplates: { least: 'viewer', right: [200] },
  getTemplate: { least: 'viewer', right: [200, 404] },
  putTemplate: { least: 'operator', right: [200, 201] },
  deleteTemplate: { least: 'operator', right: [200, 404] },
  createJoinToken: { least: 'admin', right: [201] },
  // The request of this suite has no join token.
  joinHost: { least: 'anyone', right: [401] },
  listHosts: { least: 'viewer', right: [200] },
  // No host is in this test; the key got through.
  cordonHost: { least: 'admin', right: [404] },
  uncordonHost: { least: 'admin', right: [404] },
  drainHost: { least: 'admin', right: [404] },
  removeHost: { least: 'admin', right: [404] },
  // Nobody sweeps in this test; the key got through.
  // The request of this suite has no key of ours.
  signIn: { least: 'anyone', right: [401] },
  getBrowserSession: { least: 'viewer', right: [200] },
  signOut: { least: 'viewer', right: [204] },
  drySweep: { least: 'admin', right: [200, 503] },
  listSweepRuns: { least: 'admin', right: [200] },
  listKeys: { least: 'admin', right: [200] },
  createKey: { least: 'admin', right: [201] },
  // No key has the id of this suite; the key got through.
  rotateKey: { least: 'admin', right: [404] },
  revokeKey: { least: 'admin', right: [404] },
  listAudit: { least: 'admin', right: [200] },
  getHealth: { least: 'anyone', right: [200] },
  getReadiness: { least: 'anyone', right: [200] },
  getOpenApi: { least: 'anyone', right: [200] },
  getDocs: { least: 'anyone', right: [200] },
  getErrorDocs: { least: 'anyone', right: [200] },
};
const ROLES = ['viewer', 'operator', 'admin'] as const;
const PROJECTS = ['default', 'other'] as const;

let harness: VmHarness;
let park: FakeMachines;
let api: TestApi;
const roleKeys = new Map<string, string>();
const badKeys = new Map<string, string | null>();
let target: { name: string; workflowId: string; machineId: string };

beforeAll(async () => {
  harness = await startVmHarness();
  const made = await harness.park('security access');
  park = made.park;
  api = await startTestApi(harness.server, made.queue, {
    change: async (settings) => {
      settings.api.limits.wrongKeysPerMinute = 100_000;
      const add = async (project: string, role: Role, expiresAt?: number) =>
        addKey(settings.stateDir, { project, role, ...(expiresAt === undefined ? {} : { expiresAt }) }, Date.now());
      for (const project of PROJECTS) {
        for (const role of ROLES) roleKeys.set(`${project} ${role}`, (await add(project, role)).key);
      }
      const revoked = await add('default', 'admin');
      await revokeKey(settings.stateDir, revoked.stored.id, Date.now());
      badKeys.set('a revoked key', revoked.key);
      badKeys.set('an expired key', (await add('default', 'admin', Date.now() - 1)).key);
    },
  });
  target = await newVm();
  const tokens = new AgentTokens(loadDeploymentSecret(api.settings), api.settings.deployment);
  badKeys.set('no key', null);
  badKeys.set('garbage', 'eph_00000000_garbage');
  badKeys.set("the machine's own token", tokens.issue('report', target, Date.now()));
  badKeys.set("the machine's bootstrap secret", tokens.issue('bootstrap', target, Date.now()));
});
afterAll(async () => {
  await api.close();
  await harness.stop();
});

async function newVm(key = roleKeys.get('default operator') ?? '') {
  const body = { name: uniqueName('sec'), template: 'chat' };
  const made = await api.call('POST', '/v1/vms?wait=ready', { key, body });
  expect(made.status).toBe(201);
  return { ...made.body, machineId: made.body.machineId ?? '' };
}

const send = ({ method, path, body }: RouteCall, vm: string, key: string | null, query = '') =>
  api.call(method, path(vm) + query, { key, ...(body === undefined ? {} : { body }) });

const isKeyed = ({ route }: RouteCall) => ROLES.some((role) => role === EXPECTED[route.operationId]?.least);
const mayNot = (role: Role, { route }: RouteCall) =>
  ROLES.indexOf(role) < ROLES.findIndex((least) => least === EXPECTED[route.operationId]?.least);

/** Workers that answer each sweep with this report, and count the sweeps. */
async function sweepingWorker(report: SweepReport) {
  const queue = uniqueName('sweeps');
  const sweeps = { count: 0 };
  const stops = await Promise.all([
    runWorker(harness.server, { taskQueue: queue, workflowBundle: await workflowBundle() }),
    runHost(harness.server, queue, {
      sweepMachines: () => {
        sweeps.count += 1;
        return Promise.resolve(report);
      },
    }),
  ]);
  return { queue, sweeps, stop: () => Promise.all(stops.map((stop) => stop())) };
}

/** Changes whenever anything at all reaches a workflow, or one is started. */
async function traces() {
  const { historyLength } = await harness.server.client.workflow.getHandle(target.workflowId).describe();
  const { count } = await harness.server.client.workflow.count();
  return { historyLength, count, machineCalls: park.calls.length };
}

async function changingNothing(work: () => Promise<void>): Promise<void> {
  const before = await traces();
  await work();
  expect(await traces()).toEqual(before);
}

describe('the table of who may', () => {
  it('names every route, as the code has it', () => {
    const declared = ROUTES.map(({ operationId, access }) => [operationId, access === 'public' ? 'anyone' : access]);
    const expected = Object.entries(EXPECTED).map(([operationId, { least }]) => [operationId, least]);
    expect(declared.sort()).toEqual(expected.sort());
  });
});

describe('a caller without a good key', () => {
  it('is refused at every route that needs one, and changes nothing', async () => {
    await changingNothing(async () => {
      for (const call of ROUTE_CALLS.filter(isKeyed)) {
        for (const [who, key] of badKeys) {
          const { status, body } = await send(call, target.name, key);
          expect([call.route.operationId, who, status, body.code]).toEqual([
            call.route.operationId,
            who,
            401,
            'unauthenticated',
          ]);
        }
      }
    });
  });

  it('is refused at the routes of machines, with an API key too', async () => {
    await changingNothing(async () => {
      for (const call of ROUTE_CALLS.filter(({ route }) => route.access === 'agent')) {
        const keys = [...badKeys].filter(([who]) => who !== "the machine's own token");
        for (const [who, key] of [...keys, ...roleKeys]) {
          const { status, body } = await send(call, target.name, key);
          expect([who, status, body.code]).toEqual([who, 401, 'tokenRefused']);
        }
      }
    });
  });
});

describe('a role', () => {
  it('below the least of a route is refused there, in its own and in a foreign project, and changes nothing', async () => {
    await changingNothing(async () => {
      let tried = 0;
      for (const call of ROUTE_CALLS.filter(isKeyed)) {
        for (const project of PROJECTS) {
          for (const role of ROLES.filter((role) => mayNot(role, call))) {
            const { status, body } = await send(call, target.name, roleKeys.get(`${project} ${role}`) ?? '');
            expect([call.route.operationId, project, role, status, body.code]).toEqual([
              ...[call.route.operationId, project, role, 403, 'forbidden'],
            ]);
            tried += 1;
          }
        }
      }
      expect(tried).toBeGreaterThanOrEqual(14);
      for (const role of ['viewer', 'operator']) {
        const key = roleKeys.get(`default ${role}`) ?? '';
        const forced = await api.call('DELETE', `/v1/vms/${target.name}?force=true`, { key });
        expect([role, forced.status, forced.body.code]).toEqual([role, 403, 'forbidden']);
      }
    });
  });

  it('that may, gets through at every route of its own project', async () => {
    const before = await traces();
    for (const call of ROUTE_CALLS) {
      const { least, right } = EXPECTED[call.route.operationId]!;
      for (const role of ROLES.filter((role) => !mayNot(role, call))) {
        const key = roleKeys.get(`default ${role}`) ?? '';
        const vm = call.route.path.includes('{name}') && least !== 'viewer' ? await newVm() : target;
        if (call.route.operationId === 'startVm') await api.call('POST', `/v1/vms/${vm.name}/stop`, { key });
        if (call.route.operationId === 'resumeVm') await api.call('POST', `/v1/vms/${vm.name}/suspend`, { key });
        if (call.route.operationId === 'undrainVm') await api.call('POST', `/v1/vms/${vm.name}/drain`, { key });
        const shown = least === 'agent' ? (badKeys.get("the machine's own token") ?? '') : key;
        if (call.route.operationId === 'drySweep') continue;
        const answer = await send(call, vm.name, shown);
        expect([call.route.operationId, role, right.includes(answer.status), answer.status]).toEqual([
          ...[call.route.operationId, role, true, answer.status],
        ]);
      }
    }
    expect(await traces()).not.toEqual(before);
  });
});

describe('a foreign project', () => {
  /** What tells two answers apart, but for the name that was asked for. */
  const seen = ({ status, headers, text }: ApiAnswer, name: string) => ({
    status,
    headers: [...headers].filter(([header]) => !['date', 'x-request-id'].includes(header)),
    text: text.replaceAll(name, 'NAME').replace(/"requestId":"[^"]+"/, ''),
  });

  it('cannot tell a VM from one that does not exist, and changes nothing', async () => {
    const missing = target.name.replace('sec-', 'non-');
    await changingNothing(async () => {
      for (const call of ROUTE_CALLS.filter(({ route }) => route.path.startsWith('/v1/vms/{name}'))) {
        for (const role of ROLES.filter((role) => !mayNot(role, call))) {
          const key = roleKeys.get(`other ${role}`) ?? '';
          const queries = call.route.operationId === 'getVm' ? ['', '?fresh=true'] : ['', ''];
          if (call.route.operationId === 'destroyVm') queries.push('?wait=destroyed&timeoutSeconds=1');
          if (call.route.operationId === 'destroyVm' && role === 'admin') queries.push('?force=true');
          for (const query of queries) {
            const there = await send(call, target.name, key, query);
            const nowhere = await send(call, missing, key, query);
            expect(seen(there, target.name)).toEqual(seen(nowhere, missing));
            const code = call.route.operationId === 'reopenVm' ? 'neverClosed' : 'unknownVm';
            expect([there.status, there.body.code]).toEqual([404, code]);
          }
        }
      }
    });
  });

  it('sees nothing of it in lists, whatever it asks for', async () => {
    const key = roleKeys.get('other admin') ?? '';
    const page = await api.call('GET', '/v1/vms?pageSize=1');
    const token = page.body.nextPageToken ?? `0-${target.name}`;
    const own = await newVm(key);
    for (const query of [
      '',
      '?fresh=true',
      '?template=chat',
      '?state=running&state=destroyed',
      `?pageToken=${token}`,
    ]) {
      const { status, text, body } = await api.call('GET', `/v1/vms${query}`, { key });
      expect([query, status, text.includes(target.name)]).toEqual([query, 200, false]);
      for (const { project } of body.vms) expect(project).toBe('other');
    }
    expect((await api.call('GET', '/v1/vms', { key })).text).toContain(own.name);
  });

  it("sees in a sweep what is its own, and what is nobody's", async () => {
    const machine = (project: string) => ({
      ...{ machineId: `m-of-${project}`, provider: 'local', project, vm: 'lobby' },
      ...({ verdict: 'orphan', action: 'none' } as const),
    });
    const report: SweepReport = {
      ...{ at: new Date().toISOString(), dryRun: true, owned: 3 },
      machines: ['default', 'other', ''].map(machine),
      lost: PROJECTS.map((project) => ({ workflowId: `vm/${project}/lobby`, machineId: 'm-1', action: 'none' })),
    };
    const { queue, sweeps, stop } = await sweepingWorker(report);
    const sweeping = await startTestApi(harness.server, queue, { waitUntilReady: false });
    try {
      const { key } = await addKey(sweeping.settings.stateDir, { project: 'other', role: 'admin' }, Date.now());
      const swept = await eventually('the new key', async () => {
        const answer = await sweeping.call('GET', '/v1/sweep', { key });
        return answer.status === 200 ? answer : undefined;
      });
      expect(swept.text).toContain('m-of-other');
      expect(swept.text).toContain('"m-of-"');
      expect(swept.text).not.toContain('default');
      const { key: ofDefault } = await addKey(
        sweeping.settings.stateDir,
        { project: 'default', role: 'admin' },
        Date.now(),
      );
      await eventually('another key', async () => {
        const { status } = await sweeping.call('GET', '/v1/templates', { key: ofDefault });
        return status === 200 ? true : undefined;
      });
      const before = sweeps.count;
      const shared = await Promise.all(
        [key, ofDefault, key, ofDefault].map((one) => sweeping.call('GET', '/v1/sweep', { key: one })),
      );
      expect(shared.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
      expect(shared[0]?.text).not.toContain('default');
      expect(shared[1]?.text).not.toContain('other');
      expect(sweeps.count - before).toBeLessThanOrEqual(1);
    } finally {
      await sweeping.close();
      await stop();
    }
  });

  it('has names and Idempotency-Keys of its own', async () => {
    const key = roleKeys.get('other operator') ?? '';
    const body = { name: target.name, template: 'chat' };
    const same = await api.call('POST', '/v1/vms?wait=ready', { key, body });
    expect([same.status, same.body.workflowId]).toEqual([201, `vm/other/${target.name}`]);
    const headers = { 'idempotency-key': uniqueName('key') };
    const [mine, theirs] = await Promise.all(
      [api.keys.operator, key].map((owner) =>
        api.call('POST', '/v1/vms', { key: owner, body: { template: 'chat' }, headers }),
      ),
    );
    expect([mine?.status, theirs?.status]).toEqual([201, 201]);
    expect(mine?.body.uid).not.toBe(theirs?.body.uid);
    await api.call('DELETE', `/v1/vms/${target.name}?wait=destroyed`, { key });
    expect((await api.call('GET', `/v1/vms/${target.name}`)).body).toMatchObject({
      project: 'default',
      state: 'running',
    });
  });
});

import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentTokens } from '../../../security/agents/agent-tokens.ts';
import { loadDeploymentSecret } from '../../../security/sealing/deployment-secret.ts';
import type { HttpReport, HttpReportReply } from '../../../domain/agent/protocol.ts';
import { sealedInputQuery } from '../../../workflows/messages.ts';
import {
  eventually,
  startTestApi,
  uniqueName,
  type ApiAnswer,
  type TestApi,
} from '../../../test-support/workflow/api-harness.ts';
import { startApiScene, type ApiScene } from '../../../test-support/workflow/api-scene.ts';
import type { FakeMachines } from '../../../test-support/workflow/fake-machines.ts';

let scene: ApiScene;
let park: FakeMachines;
let api: TestApi;
let tokens: AgentTokens;

beforeAll(async () => {
  scene = await startApiScene('api agents');
  ({ park, api } = scene);
  park.confirmBy = 'report';
  tokens = new AgentTokens(loadDeploymentSecret(api.settings), api.settings.deployment);
});
afterAll(() => scene.stop());

/** An agent as a machine runs one: it knows its secret and what the last reply said. */
class Agent {
  readonly #nonce = uniqueName('nonce');
  #token = '';
  #sequence = 1;
  forwarded: HttpReportReply['forwarded'] = null;
  #asked: string | undefined;
  readonly secret: string;

  /** `startSignature`: of a machine with sealed input. */
  constructor(workflowId: string, machineId: string, startSignature?: string) {
    this.secret = tokens.issue('bootstrap', { workflowId, machineId, startSignature }, Date.now());
  }

  async exchange(nonce: string = this.#nonce): Promise<ApiAnswer> {
    const answer = await api.call('POST', '/v1/agent/exchange', { key: null, body: { secret: this.secret, nonce } });
    this.#token = answer.body.token ?? this.#token;
    return answer;
  }

  async report(connections: number, more: Partial<HttpReport> = {}, at: TestApi = api): Promise<ApiAnswer> {
    this.#sequence += 1;
    const report: HttpReport = {
      sequence: this.#sequence,
      connections,
      ready: true,
      calmMs: 0,
      forwarded: this.forwarded,
      ...(this.#asked === undefined ? {} : { answers: this.#asked }),
      ...more,
    };
    const answer = await at.call('POST', '/v1/agent/report', { key: this.#token, body: report });
    if (answer.status === 200) {
      this.forwarded = reply(answer).forwarded;
      this.#asked = reply(answer).confirm;
    }
    return answer;
  }
}

const reply = (answer: ApiAnswer): HttpReportReply => answer.body as unknown as HttpReportReply;

async function runningVm(more: object = {}) {
  const made = await api.call('POST', '/v1/vms?wait=ready', {
    body: { name: uniqueName(), template: 'chat', ...more },
  });
  expect(made.status).toBe(201);
  return { ...made.body, machineId: made.body.machineId ?? '' };
}

/** As its host put it into the machine's bootstrap secret. */
async function startSignatureOf(workflowId: string): Promise<string> {
  const { signature } = await scene.server.client.workflow.getHandle(workflowId).query(sealedInputQuery);
  return signature ?? '';
}

/** A VM whose machine is there and not ready: nobody but its agent makes it so. */
async function bootingVm(more: object) {
  park.faults.push({ name: 'awaitMachineReady', kind: 'hang' });
  const { body } = await api.call('POST', '/v1/vms', { body: { name: uniqueName(), template: 'chat', ...more } });
  const vm = await eventually('a machine that boots', async () => {
    const seen = await viewOf(body.name);
    return seen.state === 'booting' ? seen : undefined;
  });
  return { ...vm, machineId: vm.machineId ?? '' };
}

const viewOf = async (name: string): Promise<ApiAnswer['body']> =>
  (await api.call('GET', `/v1/vms/${name}?fresh=true`)).body;

/** Reports 0 as an agent does, until the VM has ended as idle. */
async function idleEnd(name: string, agent: Agent, at: TestApi): Promise<void> {
  await eventually('the end', async () => {
    const answer = await agent.report(0, { calmMs: 5000 }, at);
    await delay(200);
    const { state, reason } = await viewOf(name);
    return (state === 'destroyed' && reason === 'idle') || answer.status === 401 ? true : undefined;
  });
  expect(await viewOf(name)).toMatchObject({ reason: 'idle' });
}

const connectionsOf = async (name: string): Promise<number | undefined> =>
  (await api.call('GET', `/v1/vms/${name}?fresh=true`)).body.connections;

describe('the exchange of a bootstrap secret', () => {
  it('is granted once, again to the same caller, and to nobody else', async () => {
    const vm = await runningVm();
    const agent = new Agent(vm.workflowId, vm.machineId);
    const granted = await agent.exchange();
    expect([granted.status, typeof granted.body.token]).toEqual([200, 'string']);
    expect((await agent.exchange()).status).toBe(200);
    const stranger = await agent.exchange('another-caller');
    expect([stranger.status, stranger.body.code]).toEqual([401, 'tokenRefused']);
  });

  it('is not refused for the garbage that others send from the same address', async () => {
    const vm = await runningVm();
    const garbage = (nonce: string) =>
      api.call('POST', '/v1/agent/exchange', { key: null, body: { secret: 'x.y', nonce } });
    const flood = async (): Promise<number[]> =>
      (await Promise.all(Array.from({ length: 100 }, (_, index) => garbage(`garbage-${index}`)))).map(
        ({ status }) => status,
      );
    await eventually('a refused flood', async () => {
      const refused = (await flood()).filter((status) => status === 429);
      return refused.length > 0 ? true : undefined;
    });
    const under = [flood(), new Agent(vm.workflowId, vm.machineId).exchange(), flood()] as const;
    expect((await under[1]).status).toBe(200);
    await Promise.all(under);
  });

  it('is refused to a machine that is not the current one, and after the end', async () => {
    const vm = await runningVm();
    expect((await new Agent(vm.workflowId, 'm-other').exchange()).status).toBe(401);
    expect((await new Agent('vm/default/never-was', vm.machineId).exchange()).status).toBe(401);
    await api.call('DELETE', `/v1/vms/${vm.name}?wait=destroyed`);
    expect((await new Agent(vm.workflowId, vm.machineId).exchange()).status).toBe(401);
  });
});

describe('sealed input', () => {
  it('is in every answer until a report says that it arrived, and until it is done nobody counts as connected', async () => {
    const vm = await bootingVm({ secretEnv: { TOKEN: 'hunter2' }, startupScript: 'true' });
    const agent = new Agent(vm.workflowId, vm.machineId, await startSignatureOf(vm.workflowId));
    await agent.exchange();
    const expected = { machineId: vm.machineId, name: vm.name, secretEnv: { TOKEN: 'hunter2' }, startupScript: 'true' };
    for (const lost of [1, 2]) expect(reply(await agent.report(lost)).assignment).toMatchObject(expected);
    const underway = reply(await agent.report(3, { assigned: { state: 'underway' } }));
    expect(underway).toMatchObject({ forwarded: null, nextReportSeconds: 1 });
    expect(underway.assignment).toBeUndefined();
    expect(await connectionsOf(vm.name)).toBeUndefined();
    expect(reply(await agent.report(4, { assigned: { state: 'done' } })).assignment).toBeUndefined();
    expect(await connectionsOf(vm.name)).toBe(4);
  });

  it('is given to nobody any more once the machine said that it is done, ready or not, by whatever replica', async () => {
    const vm = await bootingVm({ secretEnv: { TOKEN: 'hunter2' }, startupScript: 'true' });
    const agent = new Agent(vm.workflowId, vm.machineId, await startSignatureOf(vm.workflowId));
    await agent.exchange();
    expect((await agent.report(0, { ready: false })).text).toContain('hunter2');
    expect((await agent.report(0, { ready: false, assigned: { state: 'done' } })).status).toBe(200);
    expect(await viewOf(vm.name)).toMatchObject({ state: 'booting' });
    const fresh = await startTestApi(scene.server, api.settings.temporal.controlTaskQueue, { share: api });
    try {
      const asksAgain = async (): Promise<void> => {
        for (const at of [api, fresh]) {
          const answer = await agent.report(0, { ready: false }, at);
          expect([answer.status, answer.text.includes('hunter2')]).toEqual([200, false]);
          expect(reply(answer).assignedBefore).toBe(vm.machineId);
        }
      };
      await asksAgain();
      await agent.report(0, { assigned: { state: 'done' } });
      expect(await viewOf(vm.name)).toMatchObject({ state: 'running' });
      await asksAgain();
    } finally {
      await fresh.close();
    }
  });

  it('goes to no machine that was made for another start of its VM', async () => {
    for (const signature of [undefined, 'v1.of.another']) {
      const vm = await bootingVm({ secretEnv: { TOKEN: 'hunter2' } });
      const agent = new Agent(vm.workflowId, vm.machineId, signature);
      await agent.exchange();
      const answer = await agent.report(0);
      expect([answer.status, answer.text.includes('hunter2')]).toEqual([200, false]);
    }
  });

  it('goes to no machine but the current one of its VM', async () => {
    const [vm, other] = [await runningVm({ secretEnv: { TOKEN: 'hunter2' } }), await runningVm()];
    const stranger = new Agent(other.workflowId, other.machineId);
    await stranger.exchange();
    expect(reply(await stranger.report(0)).assignment).toBeUndefined();
    const token = tokens.issue('report', { workflowId: vm.workflowId, machineId: other.machineId }, Date.now());
    const body = { sequence: 1, connections: 0, ready: false, calmMs: 0, forwarded: null };
    const answer = await api.call('POST', '/v1/agent/report', { key: token, body });
    expect([answer.status, answer.text.includes('hunter2')]).toEqual([401, false]);
  });
});

describe('reports', () => {
  it('make an edge durable before the reply, whichever replica gets it', async () => {
    const vm = await runningVm();
    const agent = new Agent(vm.workflowId, vm.machineId);
    await agent.exchange();
    const second = await startTestApi(scene.server, api.settings.temporal.controlTaskQueue, { share: api });
    try {
      expect(reply(await agent.report(0)).forwarded).toMatchObject({ connections: 0 });
      expect(reply(await agent.report(2, {}, second)).forwarded).toMatchObject({ connections: 2 });
      expect(await connectionsOf(vm.name)).toBe(2);
      const unchanged = reply(await agent.report(2));
      expect(unchanged.forwarded?.sequence).toBe(3);
      const restless = reply(await agent.report(3, { calmMs: 10 }));
      expect(restless).toMatchObject({ nextReportSeconds: 1, forwarded: { connections: 2 } });
      expect(reply(await agent.report(3, { calmMs: 1500 })).forwarded).toMatchObject({ connections: 3, tokens: 9 });
      expect(reply(await agent.report(0)).forwarded).toMatchObject({ connections: 0 });
      expect(await connectionsOf(vm.name)).toBe(0);
    } finally {
      await second.close();
    }
  });

  it('of a machine that is not ready yet are not forwarded', async () => {
    const vm = await runningVm();
    const agent = new Agent(vm.workflowId, vm.machineId);
    await agent.exchange();
    const answer = reply(await agent.report(5, { ready: false }));
    expect(answer).toMatchObject({ forwarded: null, nextReportSeconds: 1 });
    expect(await connectionsOf(vm.name)).toBe(0);
  });

  it('hear that the VM drains', async () => {
    const vm = await runningVm();
    const agent = new Agent(vm.workflowId, vm.machineId);
    await agent.exchange();
    expect(reply(await agent.report(1)).draining).toBe(false);
    await api.call('POST', `/v1/vms/${vm.name}/drain`);
    expect(reply(await agent.report(1)).draining).toBe(true);
  });

  it('answer the question that is asked before an idle VM ends', async () => {
    const vm = await runningVm({ idle: { timeoutSeconds: 1 } });
    const agent = new Agent(vm.workflowId, vm.machineId);
    await agent.exchange();
    await agent.report(1);
    await agent.report(0);
    await eventually('the question', async () => {
      const { body } = await api.call('GET', `/v1/vms?state=running&pageSize=1000`);
      return body.vms.find(({ name, aliveBecause }) => name === vm.name && aliveBecause === 'confirming');
    });
    const told = reply(await agent.report(0));
    expect([told.nextReportSeconds, typeof told.confirm, told.forwarded?.sequence]).toEqual([1, 'string', 3]);
    expect(await viewOf(vm.name)).toMatchObject({ state: 'running' });
    const answered = reply(await agent.report(0));
    expect(answered.forwarded?.sequence).toBe(5);
    await eventually('the end', async () => {
      const { body } = await api.call('GET', `/v1/vms/${vm.name}`);
      return body.state === 'destroyed' && body.reason === 'idle' ? true : undefined;
    });
    const late = await agent.report(0);
    expect([late.status, late.body.code]).toEqual([401, 'tokenRefused']);
  });

  it.each([
    ['whose clock is behind', { now: () => Date.now() - 50_000 }],
    ['whose list of VMs is always late', { pollMs: 600_000 }],
  ])('through a replica %s let an empty VM end', async (_which, options) => {
    const vm = await runningVm({ idle: { timeoutSeconds: 1 } });
    const agent = new Agent(vm.workflowId, vm.machineId);
    await agent.exchange();
    const share = { share: api, ...options };
    const replica = await startTestApi(scene.server, api.settings.temporal.controlTaskQueue, share);
    try {
      await agent.report(1, {}, replica);
      await agent.report(0, {}, replica);
      await idleEnd(vm.name, agent, replica);
    } finally {
      await replica.close();
    }
  });

  it('that were taken before the question was known do not answer it', async () => {
    const vm = await runningVm({ idle: { timeoutSeconds: 1 } });
    const agent = new Agent(vm.workflowId, vm.machineId);
    await agent.exchange();
    const ahead = await startTestApi(scene.server, api.settings.temporal.controlTaskQueue, {
      share: api,
      now: () => Date.now() + 50_000,
    });
    try {
      await agent.report(1);
      await agent.report(0);
      await eventually('the question', async () => {
        const { body } = await ahead.call('GET', `/v1/vms?pageSize=1000`);
        return body.vms.find(({ name, aliveBecause }) => name === vm.name && aliveBecause === 'confirming');
      });
      for (const late of [1, 2, 3]) await agent.report(0, { calmMs: late, answers: undefined }, ahead);
      expect(await viewOf(vm.name)).toMatchObject({ state: 'running', aliveBecause: 'confirming' });
    } finally {
      await ahead.close();
    }
  });

  it('of an earlier life of the name change nothing', async () => {
    const first = await runningVm();
    const agent = new Agent(first.workflowId, first.machineId);
    await agent.exchange();
    expect((await agent.report(1)).status).toBe(200);
    await api.call('DELETE', `/v1/vms/${first.name}?wait=destroyed`);
    const second = await api.call('POST', '/v1/vms?wait=ready', { body: { name: first.name, template: 'chat' } });
    expect(second.status).toBe(201);
    expect((await agent.report(7)).status).toBe(401);
    expect(await connectionsOf(first.name)).toBe(0);
  });

  it('that come too fast are refused with the seconds to wait, without harm to other machines', async () => {
    const [fast, calm] = [await runningVm(), await runningVm()];
    const agent = new Agent(fast.workflowId, fast.machineId);
    await agent.exchange();
    const answers = await Promise.all(Array.from({ length: 80 }, () => agent.report(1)));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]?.headers.get('retry-after')).toBe('1');
    const other = new Agent(calm.workflowId, calm.machineId);
    await other.exchange();
    expect((await other.report(1)).status).toBe(200);
  });
});

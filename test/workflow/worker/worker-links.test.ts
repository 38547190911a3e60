import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { WorkflowHandle } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SPEC_DEFAULTS } from '../../../domain/vm/spec.ts';
import type { VmStateName } from '../../../domain/vm/state.ts';
import { MEMO, vmWorkflowId } from '../../../domain/wire-names.ts';
import { confirmUsage } from '../../../activities/machine/agent/confirm-usage.ts';
import { probeMachine } from '../../../activities/machine/agent/probe-machine.ts';
import { AgentLinks } from '../../../worker/links/agent-links.ts';
import { temporalVmSignals } from '../../../worker/links/vm-signals.ts';
import { activityContext } from '../../../test-support/activity-context.ts';
import { checkedStarts } from '../../../test-support/signed-start.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { TEST_NAMESPACE, startTestServer, type TestServer } from '../../../test-support/temporal-server.ts';
import {
  finishSignal,
  publishSignal,
  recordedQuery,
  type Recorded,
  type recorder,
} from '../../../test-support/workflow/recorder-workflow.ts';
import { ScriptedAgent, scriptedProvider } from '../../../test-support/workflow/scripted-agent.ts';

const taskQueue = `links-${randomUUID().slice(0, 8)}`;
const never = new AbortController().signal;
const log = pino({ level: 'silent' });

let server: TestServer;
let worker: Worker;
let connection: NativeConnection;
let running: Promise<void>;
beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  server = await startTestServer();
  connection = await NativeConnection.connect({ address: server.address });
  worker = await Worker.create({
    connection,
    namespace: TEST_NAMESPACE,
    taskQueue,
    workflowsPath: fileURLToPath(new URL('../../../test-support/workflow/recorder-workflow.ts', import.meta.url)),
  });
  running = worker.run();
});
afterAll(async () => {
  worker.shutdown();
  await running;
  await connection.close();
  await server.stop();
});

describe('the agent links of a host', () => {
  const closers: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });

  const startAgent = async (): Promise<ScriptedAgent> => {
    const agent = await new ScriptedAgent().listen();
    closers.push(() => agent.close());
    return agent;
  };
  const startLinks = (...agents: ScriptedAgent[]): AgentLinks => {
    const links = new AgentLinks({
      provider: scriptedProvider(agents),
      signals: temporalVmSignals(server.client),
      log,
    });
    closers.push(() => links.stop(0));
    return links;
  };
  const viewOf = (state: VmStateName, machineId: string, silenceTimeoutSeconds = 300) => ({
    machineId,
    state,
    spec: { readiness: { kind: 'agent' }, idle: { ...SPEC_DEFAULTS.idle, silenceTimeoutSeconds } },
  });
  const startVm = async (
    agent: ScriptedAgent,
    options: { state?: VmStateName; silenceTimeoutSeconds?: number; machineId?: string } = {},
  ): Promise<WorkflowHandle> => {
    const { state = 'running', silenceTimeoutSeconds = 300, machineId = agent.machineId } = options;
    const view = viewOf(state, machineId, silenceTimeoutSeconds);
    return server.client.workflow.start<typeof recorder>('recorder', {
      workflowId: vmWorkflowId('default', agent.vm),
      taskQueue,
      memo: { [MEMO.vm]: { view, timeline: [] } },
    });
  };
  const open = (links: AgentLinks, agent: ScriptedAgent, silenceTimeoutSeconds = 300): void => {
    const workflowId = vmWorkflowId('default', agent.vm);
    links.open({ machineId: agent.machineId, workflowId, agent: agent.machine().agent, silenceTimeoutSeconds });
  };
  const recorded = async (vm: WorkflowHandle): Promise<Recorded> => vm.query(recordedQuery);
  const countsOf = async (vm: WorkflowHandle): Promise<number[]> =>
    (await recorded(vm)).reports.map(({ connections }) => connections);

  it('hand the first ready report to the activity that waits for it, and send no signal for it', async () => {
    const agent = await startAgent();
    agent.ready = false;
    const links = startLinks(agent);
    const vm = await startVm(agent, { state: 'booting' });
    open(links, agent);
    const ready = links.awaitReady(agent.machineId, never);
    await eventually(() => expect(agent.connected).toBe(1));
    agent.count(0);
    agent.ready = true;
    const sequence = agent.count(0);
    expect(await ready).toEqual({ sequence, connections: 0 });
    agent.count(1);
    await eventually(async () => expect(await countsOf(vm)).toEqual([1]));
  });

  it('bring every edge to the workflow, in order, with the machine it is of', async () => {
    const agent = await startAgent();
    const links = startLinks(agent);
    const vm = await startVm(agent);
    open(links, agent);
    await links.awaitReady(agent.machineId, never);
    for (const connections of [1, 0, 3, 0]) {
      agent.count(connections);
      await eventually(async () => expect((await countsOf(vm)).at(-1)).toBe(connections));
    }
    const { reports } = await recorded(vm);
    expect(reports.map(({ connections }) => connections)).toEqual([1, 0, 3, 0]);
    for (const report of reports) {
      expect(report.machineId).toBe(agent.machineId);
      expect(Math.abs(report.sentAt - Date.now())).toBeLessThan(60_000);
    }
  });

  it('turn a storm of changes into a handful of signals', async () => {
    const agent = await startAgent();
    const links = startLinks(agent);
    const vm = await startVm(agent);
    open(links, agent);
    await links.awaitReady(agent.machineId, never);
    for (let change = 1; change <= 300; change++) {
      agent.count(1 + (change % 7));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const last = agent.count(42);
    await eventually(async () => expect((await recorded(vm)).reports.at(-1)?.sequence).toBe(last));
    expect((await recorded(vm)).reports.length).toBeLessThanOrEqual(12);
    const { reportsReceived, signalsSent, signalsSaved } = links.counters;
    expect(signalsSent).toBe((await recorded(vm)).reports.length);
    expect(signalsSaved).toBe(reportsReceived - signalsSent);
  });

  it('deliver an edge that came while Temporal was down, and the use in between', async () => {
    const agent = await startAgent();
    const links = startLinks(agent);
    const vm = await startVm(agent);
    open(links, agent);
    await links.awaitReady(agent.machineId, never);
    await server.kill();
    agent.count(2);
    await new Promise((resolve) => setTimeout(resolve, 300));
    agent.count(3);
    agent.count(0);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await server.restart();
    await eventually(async () => expect((await countsOf(vm)).at(-1)).toBe(0), 60_000);
    const counts = await countsOf(vm);
    expect(counts.some((connections) => connections > 0)).toBe(true);
    expect(counts.length).toBeLessThanOrEqual(3);
  });

  it('adopt the machines of the provider after a restart and tell their workflows the state', async () => {
    const [busy, empty] = [await startAgent(), await startAgent()];
    busy.connections = 5;
    const vms = [await startVm(busy), await startVm(empty)];
    const links = startLinks(busy, empty);
    await links.adoptAll();
    await eventually(async () => expect(await countsOf(vms[0]!)).toEqual([5]));
    await eventually(async () => expect(await countsOf(vms[1]!)).toEqual([0]));
    busy.count(0);
    await eventually(async () => expect(await countsOf(vms[0]!)).toEqual([5, 0]));
  });

  it('hold back a booting machine that they adopted until its app is ready', async () => {
    const agent = await startAgent();
    agent.ready = false;
    const vm = await startVm(agent, { state: 'booting' });
    const links = startLinks(agent);
    await links.adoptAll();
    await eventually(() => expect(agent.connected).toBe(1));
    agent.count(0);
    agent.ready = true;
    const sequence = agent.count(0);
    await eventually(async () => expect((await recorded(vm)).reports).toMatchObject([{ sequence, connections: 0 }]));
  });

  it('keep nothing linked whose VM is closed or has another machine', async () => {
    const [orphan, replaced] = [await startAgent(), await startAgent()];
    const vm = await startVm(replaced, { machineId: 'm-another' });
    const links = startLinks(orphan, replaced);
    await links.adoptAll();
    expect(links.counters.links).toBe(0);
    replaced.count(3);
    expect(await countsOf(vm)).toEqual([]);
  });

  it('stay with a machine of which its workflow says nothing yet, and forward as soon as it does', async () => {
    const agents = [await startAgent(), await startAgent()];
    const links = startLinks(...agents);
    const [silent, unreadable] = agents as [ScriptedAgent, ScriptedAgent];
    const vms = [
      await startVm(silent, { machineId: '', state: 'creating' }),
      await startVm(unreadable, { state: 'dreaming' as VmStateName }),
    ];
    await links.adoptAll();
    expect(links.counters.links, 'neither is given up').toBe(2);
    for (const agent of agents) agent.count(2);
    for (const [index, agent] of agents.entries()) {
      const view = viewOf('running', agent.machineId);
      await vms[index]!.signal(publishSignal, { [MEMO.vm]: { view, timeline: [] } });
      await eventually(async () => expect(await countsOf(vms[index]!)).toEqual([2]));
    }
  });

  it.each([
    ['an empty VM is to end', confirmUsage, { kind: 'answered' }],
    ['its agent is silent', probeMachine, { alive: true }],
  ] as const)('open again for a machine that has none when %s', async (_when, ask, answer) => {
    const agent = await startAgent();
    const links = startLinks(agent);
    const vm = await startVm(agent);
    const dependencies = {
      provider: scriptedProvider([agent]),
      links,
      ...checkedStarts(),
      issueBootstrap: null,
    };
    agent.connections = 3;
    expect(await ask(dependencies, { machineId: agent.machineId }, activityContext())).toMatchObject(answer);
    await eventually(async () => expect(await countsOf(vm)).toContain(3));
  });

  it('forward no more when the workflow closed, and again when the machine is adopted by a new run', async () => {
    const agent = await startAgent();
    const vm = await startVm(agent);
    const links = startLinks(agent);
    await links.adoptAll();
    await eventually(async () => expect(await countsOf(vm)).toEqual([0]));
    await vm.signal(finishSignal);
    await vm.result();
    agent.count(1);
    await eventually(() => expect(links.counters.links).toBe(0));
    const next = await startVm(agent);
    await links.adoptAll();
    await eventually(async () => expect(await countsOf(next)).toEqual([1]));
  });

  it('bring a sign of life at half the silence time-out, asking an agent that reports too seldom', async () => {
    const agent = await startAgent();
    const vm = await startVm(agent, { silenceTimeoutSeconds: 2 });
    const links = startLinks(agent);
    await links.adoptAll();
    await eventually(async () => expect((await recorded(vm)).reports.length).toBeGreaterThanOrEqual(3));
    const { reports } = await recorded(vm);
    const gaps = reports.slice(1).map(({ sentAt }, index) => sentAt - reports[index]!.sentAt);
    for (const gap of gaps) expect(gap).toBeLessThan(2000);
  });

  it('tell the workflow at once when a serving machine ended by itself', async () => {
    const agent = await startAgent();
    const vm = await startVm(agent);
    const links = startLinks(agent);
    await links.adoptAll();
    await eventually(async () => expect(await countsOf(vm)).toEqual([0]));
    agent.status = 'ended';
    await agent.close();
    await eventually(async () => expect((await recorded(vm)).lost).toEqual([agent.machineId]));
    expect(links.counters.links).toBe(0);
  });

  describe('confirm', () => {
    it('resolves with the report that answers the question', async () => {
      const agent = await startAgent();
      const links = startLinks(agent);
      open(links, agent);
      await links.awaitReady(agent.machineId, never);
      agent.connections = 7;
      expect(await links.confirm(agent.machineId, never)).toMatchObject({ connections: 7 });
    });

    it('waits for a link that reconnects within its time', async () => {
      const agent = await startAgent();
      const links = startLinks(agent);
      open(links, agent);
      await links.awaitReady(agent.machineId, never);
      await agent.close();
      const answer = links.confirm(agent.machineId, never);
      await new Promise((resolve) => setTimeout(resolve, 200));
      agent.connections = 4;
      await agent.listen();
      expect(await answer).toMatchObject({ connections: 4 });
    });

    it('waits for a machine that is adopted within its time', async () => {
      const agent = await startAgent();
      const links = startLinks(agent);
      const answer = links.confirm(agent.machineId, never);
      await new Promise((resolve) => setTimeout(resolve, 100));
      await startVm(agent);
      await links.adoptAll();
      expect(await answer).toMatchObject({ connections: 0 });
    });

    it('is undefined when the agent does not answer, however much else it says', async () => {
      const agent = await startAgent();
      const links = startLinks(agent);
      open(links, agent);
      await links.awaitReady(agent.machineId, never);
      agent.talks = false;
      const chatter = setInterval(() => agent.report({ answers: 'some other question' }), 50);
      expect(await links.confirm(agent.machineId, never)).toBeUndefined();
      clearInterval(chatter);
    });

    it('gets its answer out of a flood of reports', async () => {
      const agent = await startAgent();
      const links = startLinks(agent);
      open(links, agent);
      await links.awaitReady(agent.machineId, never);
      const flood = setInterval(() => {
        for (let line = 0; line < 200; line++) agent.count(line);
      }, 20);
      expect(await links.confirm(agent.machineId, never)).toBeDefined();
      clearInterval(flood);
    });
  });

  it('survive whatever an agent sends, and hear the next honest word', async () => {
    const agent = await startAgent();
    const links = startLinks(agent);
    const vm = await startVm(agent);
    open(links, agent);
    await links.awaitReady(agent.machineId, never);
    const nonsense = [
      'hello',
      '{"type":"report"',
      '[]',
      'null',
      '{"type":"report","sequence":-1,"connections":1,"ready":true}',
      '{"type":"report","sequence":9,"connections":1e99,"ready":true}',
      '{"type":"report","sequence":9,"connections":"1","ready":true}',
      '{"__proto__":{"type":"report"}}',
      '\u0000\u0001\u0002',
      '{"type":"report","sequence":9,"connections":1,"ready":true,"answers":{}}',
    ];
    agent.write(`${nonsense.join('\n')}\n`);
    agent.write('x'.repeat(100_000));
    await eventually(() => expect(agent.connected).toBeGreaterThan(1));
    await eventually(() => expect(links.send(agent.machineId, { type: 'drain', draining: true })).toBe(true));
    agent.count(1);
    await eventually(async () => expect(await countsOf(vm)).toEqual([1]));
  });
});

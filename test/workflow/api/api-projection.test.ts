import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ProjectionFeed } from '../../../api/projection/projection-feed.ts';
import { Projection } from '../../../api/projection/projection.ts';
import { VmDirectory } from '../../../api/vms/seen/vm-directory.ts';
import { vmWorkflowId } from '../../../domain/wire-names.ts';
import { viewQuery } from '../../../workflows/messages.ts';
import { eventually, startTestApi, uniqueName, type TestApi } from '../../../test-support/workflow/api-harness.ts';
import { runWorker, startVmHarness, type VmHarness } from '../../../test-support/workflow/vm-harness.ts';

const NEVER_MS = 3_600_000;

let harness: VmHarness;
let api: TestApi;
let queue: string;

beforeAll(async () => {
  harness = await startVmHarness();
  ({ queue } = await harness.park('api projection'));
  api = await startTestApi(harness.server, queue);
});
afterAll(async () => {
  await api.close();
  await harness.stop();
});

async function follow(pace: { pollMs: number; relistMs: number }, controlTaskQueue: string = queue) {
  const { client } = harness.server;
  const projection = new Projection({ uiUrl: null, namespace: 'ephemera' });
  const directory = new VmDirectory(client);
  const log = pino({ level: 'error' });
  const feed = new ProjectionFeed({ client, projection, directory, log, controlTaskQueue, ...pace });
  feed.start();
  await eventually('the first list', () => Promise.resolve(feed.loaded ? true : undefined));
  const state = (name: string): string | undefined => projection.get(vmWorkflowId('default', name))?.view.state;
  const until = (name: string, wanted: string | undefined): Promise<true> =>
    eventually(`${name} as ${String(wanted)}`, () => Promise.resolve(state(name) === wanted ? true : undefined));
  return { feed, state, until, size: () => projection.size };
}

async function running(): Promise<string> {
  const made = await api.call('POST', '/v1/vms?wait=ready', { body: { name: uniqueName(), template: 'chat' } });
  expect(made.status).toBe(201);
  return made.body.name;
}

async function visible(name: string, status: string): Promise<void> {
  await eventually(`${name} as ${status} in visibility`, async () => {
    const query = `WorkflowId = '${vmWorkflowId('default', name)}' AND ExecutionStatus = '${status}'`;
    return (await harness.server.client.workflow.count(query)).count > 0 ? true : undefined;
  });
}

describe('the list of a replica', () => {
  it('has every VM after a start, live and ended ones', async () => {
    const [live, ended] = [await running(), await running()];
    await api.call('DELETE', `/v1/vms/${ended}?wait=destroyed`);
    await visible(ended, 'Completed');
    await visible(live, 'Running');
    const { feed, state } = await follow({ pollMs: NEVER_MS, relistMs: NEVER_MS });
    expect([state(live), state(ended)]).toEqual(['running', 'destroyed']);
    await feed.close();
  });

  it('follows each change by its polls alone, also a termination that updates nothing', async () => {
    const { feed, until } = await follow({ pollMs: 200, relistMs: NEVER_MS });
    const names = await Promise.all(Array.from({ length: 10 }, running));
    await Promise.all(names.map((name) => until(name, 'running')));
    const [first = '', ...others] = names;
    await harness.server.client.workflow.getHandle(vmWorkflowId('default', first)).terminate('test');
    await Promise.all(others.map((name) => api.call('DELETE', `/v1/vms/${name}`)));
    await until(first, 'failed');
    await Promise.all(others.map((name) => until(name, 'destroyed')));
    await feed.close();
  });

  it('heals by its full list when polls missed an end, and forgets what Temporal deleted', async () => {
    const [ended, deleted] = [await running(), await running()];
    await visible(ended, 'Running');
    await visible(deleted, 'Running');
    const { feed, until, state } = await follow({ pollMs: NEVER_MS, relistMs: 1000 });
    expect([state(ended), state(deleted)]).toEqual(['running', 'running']);
    await api.call('DELETE', `/v1/vms/${ended}?wait=destroyed`);
    await harness.server.client.workflowService.deleteWorkflowExecution({
      namespace: 'ephemera',
      workflowExecution: { workflowId: vmWorkflowId('default', deleted) },
    });
    await until(ended, 'destroyed');
    await until(deleted, undefined);
    await feed.close();
  });

  it('goes on when the first life of a name is followed by a second one', async () => {
    const { feed, until } = await follow({ pollMs: 200, relistMs: NEVER_MS });
    const name = await running();
    await until(name, 'running');
    await api.call('DELETE', `/v1/vms/${name}?wait=destroyed`);
    await until(name, 'destroyed');
    await api.call('POST', '/v1/vms?wait=ready', { body: { name, template: 'chat' } });
    await until(name, 'running');
    await feed.close();
  });

  it('shows a VM whose memo this version cannot read as last known or as its workflow says, never as ended', async () => {
    const [known, asked] = [await running(), await running()];
    await visible(known, 'Running');
    const { feed, until, state } = await follow({ pollMs: 100, relistMs: 500 });
    await until(known, 'running');
    const { client } = harness.server;
    const recorderQueue = `unreadable-${uniqueName()}`;
    const workflowsPath = fileURLToPath(
      new URL('../../../test-support/workflow/forgetful-workflow.ts', import.meta.url),
    );
    const stop = await runWorker(harness.server, { taskQueue: recorderQueue, workflowsPath });
    const theirs = await follow({ pollMs: 100, relistMs: 500 }, recorderQueue);
    const name = uniqueName();
    const { spec, ...view } = await client.workflow.getHandle(vmWorkflowId('default', asked)).query(viewQuery);
    const vm = await client.workflow.start('vm', {
      workflowId: vmWorkflowId('default', name),
      taskQueue: recorderQueue,
      args: [{ memo: { view: { ...view, name, spec }, timeline: [] } }],
    });
    await theirs.until(name, 'running');
    await vm.signal('say', { view: { ...view, state: 'dreaming' }, timeline: [] });
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(theirs.state(name), 'after polls and full lists').toBe('running');
    const described = new VmDirectory(client).describeWorkflow(vm.workflowId);
    await expect(described, 'nobody is told that there is none').rejects.toMatchObject({ code: 'temporalUnavailable' });
    expect(state(known)).toBe('running');
    await vm.terminate();
    await theirs.until(name, undefined);
    await stop();
    await feed.close();
    await theirs.feed.close();
  });

  it('has no VM of another deployment in the same namespace', async () => {
    const name = await running();
    await visible(name, 'Running');
    const ours = await follow({ pollMs: 100, relistMs: 1000 });
    await ours.until(name, 'running');
    const theirs = await follow({ pollMs: 100, relistMs: 1000 }, `another-${queue}`);
    await api.call('DELETE', `/v1/vms/${name}?wait=destroyed`);
    await ours.until(name, 'destroyed');
    expect(theirs.size()).toBe(0);
    await ours.feed.close();
    await theirs.feed.close();
  });
});

import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { METRICS, type MetricDefinition } from '../../domain/metrics.ts';
import { joinChat } from '../../test-support/chat-client.ts';
import { metricsOf, readMetrics, type Family } from '../../test-support/metrics-text.ts';
import { answerOf } from '../../test-support/api/api-calls.ts';
import { eventually, startStack, type Stack } from '../../test-support/stack.ts';
import { freePort } from '../../test-support/free-port.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';

const DEPLOY = join(import.meta.dirname, '../../deploy');
const token = `scrape-${randomUUID()}`;
let server: TestServer;
let stack: Stack;
let urls: { api: string; worker: string };

beforeAll(async () => {
  const [api, worker] = [await freePort(), await freePort()];
  urls = { api: `http://127.0.0.1:${api}/metrics`, worker: `http://127.0.0.1:${worker}/metrics` };
  server = await startTestServer();
  stack = await startStack({
    server,
    env: {
      EPHEMERA_METRICS_PORT: `${api}`,
      EPHEMERA_WORKER_METRICS_PORT: `${worker}`,
      EPHEMERA_METRICS_TOKEN: token,
      EPHEMERA_HOST_CPUS: '16',
      EPHEMERA_SWEEP_INTERVAL_SECONDS: '5',
      EPHEMERA_LOG_LEVEL: 'debug',
    },
  });
});
afterAll(async () => {
  await stack.stop();
  await server.stop();
});

async function scrape(from: 'api' | 'worker'): Promise<Map<string, Family>> {
  const answer = await fetch(urls[from], { headers: { authorization: `Bearer ${token}` } });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  return readMetrics(await answer.text());
}

/** The sum of the series of this name whose labels are these. */
function sumOf(families: Map<string, Family>, name: string, labels: Record<string, string> = {}): number {
  return [...families.values()]
    .flatMap(({ series }) => series)
    .filter((one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value))
    .reduce((sum, { value }) => sum + value, 0);
}

async function create(
  name: string,
  requestId: string = randomUUID(),
): Promise<{ ip: string; port: number; machineId: string }> {
  const init = {
    params: { query: { wait: 'ready', timeoutSeconds: 60 } },
    headers: { 'x-request-id': requestId },
    body: { name, template: 'chat' },
  } as const;
  const { status, body: vm } = await answerOf(stack.calls.client.POST('/v1/vms', init));
  expect(status).toBe(201);
  const { ip, ports } = vm.address!;
  return { ip, port: ports[0]!.port, machineId: vm.machineId! };
}

const destroy = (name: string) => stack.calls.destroyVm(name, { wait: 'destroyed', timeoutSeconds: 60 });

interface Line {
  msg: string;
  requestId?: string;
  route?: string;
  workflowId?: string;
  runId?: string;
  machineId?: string;
  activity?: string;
  code?: string;
}

async function linesOf(name: 'api-0' | 'worker'): Promise<Line[]> {
  const text = await readFile(join(stack.stateDir, `${name}.log`), 'utf8');
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line);
}

describe('the metrics of API and worker', () => {
  let duringLife: Map<string, Family>;

  it('are for those who have the token alone, and for nothing but looking', async () => {
    for (const url of Object.values(urls)) {
      await eventually(stack, url, async () => ((await fetch(url)).status === 401 ? true : undefined));
      for (const key of [stack.apiKey, `${token}x`, '']) {
        expect((await fetch(url, { headers: { authorization: `Bearer ${key}` } })).status).toBe(401);
      }
      expect((await fetch(url, { method: 'POST' })).status).toBe(405);
      expect((await fetch(url.replace('/metrics', '/'))).status).toBe(404);
    }
    expect((await fetch(`${stack.apis[0]!.url}/metrics`)).status, 'not where the API is').toBe(404);
  });

  it('tell of a whole life', async () => {
    const { ip, port } = await create('told');
    const ann = await joinChat(ip, port, 'lobby', 'ann');
    await eventually(stack, 'the VM, its user and a sweep', async () => {
      duringLife = new Map([...(await scrape('api')), ...(await scrape('worker'))]);
      const seen = [
        sumOf(duringLife, 'ephemera_vms', { state: 'running', template: 'chat', provider: 'local' }),
        sumOf(await scrape('worker'), 'ephemera_agent_signals_total', { transport: 'channel' }),
        sumOf(duringLife, 'ephemera_sweeps_total', { provider: 'local', outcome: 'done' }),
      ];
      return seen.every((value) => value > 0) ? true : undefined;
    });
    expect(sumOf(duringLife, 'ephemera_agent_links')).toBe(1);
    expect(sumOf(duringLife, 'ephemera_host_free_cpus')).toBeLessThan(16);
    expect(sumOf(duringLife, 'ephemera_vm_create_to_ready_seconds_count', { provider: 'local' })).toBe(1);
    expect(sumOf(duringLife, 'ephemera_http_request_duration_seconds_count', { route: '/v1/vms', waited: 'yes' })).toBe(
      1,
    );
    await ann.leave();
    await destroy('told');
    expect((await fetch(`${stack.apis[0]!.url}/v1/vms`)).status).toBe(401);
    expect((await stack.calls.getVm('nobody')).status).toBe(404);
    const [api, worker] = [await scrape('api'), await scrape('worker')];
    expect(sumOf(api, 'ephemera_vms')).toBe(0);
    expect(sumOf(api, 'ephemera_http_problems_total', { code: 'unauthenticated' })).toBe(1);
    expect(sumOf(api, 'ephemera_http_request_duration_seconds_count', { route: '/v1/vms/{name}', status: '404' })).toBe(
      1,
    );
    expect(sumOf(worker, 'ephemera_vms_ended_total', { reason: 'requested', provider: 'local' })).toBe(1);
    expect(sumOf(worker, 'ephemera_vms_ended_total')).toBe(1);
    for (const state of ['creating', 'booting', 'running', 'destroying']) {
      expect(sumOf(worker, 'ephemera_vm_state_duration_seconds_count', { state }), state).toBe(1);
    }
    for (const operation of ['create', 'destroy']) {
      const labels = { provider: 'local', operation, code: 'ok' };
      expect(sumOf(worker, 'ephemera_provider_operations_total', labels), operation).toBe(1);
    }
    expect(sumOf(worker, 'temporal_workflow_completed_total', { workflow_type: 'vm' })).toBe(1);
  });

  it('are all documented, and all documented ones are there', async () => {
    for (const [process, from] of [['API', 'api'] as const, ['worker', 'worker'] as const]) {
      const families = await scrape(from);
      const documented = Object.entries(METRICS as Record<string, MetricDefinition>).filter(([, one]) =>
        one.from.includes(process),
      );
      const shown = [...families.keys()].filter((name) => name.startsWith('ephemera_'));
      expect(shown.sort()).toEqual(documented.map(([name]) => name).sort());
      for (const [name, { kind, labels }] of documented) {
        const family = families.get(name)!;
        expect(family.kind, name).toBe(kind);
        const known = new Set([...labels, 'le']);
        for (const series of family.series) {
          for (const label of Object.keys(series.labels)) expect(known, name).toContain(label);
        }
      }
    }
  });

  it('are those that the dashboard and the alerts read, down to their labels', async () => {
    const read = [...(await dashboardExpressions()), ...(await alertExpressions())];
    expect(read.length).toBeGreaterThan(40);
    const ofScraper = ['up'];
    const series = [...duringLife.values()].flatMap((family) => family.series);
    const labelsOf = (name: string): Set<string> => {
      const documented: MetricDefinition | undefined =
        METRICS[name.replace(/_(bucket|sum|count)$/, '') as 'ephemera_vms'];
      const seen = series.filter((one) => one.name === name).flatMap(({ labels }) => Object.keys(labels));
      return new Set([...seen, ...((documented as MetricDefinition | undefined)?.labels ?? [])]);
    };
    const known = new Set([...series.map(({ name }) => name), ...duringLife.keys()]);
    for (const { name, labels } of read.flatMap(metricsOf)) {
      if (ofScraper.includes(name)) continue;
      expect(known).toContain(name);
      for (const label of labels) expect(labelsOf(name), name).toContain(label);
    }
  });

  it('count nothing twice when a worker that took over replays a life', async () => {
    await create('replayed');
    await stack.worker.kill();
    await stack.worker.start();
    await eventually(stack, 'its end', async () => ((await destroy('replayed')).status === 200 ? true : undefined));
    const worker = await scrape('worker');
    expect(sumOf(worker, 'ephemera_vm_create_to_ready_seconds_count')).toBe(0);
    expect(sumOf(worker, 'ephemera_vm_state_duration_seconds_count', { state: 'creating' })).toBe(0);
    expect(sumOf(worker, 'ephemera_vm_state_duration_seconds_count', { state: 'running' })).toBe(1);
    expect(sumOf(worker, 'ephemera_vms_ended_total')).toBe(1);
  });
});

describe('the logs', () => {
  it('lead from a request to its workflow, and on to each activity and its machine', async () => {
    const requestId = `trace-${randomUUID()}`;
    const { machineId } = await create('followed', requestId);
    await destroy('followed');
    const request = await eventually(stack, 'the line of the request', async () =>
      (await linesOf('api-0')).find((line) => line.msg === 'request' && line.requestId === requestId),
    );
    expect(request).toMatchObject({
      ...{ method: 'POST', route: '/v1/vms', path: '/v1/vms', status: 201, project: 'default' },
      ...{ keyId: 'preset', workflowId: 'vm/default/followed', durationMs: expect.any(Number) as number },
    });
    const { workflowId, runId } = request;
    const linesOfVm = async (): Promise<(Line & { to?: string })[]> =>
      (await linesOf('worker')).filter((line) => line.workflowId === workflowId && line.runId === runId);
    // The SDK hands lines over a moment later.
    await eventually(stack, 'its last line', async () => (await linesOfVm()).find(({ to }) => to === 'destroyed'));
    const ofVm = await linesOfVm();
    const states = ofVm.filter(({ msg }) => msg === 'the VM changed its state');
    expect(states.map(({ to }) => to)).toEqual(['booting', 'running', 'destroying', 'destroyed']);
    for (const line of states) expect(line.machineId).toBe(machineId);
    const activities = ofVm.filter(({ msg }) => msg === 'Activity completed');
    expect(new Set(activities.map(({ activity }) => activity))).toEqual(
      new Set(['createMachine', 'awaitMachineReady', 'destroyMachine']),
    );
    for (const line of activities) expect(line.machineId).toBe(machineId);
  });

  it('say which request was refused, and never with which key', async () => {
    const answer = await stack.calls.getVm('unknown');
    const requestId = answer.headers.get('x-request-id');
    const line = await eventually(stack, 'its line', async () =>
      (await linesOf('api-0')).find((one) => one.requestId === requestId),
    );
    expect(line).toMatchObject({ route: '/v1/vms/{name}', status: 404, code: 'unknownVm', keyId: 'preset' });
    const everything = JSON.stringify([await linesOf('api-0'), await linesOf('worker')]);
    expect(everything).not.toContain(stack.apiKey);
    expect(everything).not.toContain(token);
  });
});

interface Dashboard {
  panels: { title: string; targets?: { expr: string }[] }[];
}

async function dashboardExpressions(): Promise<string[]> {
  const { panels } = JSON.parse(await readFile(join(DEPLOY, 'grafana/ephemera.json'), 'utf8')) as Dashboard;
  return panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
}

async function alertExpressions(): Promise<string[]> {
  const sample = parse(await readFile(join(DEPLOY, 'prometheus.yml'), 'utf8')) as { rule_files: string[] };
  const files = await Promise.all(sample.rule_files.map((file) => readFile(join(DEPLOY, file), 'utf8')));
  const rules = files.map((text) => parse(text) as { groups: { rules: { expr: string }[] }[] });
  return rules.flatMap(({ groups }) => groups.flatMap((group) => group.rules.map(({ expr }) => expr)));
}

/** Pools of Compute Engine instances through `npm start`: real API, worker and vm-server against a strict server. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Client, Connection } from '@temporalio/client';
import type { CreateVm } from '../../client/api-client.ts';
import { poolWorkflowId } from '../../domain/wire-names.ts';
import { AgentTokens } from '../../security/agents/agent-tokens.ts';
import type { Answer, ApiCalls, ShownVm } from '../../test-support/api/api-calls.ts';
import { callsOf } from '../../test-support/api/npm-start-calls.ts';
import { agentGuests } from '../../test-support/gce-server/agent-guests.ts';
import type { Instance } from '../../test-support/gce-server/resources.ts';
import { startGceServer, type GceServer } from '../../test-support/gce-server/server.ts';
import { FREE_PORTS, NpmRun, endEverythingOn, readRunJson } from '../../test-support/npm-start.ts';
import { filesWith } from '../../test-support/secret-search.ts';
import { poolViewQuery } from '../../workflows/messages.ts';

const SPEC = { image: 'vm-server', ports: [{ name: 'http', port: 8080 }], labels: { team: 'pool' } };
const ONE = { min: 1, max: 1, ttlSeconds: 3600 };
const WAIT = { timeout: 60_000, interval: 100 };

/** `chat`: as on the image of the template. `played`: an app of its own, which vm-server counts for. */
describe.each(['chat', 'played'] as const)('a pool of instances that run the %s app', (app) => {
  const directory = mkdtempSync(join(tmpdir(), 'ephemera-gcp-warm-'));
  const stateDir = join(directory, 'state');
  const guests = agentGuests({ app });
  // With another image than vm-server the startup script runs vm-server as the agent alone.
  const spec = app === 'chat' ? SPEC : { ...SPEC, image: 'ubuntu-os-cloud/family/ubuntu-minimal-2604-lts-amd64' };
  let server: GceServer;
  let run: NpmRun;
  let calls: ApiCalls;
  let connection: Connection;
  let temporal: Client;

  beforeAll(async () => {
    server = await startGceServer({ guests, project: 'ephemera', stepMs: 50 });
    const args = ['--state-dir', stateDir, '--provider', 'gcp', ...FREE_PORTS];
    const env = { EPHEMERA_GCP_ENDPOINT: server.endpoint, EPHEMERA_SWEEP_INTERVAL_SECONDS: '5' };
    run = new NpmRun('start', args, env);
    await run.prints('Ctrl-C stops it all');
    calls = await callsOf(stateDir);
    const { temporalAddress, temporalNamespace = '' } = readRunJson(stateDir);
    connection = await Connection.connect({ address: temporalAddress });
    temporal = new Client({ connection, namespace: temporalNamespace });
    const { response, error } = await calls.client.PUT('/v1/templates/{name}', {
      params: { path: { name: 'arena' } },
      body: { spec, warm: ONE },
    });
    expect(error).toBeUndefined();
    expect([201, 202]).toContain(response.status);
  });

  afterAll(async () => {
    await connection.close();
    await run.kill();
    endEverythingOn(stateDir);
    guests.close();
    await server.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const create = (body: Partial<CreateVm>): Promise<Answer<ShownVm>> =>
    calls.createVm({ template: 'arena', ...body }, { wait: 'ready', timeoutSeconds: 120 });
  const destroy = (name: string): Promise<Answer<ShownVm>> =>
    calls.destroyVm(name, { wait: 'destroyed', timeoutSeconds: 60 });
  const instances = (): Instance[] => [...server.model.instances.values()];
  const metadataOf = ({ metadata }: Instance, key: string): string =>
    metadata?.items?.find((item) => item.key === key)?.value ?? '';
  const ownerOf = (instance: Instance): string =>
    (JSON.parse(metadataOf(instance, 'ephemera-machine')) as { labels: { owner: string } }).labels.owner;
  const instanceOf = (machineId: string): Instance => instances().find(({ name }) => name?.endsWith(machineId))!;

  /** Id of the machine that waits, once the pool has one. Its workflow is asked, since lists are a second old. */
  function untilOneWaits(): Promise<string> {
    return vi.waitFor(async () => {
      const pool = temporal.workflow.getHandle(poolWorkflowId('default', 'arena', 'ephemera-control'));
      expect(await pool.query(poolViewQuery)).toMatchObject({ ready: 1, inFlight: 0 });
      const waiting = instances().filter((one) => one.status === 'RUNNING' && ownerOf(one).startsWith('warm/'));
      expect(waiting).toHaveLength(1);
      return ownerOf(waiting[0]!).slice('warm/'.length);
    }, WAIT);
  }

  async function report(token: string): Promise<number> {
    const { apiUrl } = readRunJson(stateDir);
    const answer = await fetch(`${apiUrl}/v1/agent/report`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ sequence: 1, connections: 5, ready: true, calmMs: 0, forwarded: null }),
    });
    return answer.status;
  }

  async function tokenOf(machineId: string): Promise<string> {
    const secret = Buffer.from((await readFile(join(stateDir, 'secret-key'), 'utf8')).trim(), 'hex');
    return new AgentTokens(secret, 'default').issue(
      'report',
      { workflowId: `warm/${machineId}`, machineId },
      Date.now(),
    );
  }

  it('gives a create one that waits, with its name, variables and secrets, and makes another', async () => {
    const machineId = await untilOneWaits();
    expect(instanceOf(machineId).labels).toMatchObject({ 'ephemera-owner': `warm_${machineId}`, team: 'pool' });
    const ip = instanceOf(machineId).networkInterfaces![0]!.networkIP!;
    if (app === 'chat') expect((await fetch(`http://${ip}:8080/healthz`)).status).toBe(503);
    const token = await tokenOf(machineId);
    expect(await report(token)).toBe(200);

    const ran = join(directory, `ran-${app}`);
    const title = `title-${randomUUID()}`;
    const body = {
      ...{ name: 'lobby', env: { RAN: ran }, secretEnv: { CHAT_TITLE: title }, labels: { team: 'games' } },
      startupScript: 'echo "$CHAT_TITLE" >> "$RAN"\n',
    };
    const begun = performance.now();
    const { status, body: vm } = await create(body);
    process.stdout.write(`gcp: a claim was ready after ${Math.round(performance.now() - begun)} ms\n`);
    expect([status, vm.state, vm.startedFrom, vm.machineId], JSON.stringify(vm)).toEqual([
      201,
      'running',
      'warm',
      machineId,
    ]);
    expect(vm.address?.ip).toBe(ip);
    expect(await readFile(ran, 'utf8')).toBe(`${title}\n`);
    if (app === 'chat') expect(await (await fetch(`http://${ip}:8080/`)).text()).toContain(title);

    expect(await report(token)).toBe(401);
    expect(instanceOf(machineId).labels).toMatchObject({
      ...{ 'ephemera-owner': 'vm_default_lobby', 'ephemera-vm': 'lobby', 'ephemera-project': 'default', team: 'games' },
    });
    expect(ownerOf(instanceOf(machineId))).toBe('vm/default/lobby');
    expect(JSON.stringify(instances())).not.toContain(title);
    expect(await filesWith(stateDir, title)).toEqual([]);
    expect(run.output).not.toContain(title);

    expect(await untilOneWaits()).not.toBe(machineId);
    expect((await destroy('lobby')).body).toMatchObject({ state: 'destroyed', reason: 'requested' });
    expect(instances().map(ownerOf)).toEqual([expect.stringMatching(/^warm\//)]);
  });

  it('gives a create without a variable one that is told its name alone, which keeps it over a stop and a start', async () => {
    const machineId = await untilOneWaits();
    const { body: vm } = await create({ name: 'plain', env: { CHAT_TITLE: 'hall' } });
    expect([vm.startedFrom, vm.machineId, vm.state]).toEqual(['warm', machineId, 'running']);
    const title = async (): Promise<string> => {
      const { address } = (await calls.getVm('plain')).body;
      return (await fetch(`http://${address!.ip}:8080/`)).text();
    };
    if (app === 'chat') expect(await title()).toContain('hall');
    expect((await calls.stopVm('plain')).status).toBe(200);
    const stopped = async () => expect((await calls.getVm('plain')).body).toMatchObject({ state: 'stopped' });
    await vi.waitFor(stopped, WAIT);
    await calls.startVm('plain', { wait: 'ready', timeoutSeconds: 60 });
    expect((await calls.getVm('plain')).body).toMatchObject({ state: 'running', machineId });
    if (app === 'chat') expect(await title()).toContain('hall');
    await destroy('plain');
  });

  // The rest is the same whatever the app is.
  if (app === 'played') return;

  const stop = (machineId: string): string => {
    const { name = '', zone = '' } = instanceOf(machineId);
    server.model.crash(zone.split('/').at(-1)!, name);
    return name;
  };

  it('replaces one that Compute Engine stopped', async () => {
    const stopped = await untilOneWaits();
    stop(stopped);
    await vi.waitFor(() => expect(instances().map(ownerOf)).not.toContain(`warm/${stopped}`), WAIT);
    expect(await untilOneWaits()).not.toBe(stopped);
    expect(instances()).toHaveLength(1);
  });

  it('gives a create that was granted one which is gone another machine', async () => {
    const stopped = await untilOneWaits();
    const name = stop(stopped);
    const { status, body: vm } = await create({ name: 'late' });
    expect([status, vm.state], JSON.stringify(vm)).toEqual([201, 'running']);
    expect(vm.machineId).not.toBe(stopped);
    await vi.waitFor(() => expect(instances().some((one) => one.name === name)).toBe(false), WAIT);
    await untilOneWaits();
    await destroy('late');
  });

  it('leaves a machine one owner when its worker is killed between its metadata and its labels', async () => {
    const machineId = await untilOneWaits();
    const refused = { kind: 'answer', status: 503, reason: 'backendError', message: 'try again' } as const;
    server.faults.add({ method: 'instances.setLabels', times: 3, what: refused });
    const before = server.countOf('instances.setLabels');
    const creating = create({ name: 'survivor' });
    await vi.waitFor(() => expect(server.countOf('instances.setLabels')).toBeGreaterThan(before), WAIT);
    process.kill(readRunJson(stateDir).pids['worker']!, 'SIGKILL');
    expect(ownerOf(instanceOf(machineId))).toBe('vm/default/survivor');
    expect(instanceOf(machineId).labels).toMatchObject({ 'ephemera-owner': `warm_${machineId}` });
    const { body: vm } = await creating;
    expect([vm.state, vm.startedFrom, vm.machineId], JSON.stringify(vm)).toEqual(['running', 'warm', machineId]);
    expect(instanceOf(machineId).labels).toMatchObject({ 'ephemera-owner': 'vm_default_survivor' });
    await untilOneWaits();
    expect(
      instances()
        .map(ownerOf)
        .filter((owner) => owner === 'vm/default/survivor'),
    ).toHaveLength(1);
    await destroy('survivor');
    expect(instances()).toHaveLength(1);
  });

  it('goes with its template', async () => {
    const { response } = await calls.client.DELETE('/v1/templates/{name}', { params: { path: { name: 'arena' } } });
    expect(response.status).toBeLessThan(300);
    await vi.waitFor(() => expect([server.model.instances.size, server.model.disks.size]).toEqual([0, 0]), WAIT);
  });
});

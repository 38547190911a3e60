/** Whole lives on Azure through `npm start`: the real worker, API and agents against a strict server of Resource Manager. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Client, Connection } from '@temporalio/client';
import type { CreateVm } from '../../client/api-client.ts';
import { poolWorkflowId } from '../../domain/wire-names.ts';
import { OWN_SERVER } from '../../providers/azure/place.ts';
import type { Answer, ApiCalls, ShownVm } from '../../test-support/api/api-calls.ts';
import { callsOf } from '../../test-support/api/npm-start-calls.ts';
import { partsLeft } from '../../test-support/azure-server/harness.ts';
import { startAzureServer, type AzureServer } from '../../test-support/azure-server/server.ts';
import { agentGuests } from '../../test-support/clouds/agent-guests.ts';
import { FREE_PORTS, NpmRun, endEverythingOn, readRunJson } from '../../test-support/npm-start.ts';
import { filesWith } from '../../test-support/secret-search.ts';
import { poolViewQuery } from '../../workflows/messages.ts';

const WAIT = { timeout: 30_000, interval: 200 };
const LONG = { ...WAIT, timeout: 90_000 };

describe('npm start -- --provider azure, against any server that speaks Azure Resource Manager', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ephemera-azure-'));
  const stateDir = join(directory, 'state');
  const guests = agentGuests('azure');
  let server: AzureServer;
  let run: NpmRun;
  let calls: ApiCalls;

  const create = (body: CreateVm): Promise<Answer<ShownVm>> =>
    calls.createVm({ template: 'chat', ...body }, { wait: 'ready', timeoutSeconds: 90 });
  const now = async (name: string): Promise<ShownVm> => (await calls.getVm(name)).body;
  const destroy = (name: string): Promise<Answer<ShownVm>> =>
    calls.destroyVm(name, { wait: 'destroyed', timeoutSeconds: 60 });
  const tagsOf = (name: string): Record<string, string>[] =>
    server.model.of('virtualMachines').flatMap(({ tags = {} }) => (tags['ephemera-vm'] === name ? [tags] : []));

  beforeAll(async () => {
    server = await startAzureServer({ guests, ...OWN_SERVER, locations: ['eastus'], stepMs: 50 });
    const args = ['--state-dir', stateDir, '--provider', 'azure', ...FREE_PORTS];
    const env = { EPHEMERA_AZURE_ENDPOINT: server.endpoint, EPHEMERA_AZURE_SUBNETS: 'vnet-eastus/default' };
    run = new NpmRun('start', args, env);
    await run.prints('Ctrl-C stops it all');
    calls = await callsOf(stateDir);
  });

  afterAll(async () => {
    await run.kill();
    endEverythingOn(stateDir);
    guests.close();
    await server.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('makes a VM that is ready when its agent has reported, tells it its secrets, and leaves nothing of it', async () => {
    const before = server.calls.length;
    const ran = join(directory, 'ran');
    const token = `token-${randomUUID()}`;
    const { status, body: vm } = await create({
      ...{ name: 'lobby', env: { RAN: ran }, secretEnv: { TOKEN: token } },
      startupScript: 'echo "$TOKEN" >> "$RAN"\n',
    });
    expect([status, vm.state, vm.provider, vm.zone], JSON.stringify(vm)).toEqual([201, 'running', 'azure', 'eastus']);
    expect(await readFile(ran, 'utf8')).toBe(`${token}\n`);
    expect(JSON.stringify([...server.model.store.resources.values()])).not.toContain(token);
    expect(await filesWith(stateDir, token)).toEqual([]);
    expect((await destroy('lobby')).body).toMatchObject({ state: 'destroyed', reason: 'requested' });
    expect(partsLeft(server)).toEqual([]);
    process.stdout.write(`azure: ${server.calls.length - before} API calls for one life by itself\n`);
  });

  it('keeps a VM while somebody is connected and destroys it when idle', async () => {
    const idle = { timeoutSeconds: 1, firstConnectTimeoutSeconds: 600 };
    const { body: vm } = await create({ name: 'game', idle });
    const holding = get(`http://${vm.address!.ip}:8080/hold`, () => undefined).on('error', () => undefined);
    await vi.waitFor(async () => expect(await now('game')).toMatchObject({ connections: 1 }), WAIT);
    holding.destroy();
    await vi.waitFor(async () => expect(await now('game')).toMatchObject({ state: 'destroyed', reason: 'idle' }), LONG);
    expect(partsLeft(server)).toEqual([]);
  });

  it('keeps a session as an image alone, and brings it back with its data, also after a stop and a start', async () => {
    const name = 'session';
    const found = join(directory, 'found');
    const word = `word-${randomUUID()}`;
    const idle = { timeoutSeconds: 600, firstConnectTimeoutSeconds: 600 };
    const startupScript = 'echo "$(cat kept 2>/dev/null || echo nothing)" >> "$FOUND"\necho "$WORD" > kept\n';
    const spec = { name, idle, env: { FOUND: found }, secretEnv: { WORD: word }, startupScript };
    const seen = async (): Promise<string[]> => (await readFile(found, 'utf8')).trim().split('\n');

    const { body: first } = await create(spec);
    expect((await calls.closeVm(name)).status).toBe(200);
    await vi.waitFor(async () => expect(await now(name)).toMatchObject({ state: 'destroyed', reason: 'closed' }), LONG);
    expect([partsLeft(server), server.model.names('images').length]).toEqual([[], 1]);

    const reopened = await calls.reopenVm(name, { wait: 'ready', timeoutSeconds: 90 });
    expect(reopened.body, JSON.stringify(reopened.body)).toMatchObject({ state: 'running', startedFrom: 'image' });
    expect(reopened.body.machineId).not.toBe(first.machineId);
    expect(await seen()).toEqual(['nothing', word]);

    expect((await calls.stopVm(name)).status).toBe(200);
    await vi.waitFor(async () => expect(await now(name)).toMatchObject({ state: 'stopped' }), LONG);
    await calls.startVm(name, { wait: 'ready', timeoutSeconds: 90 });
    expect(await now(name)).toMatchObject({ state: 'running', machineId: reopened.body.machineId });
    expect(await seen(), 'the script of a machine runs once').toEqual(['nothing', word]);

    await destroy(name);
    for (const image of (await calls.listImages()).body.images) await calls.deleteImage(image.name);
    await vi.waitFor(() => expect([partsLeft(server), server.model.names('images')]).toEqual([[], []]), LONG);
  });

  it('calls a spot VM that Azure takes back preempted', async () => {
    const idle = { silenceTimeoutSeconds: 4, timeoutSeconds: 2, firstConnectTimeoutSeconds: 600 };
    expect((await create({ name: 'spot', spot: true, idle })).body.state).toBe('running');
    for (const vm of server.model.of('virtualMachines')) {
      if (vm.tags?.['ephemera-vm'] === 'spot') server.model.evict(vm.name);
    }
    await vi.waitFor(
      async () => expect(await now('spot')).toMatchObject({ state: 'failed', reason: 'preempted' }),
      LONG,
    );
    expect(partsLeft(server)).toEqual([]);
  });

  it('gives a create a machine that waits in a pool, which gets its owner and its secrets then', async () => {
    const spec = { image: 'vm-server', ports: [{ name: 'http', port: 8080 }], labels: { team: 'pool' } };
    const { response, error } = await calls.client.PUT('/v1/templates/{name}', {
      params: { path: { name: 'arena' } },
      body: { spec, warm: { min: 1, max: 1, ttlSeconds: 3600 } },
    });
    expect(error).toBeUndefined();
    expect([201, 202]).toContain(response.status);
    await vi.waitFor(() => {
      const owners = server.model.of('virtualMachines').map(({ tags }) => tags?.['ephemera-owner']);
      expect(owners).toContainEqual(expect.stringMatching(/^warm/));
    }, LONG);
    const ran = join(directory, 'ran-warm');
    const title = `title-${randomUUID()}`;
    const claim = async (): Promise<ShownVm> => {
      const { body } = await calls.createVm(
        {
          ...{ template: 'arena', name: 'claimed', env: { RAN: ran }, secretEnv: { TITLE: title } },
          ...{ labels: { team: 'games' }, startupScript: 'echo "$TITLE" >> "$RAN"\n' },
        },
        { wait: 'ready', timeoutSeconds: 120 },
      );
      return body;
    };
    const { temporalAddress, temporalNamespace = '' } = readRunJson(stateDir);
    const connection = await Connection.connect({ address: temporalAddress });
    const temporal = new Client({ connection, namespace: temporalNamespace });
    const pool = temporal.workflow.getHandle(poolWorkflowId('default', 'arena', 'ephemera-control'));
    await vi.waitFor(
      async () => expect(await pool.query(poolViewQuery)).toMatchObject({ ready: 1, inFlight: 0 }),
      LONG,
    );
    await connection.close();
    const vm = await claim();
    expect([vm.state, vm.startedFrom], JSON.stringify(vm)).toEqual(['running', 'warm']);
    expect(await readFile(ran, 'utf8')).toBe(`${title}\n`);
    expect(tagsOf('claimed')).toMatchObject([{ 'ephemera-owner': 'vm/default/claimed', team: 'games' }]);
    expect(run.output).not.toContain(title);
    await calls.client.DELETE('/v1/templates/{name}', { params: { path: { name: 'arena' } } });
    await destroy('claimed');
    await vi.waitFor(() => expect(partsLeft(server)).toEqual([]), LONG);
  });
});

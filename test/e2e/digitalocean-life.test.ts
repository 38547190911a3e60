/** Whole lives on DigitalOcean through `npm start`: the real worker, API, client and vm-server against a strict server. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { CreateVm } from '../../client/api-client.ts';
import { recordOf } from '../../providers/digitalocean/droplet/droplet-tags.ts';
import type { Answer, ApiCalls, ShownVm } from '../../test-support/api/api-calls.ts';
import { callsOf } from '../../test-support/api/npm-start-calls.ts';
import { agentGuests } from '../../test-support/clouds/agent-guests.ts';
import type { Droplet } from '../../test-support/digitalocean-server/resources.ts';
import {
  startDigitalOceanServer,
  type DigitalOceanServer,
  type ReceivedCall,
} from '../../test-support/digitalocean-server/server.ts';
import { FREE_PORTS, NpmRun, endEverythingOn } from '../../test-support/npm-start.ts';
import { filesWith } from '../../test-support/secret-search.ts';

const MOST_CALLS_PER_LIFE = 16;
const WAIT = { timeout: 30_000, interval: 200 };
const LONG = { ...WAIT, timeout: 90_000 };
/** What a sweep asks in the midst of a life, of all machines at once. */
const isOfEverybody = ({ operation, path }: ReceivedCall): boolean =>
  operation.endsWith('.list') && !path.includes('name=');
/** The tests of limits are others'. */
const LIMITS = { limit: 100_000, windowMs: 3600_000, burst: 100_000, burstWindowMs: 60_000 };

describe('npm start -- --provider digitalocean, against any server that speaks its API', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ephemera-digitalocean-'));
  const stateDir = join(directory, 'state');
  const guests = agentGuests('digitalocean');
  let server: DigitalOceanServer;
  let run: NpmRun;
  let calls: ApiCalls;

  const create = (body: CreateVm): Promise<Answer<ShownVm>> =>
    calls.createVm({ template: 'chat', ...body }, { wait: 'ready', timeoutSeconds: 120 });
  const now = async (name: string): Promise<ShownVm> => (await calls.getVm(name)).body;
  const destroy = (name: string): Promise<Answer<ShownVm>> =>
    calls.destroyVm(name, { wait: 'destroyed', timeoutSeconds: 120 });
  const droplets = (): Droplet[] => [...server.model.droplets.values()];
  const snapshots = () => [...server.model.images.snapshots.values()];
  const tagsOf = ({ id }: Droplet): string[] => server.model.tags.of('droplet', id);

  beforeAll(async () => {
    server = await startDigitalOceanServer({ guests, stepMs: 100, rateLimits: LIMITS });
    const tokenFile = join(directory, 'token');
    writeFileSync(tokenFile, `${server.token}\n`, { mode: 0o600 });
    run = new NpmRun('start', ['--state-dir', stateDir, '--provider', 'digitalocean', ...FREE_PORTS], {
      EPHEMERA_DIGITALOCEAN_ENDPOINT: server.endpoint,
      EPHEMERA_DIGITALOCEAN_TOKEN_FILE: tokenFile,
      EPHEMERA_SWEEP_INTERVAL_SECONDS: '30',
      EPHEMERA_PROVIDER_CALLS_PER_SECOND: 'digitalocean=50',
    });
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

  it('makes a VM that is ready when its agent has reported, and destroys it on request', async () => {
    const before = server.calls.length;
    const { body: vm, status } = await create({ name: 'lobby' });
    expect([status, vm.state, vm.provider, vm.zone], JSON.stringify(vm)).toEqual([
      ...[201, 'running', 'digitalocean', 'nyc3'],
    ]);
    expect(droplets()).toHaveLength(1);
    expect((await destroy('lobby')).body).toMatchObject({ state: 'destroyed', reason: 'requested' });
    expect(droplets()).toEqual([]);
    const made = server.calls.slice(before).filter((call) => !isOfEverybody(call));
    process.stdout.write(`digitalocean: ${made.length} API calls for a whole life (at most ${MOST_CALLS_PER_LIFE})\n`);
    expect(made.length, JSON.stringify(made)).toBeLessThanOrEqual(MOST_CALLS_PER_LIFE);
    expect(await filesWith(stateDir, server.token), 'the token is in no file of ours').toEqual([]);
  });

  it('keeps a VM while somebody is connected and destroys it when idle', async () => {
    const idle = { timeoutSeconds: 1, firstConnectTimeoutSeconds: 600 };
    const { body: vm } = await create({ name: 'game', idle });
    const holding = get(`http://${vm.address!.ip}:8080/hold`, () => undefined).on('error', () => undefined);
    await vi.waitFor(async () => expect(await now('game')).toMatchObject({ connections: 1 }), WAIT);
    holding.destroy();
    await vi.waitFor(() => expect(droplets()).toEqual([]), LONG);
    await vi.waitFor(async () => expect(await now('game')).toMatchObject({ state: 'destroyed', reason: 'idle' }), WAIT);
  });

  it('keeps a session as an image alone, stops and starts it, and brings it back with its data and secrets', async () => {
    const name = 'session';
    const found = join(directory, 'found');
    const word = `word-${randomUUID()}`;
    // The agent runs it on the disk of the machine.
    const startupScript = 'echo "$(cat kept 2>/dev/null || echo nothing)" >> "$FOUND"\necho "$WORD" > kept\n';
    const spec = { name, env: { FOUND: found }, secretEnv: { WORD: word }, startupScript };
    const seen = async (): Promise<string[]> => (await readFile(found, 'utf8')).trim().split('\n');

    const { body: first } = await create(spec);
    expect(first.state, JSON.stringify(first)).toBe('running');
    expect(JSON.stringify(droplets().map((one) => [one.userData, tagsOf(one)]))).not.toContain(word);
    expect((await calls.stopVm(name)).status).toBe(200);
    await vi.waitFor(async () => expect(await now(name)).toMatchObject({ state: 'stopped' }), LONG);
    await calls.startVm(name, { wait: 'ready', timeoutSeconds: 120 });
    expect(await now(name)).toMatchObject({ state: 'running', machineId: first.machineId });
    expect(await seen(), 'its script ran once').toEqual(['nothing']);

    await calls.closeVm(name);
    await vi.waitFor(async () => expect(await now(name)).toMatchObject({ state: 'destroyed', reason: 'closed' }), LONG);
    expect([droplets().length, snapshots().length]).toEqual([0, 1]);

    const { body: again } = await create(spec);
    expect([again.startedFrom, again.state], JSON.stringify(again)).toEqual(['image', 'running']);
    expect(again.machineId).not.toBe(first.machineId);
    expect(await seen()).toEqual(['nothing', word]);
    await destroy(name);
    for (const image of (await calls.listImages()).body.images) await calls.deleteImage(image.name);
    await vi.waitFor(() => expect(snapshots()).toEqual([]), LONG);
    expect(droplets()).toEqual([]);
  });

  it('gives a create a droplet that waits in a pool, with its name and secrets, and leaves nothing', async () => {
    const ran = join(directory, 'pooled');
    const spec = { image: 'vm-server', ports: [{ name: 'http', port: 8080 }], env: {} };
    const { error } = await calls.client.PUT('/v1/templates/{name}', {
      params: { path: { name: 'arena' } },
      body: { spec, warm: { min: 1, max: 1, ttlSeconds: 3600 } },
    });
    expect(error).toBeUndefined();
    const ownerOf = (one: Droplet): string => recordOf(tagsOf(one))?.labels.owner ?? '';
    await vi.waitFor(async () => {
      const { data } = await calls.client.GET('/v1/pools');
      expect(data?.pools).toMatchObject([{ template: 'arena', ready: 1 }]);
    }, LONG);
    const [waiting] = droplets();
    expect(ownerOf(waiting!)).toMatch(/^warm\//);
    const token = `token-${randomUUID()}`;
    const claimed = await calls.createVm(
      {
        ...{ template: 'arena', name: 'claimed', env: { RAN: ran }, secretEnv: { TOKEN: token } },
        startupScript: 'echo "$TOKEN" > "$RAN"\n',
      },
      { wait: 'ready', timeoutSeconds: 120 },
    );
    expect(claimed.body.state, JSON.stringify(claimed.body)).toBe('running');
    expect(ownerOf(waiting!), 'it was the one that waited').toBe('vm/default/claimed');
    expect(await readFile(ran, 'utf8')).toBe(`${token}\n`);
    await calls.client.DELETE('/v1/templates/{name}', { params: { path: { name: 'arena' } } });
    await destroy('claimed');
    await vi.waitFor(() => expect(droplets()).toEqual([]), LONG);
    const left = (): string[] =>
      server.model.tags
        .all()
        .map(({ name }) => name)
        .filter((name) => /^ephemera-(record|agent-secret|machine-key):/.test(name));
    await vi.waitFor(() => expect(left()).toEqual([]), LONG);
  });
});

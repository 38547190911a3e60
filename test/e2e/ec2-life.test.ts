/** Whole lives on EC2 through `npm start`: the real worker, API, client and agents against moto behind our proxy. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { CreateVm } from '../../client/api-client.ts';
import type { Answer, ApiCalls, ShownVm } from '../../test-support/api/api-calls.ts';
import { callsOf } from '../../test-support/api/npm-start-calls.ts';
import { agentGuests } from '../../test-support/clouds/agent-guests.ts';
import type { PlayedServer } from '../../test-support/clouds/guests.ts';
import { AS_EC2, IdentityAuthority, ec2Document } from '../../test-support/clouds/identity-documents.ts';
import { usedMoto, useMoto } from '../../test-support/ec2-server/harness.ts';
import type { PlayedInstance } from '../../test-support/ec2-server/played-instance.ts';
import { startEc2Server, type Ec2Server } from '../../test-support/ec2-server/server.ts';
import { settingsOf } from '../../test-support/ec2-server/settings-of.ts';
import { FREE_PORTS, NpmRun, endEverythingOn } from '../../test-support/npm-start.ts';
import { filesWith } from '../../test-support/secret-search.ts';

const MOST_CALLS_PER_LIFE = 12;
const ACCOUNT = '123456789012';
const LONG = { timeout: 90_000, interval: 200 };

useMoto();

describe('npm start -- --provider ec2, against any server that speaks EC2', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ephemera-ec2-'));
  const stateDir = join(directory, 'state');
  const authority = new IdentityAuthority();
  const amazon = authority.signer({ name: 'Amazon of the test' });
  const sign = (server: PlayedServer) => Promise.resolve(authority.message(ec2Document(server), amazon, AS_EC2));
  const guests = agentGuests('ec2', { sign });
  let server: Ec2Server;
  let run: NpmRun;
  let calls: ApiCalls;

  const create = (body: CreateVm): Promise<Answer<ShownVm>> =>
    calls.createVm({ template: 'chat', ...body }, { wait: 'ready', timeoutSeconds: 120 });
  const now = async (name: string): Promise<ShownVm> => (await calls.getVm(name)).body;
  const destroy = (name: string): Promise<Answer<ShownVm>> =>
    calls.destroyVm(name, { wait: 'destroyed', timeoutSeconds: 90 });
  const alive = (): PlayedInstance[] => server.ec2.alive;
  const tagOf = ({ parts }: PlayedInstance, key: string): string | undefined => parts.tags.get(key);

  beforeAll(async () => {
    server = await startEc2Server({ moto: usedMoto(), guests, stepMs: 100 });
    const args = ['--state-dir', stateDir, '--provider', 'ec2', ...FREE_PORTS];
    const identity = { EPHEMERA_EC2_IDENTITY_CERTIFICATES: amazon.certificateFile, EPHEMERA_EC2_ACCOUNT: ACCOUNT };
    run = new NpmRun('start', args, { ...settingsOf(server), ...identity });
    await run.prints('Ctrl-C stops it all');
    calls = await callsOf(stateDir);
  }, 300_000);

  afterAll(async () => {
    await run.kill();
    endEverythingOn(stateDir);
    guests.close();
    authority.close();
    await server.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('makes a VM that is ready when its agent has reported, and destroys it on request, within the budget of calls', async () => {
    const before = server.calls.length;
    const { body: vm } = await create({ name: 'lobby' });
    expect(vm, JSON.stringify(vm)).toMatchObject({ state: 'running', provider: 'ec2', zone: 'eu-central-1a' });
    expect(alive()).toHaveLength(1);
    // What its agent proved itself with is no secret: what Amazon signs of its instance, and whose it is.
    expect(tagOf(alive()[0]!, 'ephemera-agent-secret')).toBeUndefined();
    expect(tagOf(alive()[0]!, 'ephemera-agent-binding')).toMatch(/^\d:/);
    expect((await destroy('lobby')).body).toMatchObject({ state: 'destroyed', reason: 'requested' });
    expect(alive()).toEqual([]);
    const made = server.calls.slice(before).map(({ action }) => action);
    process.stdout.write(`ec2: ${made.length} API calls for a whole life (at most ${MOST_CALLS_PER_LIFE})\n`);
    expect(made.length, made.join()).toBeLessThanOrEqual(MOST_CALLS_PER_LIFE);
  });

  it('keeps a session as an image alone, and brings it back with its data and its secrets', async () => {
    const name = 'session';
    const found = join(directory, 'found');
    const word = `word-${randomUUID()}`;
    // The agent runs it on the disk of the machine.
    const startupScript = 'echo "$(cat kept 2>/dev/null || echo nothing)" >> "$FOUND"\necho "$WORD" > kept\n';
    const spec = { name, env: { FOUND: found }, secretEnv: { WORD: word }, startupScript };
    const seen = async (): Promise<string[]> => (await readFile(found, 'utf8')).trim().split('\n');

    const { body: first } = await create(spec);
    expect(first, JSON.stringify(first)).toMatchObject({ state: 'running' });
    expect(JSON.stringify(server.calls.map(({ params }) => String(params)))).not.toContain(word);
    expect(await filesWith(stateDir, word)).toEqual([]);

    // Stopped and started it is the same machine, whose script has run.
    expect((await calls.stopVm(name)).status).toBe(200);
    await vi.waitFor(async () => expect(await now(name)).toMatchObject({ state: 'stopped' }), LONG);
    await calls.startVm(name, { wait: 'ready', timeoutSeconds: 90 });
    expect(await now(name)).toMatchObject({ state: 'running', machineId: first.machineId });
    expect(await seen()).toEqual(['nothing']);

    await calls.closeVm(name);
    await vi.waitFor(async () => expect(await now(name)).toMatchObject({ state: 'destroyed', reason: 'closed' }), LONG);
    expect([alive().length, server.ec2.imageCount]).toEqual([0, 1]);

    const { body: again } = await calls.reopenVm(name, { wait: 'ready', timeoutSeconds: 90 });
    expect(again, JSON.stringify(again)).toMatchObject({ state: 'running', startedFrom: 'image' });
    expect(again.machineId).not.toBe(first.machineId);
    expect(await seen()).toEqual(['nothing', word]);
    await destroy(name);
    for (const image of (await calls.listImages()).body.images) await calls.deleteImage(image.name);
    await vi.waitFor(() => expect(server.ec2.imageCount).toBe(0), LONG);
    expect(alive()).toEqual([]);
  });

  it('calls a spot VM that Amazon takes back preempted, and makes it anew under its name where the spec says so', async () => {
    const idle = { silenceTimeoutSeconds: 4, timeoutSeconds: 2, firstConnectTimeoutSeconds: 600 };
    const [{ body: kept }, { body: given }] = await Promise.all([
      create({ spot: true, idle, name: 'kept', onLost: 'recreate' }),
      create({ spot: true, idle, name: 'given-up' }),
    ]);
    expect([kept.state, given.state], JSON.stringify([kept, given])).toEqual(['running', 'running']);
    for (const { parts } of alive()) await server.ec2.preempt(parts.id);
    await vi.waitFor(
      async () => expect(await now('given-up')).toMatchObject({ state: 'failed', reason: 'preempted' }),
      LONG,
    );
    await vi.waitFor(async () => {
      const vm = await now('kept');
      expect([vm.state, vm.machineId === kept.machineId]).toEqual(['running', false]);
    }, LONG);
    await destroy('kept');
    expect(alive()).toEqual([]);
  });

  it('gives a create a machine that waits, which gets its name, its tags and its secrets', async () => {
    const title = `title-${randomUUID()}`;
    const ran = join(directory, 'ran');
    const spec = { image: 'vm-server', ports: [{ name: 'http', port: 8080 }] };
    const warm = { min: 1, max: 1, ttlSeconds: 3600 };
    const path = { params: { path: { name: 'arena' } } };
    expect((await calls.client.PUT('/v1/templates/{name}', { ...path, body: { spec, warm } })).error).toBeUndefined();
    await vi.waitFor(async () => {
      const { data } = await calls.client.GET('/v1/pools');
      expect(data?.pools, JSON.stringify(data)).toMatchObject([{ template: 'arena', ready: 1, inFlight: 0 }]);
    }, LONG);
    const [waiting] = alive();
    expect(tagOf(waiting!, 'ephemera-owner')).toMatch(/^warm\//);
    const body = { name: 'hall', template: 'arena', env: { RAN: ran }, secretEnv: { CHAT_TITLE: title } };
    const { body: vm } = await create({ ...body, startupScript: 'echo "$CHAT_TITLE" >> "$RAN"\n' });
    expect(vm, JSON.stringify(vm)).toMatchObject({ state: 'running', startedFrom: 'warm' });
    expect(tagOf(waiting!, 'ephemera-owner')).toBe('vm/default/hall');
    expect(await readFile(ran, 'utf8')).toBe(`${title}\n`);
    await calls.client.DELETE('/v1/templates/{name}', path);
    await destroy('hall');
    await vi.waitFor(() => expect(alive()).toEqual([]), LONG);
  });
});

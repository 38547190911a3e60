/** The server that plays DigitalOcean: what the official client gets from it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FaultKind } from '../../../test-support/clouds/faults.ts';
import type { DigitalOceanOptions } from '../../../test-support/digitalocean-server/model.ts';
import { PlainClient, type Answer, type Shown } from '../../../test-support/digitalocean-server/plain-client.ts';
import { eventually } from '../../../test-support/eventually.ts';

let client: PlainClient;
beforeEach(async () => {
  client = await PlainClient.start();
});
afterEach(() => client.close());

async function restart(options: Partial<DigitalOceanOptions>): Promise<void> {
  await client.close();
  client = await PlainClient.start(options);
}

describe('a droplet', () => {
  it('is new and locked until its create has ended, and has its addresses then', async () => {
    const { status, body } = await client.create();
    expect(status).toBe(202);
    expect(body.droplet).toMatchObject({ name: 'm-one', status: 'new', locked: true, networks: { v4: [] } });
    const droplet = await client.settled(body.droplet!.id);
    expect(droplet).toMatchObject({ status: 'active', tags: ['ephemera:one'] });
    expect(droplet.networks.v4.map(({ type }) => type)).toEqual(['private', 'public']);
    expect(await client.statusOf(body.links!.actions![0]!.id)).toBe('completed');
  });

  it('answers on its addresses while it is on', async () => {
    const { id, name, networks } = await client.running();
    const url = `http://${networks.v4[1]!.ip_address}:8080/`;
    expect(await eventually(async () => (await fetch(url)).text())).toBe(name);
    expect(await client.ended(await client.act(id, 'power_off'))).toBe('completed');
    expect(await client.get(id)).toMatchObject({ status: 'off', networks });
    await expect(fetch(url)).rejects.toThrow();
    expect(await client.ended(await client.act(id, 'power_on'))).toBe('completed');
    expect(await eventually(async () => (await fetch(url)).text())).toBe(name);
    client.server.model.crash(id);
    expect(await client.get(id)).toMatchObject({ status: 'off', locked: false });
  });

  it('is made twice by two creates of one name, which have no request id', async () => {
    await Promise.all([client.create(), client.create()]);
    expect((await client.list({ name: 'M-ONE' })).body.droplets).toHaveLength(2);
  });

  it('takes no second event before the first one has ended', async () => {
    const { actions } = client.server.model;
    actions.hold();
    const { body } = await client.create();
    const { id } = body.droplet!;
    const busy = { status: 422, body: { id: 'unprocessable_entity', message: 'Droplet already has a pending event.' } };
    expect(await client.remove(id)).toMatchObject(busy);
    expect(await client.act(id, 'power_off')).toMatchObject(busy);
    actions.release();
    await client.settled(id);
    actions.hold();
    expect(await client.remove(id)).toMatchObject({ status: 204 });
    expect(await client.remove(id)).toMatchObject(busy);
    expect(await client.get(id)).toMatchObject({ locked: true });
    actions.release();
    await eventually(async () => expect(await client.get(id)).toBeUndefined());
    expect(await client.remove(id)).toMatchObject({ status: 404, body: { id: 'not_found' } });
  });

  it('does not go off when its system does not heed a shutdown', async () => {
    const { id } = await client.running();
    client.server.model.deaf.add(id);
    expect(await client.ended(await client.act(id, 'shutdown'))).toBe('completed');
    expect(await client.get(id)).toMatchObject({ status: 'active' });
    expect(await client.ended(await client.act(id, 'power_off'))).toBe('completed');
    expect(await client.act(id, 'power_off')).toMatchObject({ status: 422 });
  });

  it('is gone when its create fails after it was accepted', async () => {
    client.server.model.actions.failNext.set('create', 1);
    const { body } = await client.create();
    await eventually(async () => expect(await client.get(body.droplet!.id)).toBeUndefined());
    expect(await client.statusOf(body.links!.actions![0]!.id)).toBe('errored');
  });

  it('is deleted with all others of its tag', async () => {
    await Promise.all([client.running(), client.running(), client.running({ tags: ['ephemera:two'] })]);
    expect(await client.send('DELETE', 'droplets?tag_name=ephemera:one')).toMatchObject({ status: 204 });
    await eventually(async () => expect((await client.list()).body.droplets).toHaveLength(1));
    expect(await client.send('DELETE', 'droplets?tag_name=ephemera:three')).toMatchObject({ status: 404 });
    expect(await client.send('DELETE', 'droplets')).toMatchObject({ status: 400 });
  });
});

describe('room and quota', () => {
  it('refuses a size where there is no room, region by region', async () => {
    client.server.model.stockedOut.add('nyc3/s-1vcpu-1gb').add('ams3');
    const full = { status: 422, body: { message: 'Size is not available in this region.' } };
    expect(await client.create()).toMatchObject(full);
    expect(await client.create({ region: 'ams3' })).toMatchObject({
      status: 422,
      body: { message: 'Region is not available' },
    });
    expect(await client.create({ region: 'fra1' })).toMatchObject({ status: 202 });
    const { body } = await client.ask((config) =>
      client.v2.regions.get({ ...config, queryParameters: { page: 1, perPage: 200 } }),
    );
    expect(body.regions?.filter(({ available }) => !available).map(({ slug }) => slug)).toEqual(['ams3']);
    expect(body.regions?.find(({ slug }) => slug === 'nyc3')?.sizes).not.toContain('s-1vcpu-1gb');
  });

  it('refuses more droplets than the account may have', async () => {
    client.server.model.dropletLimit = 1;
    await client.create();
    const over = { status: 422, body: { message: 'creating this/these droplet(s) will exceed your droplet limit' } };
    expect(await client.create()).toMatchObject(over);
    expect(await client.ask((config) => client.v2.account.get(config))).toMatchObject({
      body: { account: { droplet_limit: 1 } },
    });
  });
});

describe('tags', () => {
  const assign = (name: string, id: number): Promise<Answer> => {
    const resources = [{ resourceId: `${id}`, resourceType: 'droplet' as const }];
    return client.ask((config) => client.v2.tags.byTag_id(name).resources.post({ resources }, config));
  };

  it('are put on and taken off, and stay when nothing has them', async () => {
    const { id } = await client.running();
    expect(await assign('role:a', id)).toMatchObject({ status: 404 });
    expect(await client.ask((config) => client.v2.tags.post({ name: 'role:a' }, config))).toMatchObject({
      status: 201,
    });
    expect(await assign('role:a', id)).toMatchObject({ status: 204 });
    expect((await client.list({ tagName: 'role:a' })).body.droplets).toHaveLength(1);
    const resources = [{ resourceId: `${id}`, resourceType: 'droplet' as const }];
    expect(
      await client.ask((config) => client.v2.tags.byTag_id('role:a').resources.delete({ resources }, config)),
    ).toMatchObject({
      status: 204,
    });
    expect((await client.get(id))?.tags).toEqual(['ephemera:one']);
    await client.remove(id);
    await eventually(async () => expect(await client.get(id)).toBeUndefined());
    const { body } = await client.ask((config) => client.v2.tags.byTag_id('ephemera:one').get(config));
    expect(body.tag?.resources.count).toBe(0);
    expect(await client.ask((config) => client.v2.tags.byTag_id('ephemera:one').delete(config))).toMatchObject({
      status: 204,
    });
    expect(await client.ask((config) => client.v2.tags.byTag_id('ephemera:one').get(config))).toMatchObject({
      status: 404,
    });
  });

  it('keep the letters that they were made with', async () => {
    await client.create({ tags: ['Role'] });
    expect((await client.ask((config) => client.v2.tags.post({ name: 'ROLE' }, config))).body.tag?.name).toBe('Role');
    expect(await client.ask((config) => client.v2.tags.byTag_id('role').get(config))).toMatchObject({ status: 404 });
  });

  it('are shown to the machine as they are now', async () => {
    const { id } = await client.running();
    client.server.model.tags.assign(client.server.model.tags.make('role:b'), 'droplet', id);
    expect(client.server.model.tags.of('droplet', id)).toEqual(['ephemera:one', 'role:b']);
  });

  it('can be on a droplet for a while before lists show it', async () => {
    client.server.model.tags.lagMs = 3_600_000;
    const { id } = await client.running();
    expect((await client.get(id))?.tags).toEqual(['ephemera:one']);
    expect((await client.list({ tagName: 'ephemera:one' })).body.droplets).toEqual([]);
    expect((await client.list()).body.droplets).toHaveLength(1);
  });
});

describe('snapshots', () => {
  const snapshots = async (): Promise<Shown['snapshots']> => {
    const query = { page: 1, perPage: 200, resourceType: 'droplet' as const };
    return (await client.ask((config) => client.v2.snapshots.get({ ...config, queryParameters: query }))).body
      .snapshots;
  };

  it('are there when their action has ended, and have what was on the disk', async () => {
    const { id } = await client.running();
    const disk = client.server.model.droplet(id).files;
    disk.set('notes', Buffer.from('first'));
    await client.ended(await client.act(id, 'power_off'));
    client.server.model.actions.hold();
    const answer = await client.act(id, 'snapshot', 'session of lobby');
    expect(await snapshots()).toEqual([]);
    client.server.model.actions.release();
    expect(await client.ended(answer)).toBe('completed');
    disk.set('notes', Buffer.from('second'));
    const [snapshot] = (await snapshots())!;
    expect(snapshot).toMatchObject({ name: 'session of lobby', tags: [] });
    const copy = await client.running({ image: Number(snapshot!.id), tags: [] });
    expect(client.server.model.droplet(copy.id).files.get('notes')?.toString()).toBe('first');
  });

  it('are tagged as images, are made into droplets of their region alone, and go', async () => {
    const { id } = await client.running();
    await client.ended(await client.act(id, 'snapshot', 'one'));
    const image = Number((await snapshots())![0]!.id);
    await client.ask((config) => client.v2.tags.post({ name: 'family:chat' }, config));
    const resources = [{ resourceId: `${image}`, resourceType: 'image' as const }];
    await client.ask((config) => client.v2.tags.byTag_id('family:chat').resources.post({ resources }, config));
    const ofFamily = { page: 1, perPage: 200, tagName: 'family:chat' };
    const { body } = await client.ask((config) => client.v2.images.get({ ...config, queryParameters: ofFamily }));
    expect(body.images?.map((one) => one.id)).toEqual([image]);
    expect((await snapshots())![0]!.tags).toEqual(['family:chat']);
    const elsewhere = { status: 422, body: { message: expect.stringMatching(/^image: .* selected region/) as string } };
    expect(await client.create({ image, region: 'fra1' })).toMatchObject(elsewhere);
    const small = { status: 422, body: { message: expect.stringMatching(/^size: .* 25 GB/) as string } };
    expect(await client.create({ image, size: 's-1vcpu-512mb-10gb' })).toMatchObject(small);
    expect(await client.ask((config) => client.v2.snapshots.bySnapshot_id(image).delete(config))).toMatchObject({
      status: 204,
    });
    expect(await client.ask((config) => client.v2.snapshots.bySnapshot_id(image).delete(config))).toMatchObject({
      status: 404,
    });
    expect(await client.create({ image })).toMatchObject({
      status: 422,
      body: { message: expect.stringMatching(/^image:/) as string },
    });
  });

  it('are missing when their action fails', async () => {
    const { id } = await client.running();
    client.server.model.actions.failNext.set('snapshot', 1);
    expect(await client.ended(await client.act(id, 'snapshot', 'one'))).toBe('errored');
    expect(await snapshots()).toEqual([]);
    expect(await client.get(id)).toMatchObject({ locked: false });
  });
});

describe('a reserved address', () => {
  it('leads to its droplet, stays when that is gone, and goes when it is deleted', async () => {
    const { id, name } = await client.running();
    const made = await client.ask((config) => client.v2.reserved_ips.post({ dropletId: id }, config));
    expect(made).toMatchObject({ status: 202 });
    const { ip } = made.body.reserved_ip!;
    expect(await eventually(async () => (await fetch(`http://${ip}:8080/`)).text())).toBe(name);
    expect((await client.get(id))?.networks.v4.map((one) => one.ip_address)).toContain(ip);
    expect(await client.ask((config) => client.v2.reserved_ips.post({ dropletId: id }, config))).toMatchObject({
      status: 422,
    });
    await client.remove(id);
    await eventually(async () => expect(await client.get(id)).toBeUndefined());
    expect(await client.send('GET', `reserved_ips/${ip}`)).toMatchObject({
      body: { reserved_ip: { ip, droplet: null } },
    });
    expect(await client.ask((config) => client.v2.reserved_ips.byReserved_ip(ip).delete(config))).toMatchObject({
      status: 204,
    });
    expect(await client.send('GET', `reserved_ips/${ip}`)).toMatchObject({ status: 404 });
  });

  it('is assigned after a while, and to nobody where its droplet has another one by then', async () => {
    const { id } = await client.running();
    client.server.model.actions.hold();
    const made = await client.ask((config) => client.v2.reserved_ips.post({ dropletId: id }, config));
    const second = await client.ask((config) => client.v2.reserved_ips.post({ dropletId: id }, config));
    expect(made.body).toMatchObject({ reserved_ip: { droplet: null, locked: true } });
    client.server.model.actions.release();
    const shown = (answer: Answer) => client.send('GET', `reserved_ips/${answer.body.reserved_ip!.ip}`);
    await eventually(async () =>
      expect((await shown(made)).body).toMatchObject({ reserved_ip: { droplet: { id }, locked: false } }),
    );
    await eventually(async () =>
      expect((await shown(second)).body).toMatchObject({ reserved_ip: { droplet: null, locked: false } }),
    );
  });

  it('is moved by actions, and is one of a few', async () => {
    const { id } = await client.running();
    client.server.model.reservedIps.limit = 1;
    const { body } = await client.send('POST', 'reserved_ips', { region: 'nyc3' });
    expect(await client.send('POST', 'reserved_ips', { region: 'nyc3' })).toMatchObject({ status: 422 });
    const actions = `reserved_ips/${body.reserved_ip!.ip}/actions`;
    expect(await client.ended(await client.send('POST', actions, { type: 'assign', droplet_id: id }))).toBe(
      'completed',
    );
    expect(client.server.model.reservedIps.ofDroplet(id)?.ip).toBe(body.reserved_ip!.ip);
    expect(await client.ended(await client.send('POST', actions, { type: 'unassign' }))).toBe('completed');
    expect(await client.send('POST', actions, { type: 'unassign' })).toMatchObject({ status: 422 });
  });
});

describe('lists', () => {
  it('come in pages that link to each other', async () => {
    await Promise.all([1, 2, 3].map((number) => client.create({ name: `m-${number}` })));
    const first = await client.list({}, { page: 1, perPage: 2 });
    expect(first.body.droplets).toHaveLength(2);
    expect(first.body.meta).toEqual({ total: 3 });
    expect(Object.keys(first.body.links!.pages!).sort()).toEqual(['last', 'next']);
    const next = new URL(first.body.links!.pages!['next']!);
    expect(next.searchParams.get('per_page')).toBe('2');
    const second = await client.list({}, { page: Number(next.searchParams.get('page')), perPage: 2 });
    expect(second.body.droplets).toHaveLength(1);
    expect(Object.keys(second.body.links!.pages!).sort()).toEqual(['first', 'prev']);
    expect((await client.list({}, { page: 9, perPage: 2 })).body.droplets).toEqual([]);
    expect((await client.list({}, { page: 1, perPage: 3 })).body.links).toEqual({});
  });
});

describe('the rate limit', () => {
  const left = ({ headers }: Answer): string | null => headers.get('ratelimit-remaining');

  it('is told with each answer, and ends in 429 until the oldest request counts no more', async () => {
    await restart({ rateLimits: { limit: 2, windowMs: 3_600_000, burst: 99, burstWindowMs: 60_000 } });
    const first = await client.list();
    expect(first.headers.get('ratelimit-limit')).toBe('2');
    expect(left(first)).toBe('1');
    expect(left(await client.create())).toBe('0');
    const refused = await client.create();
    expect(refused).toMatchObject({ status: 429, body: { id: 'too_many_requests' } });
    const resetAtMs = Number(refused.headers.get('ratelimit-reset')) * 1000;
    expect(resetAtMs).toBeGreaterThan(Date.now() + 3_000_000);
    expect(refused.headers.get('retry-after')).toBeNull();
    expect(client.server.model.made).toBe(1);
    client.server.model.rateLimit.limits = { limit: 3, windowMs: 3_600_000, burst: 99, burstWindowMs: 60_000 };
    expect(await client.create()).toMatchObject({ status: 202 });
  });

  it('says how long to wait when too many came within a minute', async () => {
    await restart({ rateLimits: { limit: 5000, windowMs: 3_600_000, burst: 2, burstWindowMs: 60_000 } });
    await Promise.all([client.list(), client.list()]);
    const refused = await client.list();
    expect(refused.status).toBe(429);
    const seconds = Number(refused.headers.get('retry-after'));
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(60);
  });
});

describe('faults', () => {
  const plan = (method: string, what: FaultKind): void => client.server.faults.add({ method, times: 1, what });

  it('break a call before its effect, or after it', async () => {
    plan('droplets.create', { kind: 'resetBefore' });
    await expect(client.create()).rejects.toThrow();
    expect(client.server.model.made).toBe(0);
    plan('droplets.create', { kind: 'resetAfter' });
    await expect(client.create()).rejects.toThrow();
    expect(client.server.model.made).toBe(1);
    expect(client.server.countOf('droplets.create')).toBe(2);
    expect(client.server.calls.map(({ status }) => status)).toEqual([0, 0]);
  });

  it('answer instead of the server, with headers of their own', async () => {
    const headers = { 'retry-after': '7' };
    plan('droplets.create', { kind: 'answer', status: 503, reason: 'service_unavailable', message: 'later', headers });
    const refused = await client.create();
    expect(refused).toMatchObject({ status: 503, body: { id: 'service_unavailable', message: 'later' } });
    expect(refused.headers.get('retry-after')).toBe('7');
    expect(await client.create()).toMatchObject({ status: 202 });
  });

  it('hit one action and no other', async () => {
    const { id } = await client.running();
    plan('dropletActions.snapshot', { kind: 'resetAfter' });
    await client.ended(await client.act(id, 'power_off'));
    await expect(client.act(id, 'snapshot', 'one')).rejects.toThrow();
    await client.settled(id);
    expect(client.server.model.images.snapshots.size).toBe(1);
  });
});

/** What the server that plays DigitalOcean refuses, as the real one does. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PlainClient } from '../../../test-support/digitalocean-server/plain-client.ts';

let client: PlainClient;
beforeEach(async () => {
  client = await PlainClient.start();
});
afterEach(() => client.close());

describe('what is refused', () => {
  it('is a caller without the token, and one without the right', async () => {
    expect(await client.send('GET', 'account', undefined, { authorization: '' })).toMatchObject({
      status: 401,
      body: { id: 'unauthorized', request_id: expect.any(String) as string },
    });
    expect(await client.send('GET', 'account', undefined, { authorization: 'Bearer other' })).toMatchObject({
      status: 401,
    });
    client.server.model.denied.add('droplets.create');
    expect(await client.create()).toMatchObject({ status: 403, body: { id: 'forbidden' } });
    client.server.model.denied.clear();
    client.server.model.account.status = 'locked';
    expect(await client.create()).toMatchObject({ status: 403 });
  });

  const body = { name: 'm-one', region: 'nyc3', size: 's-1vcpu-1gb', image: 'ubuntu-24-04-x64' };
  it.each([
    ['a field that nobody knows', { ...body, flavour: 'small' }, /^flavour: unknown/],
    ['a field of another type', { ...body, monitoring: 'no' }, /^monitoring: .*boolean/],
    ['a list of another type', { ...body, tags: 'one' }, /^tags: .*strings/],
    ['a field that is missing', { ...body, size: undefined }, /^size: is required/],
    ['neither a name nor names', { ...body, name: undefined }, /^name:/],
    ['a name and names', { ...body, names: ['a'] }, /^name:/],
    ['more names than ten', { ...body, name: undefined, names: Array(11).fill('a') }, /^names:/],
    ['a name that no host may have', { ...body, name: 'm_one' }, /^name:/],
    ['a name that is too long', { ...body, name: 'm'.repeat(256) }, /^name:/],
    ['a tag with a blank', { ...body, tags: ['a b'] }, /^tags: 'a b'/],
    ['a tag that is too long', { ...body, tags: ['a'.repeat(256)] }, /^tags:/],
    ['a size that nobody has', { ...body, size: 'huge' }, /^size:/],
    ['a region that nobody has', { ...body, region: 'mars1' }, /^region:/],
    ['an image that nobody has', { ...body, image: 'win95' }, /^image:/],
    ['an image of no number', { ...body, image: 17 }, /^image:/],
    ['an image that is larger than the disk', { ...body, image: 'docker-20-04', size: 's-1vcpu-512mb-10gb' }, /^size:/],
    ['a VPC that nobody has', { ...body, vpc_uuid: '00000000-0000-4000-8000-000000000000' }, /^vpc_uuid:/],
    ['an SSH key that nobody has', { ...body, ssh_keys: [17] }, /^ssh_keys: 17/],
    ['volumes', { ...body, volumes: ['one'] }, /^volumes:/],
    ['user data that is too long', { ...body, user_data: 'x'.repeat(64 * 1024 + 1) }, /^user_data:/],
    ['IPv6 without a public network', { ...body, public_networking: false, ipv6: true }, /^ipv6:/],
  ])('is %s in a create: the field is named, and nothing is made', async (_, given, message) => {
    const refused = await client.send('POST', 'droplets', given);
    expect(refused).toMatchObject({ status: 422, body: { id: 'unprocessable_entity' } });
    expect(refused.body.message).toMatch(message);
    expect(client.server.model.made).toBe(0);
    expect(client.server.model.tags.all()).toEqual([]);
  });

  it('is a VPC of another region', async () => {
    const vpcUuid = client.server.model.vpcs.find(({ region }) => region === 'fra1')!.id;
    expect(await client.create({ vpcUuid })).toMatchObject({ status: 422 });
    expect(await client.create({ vpcUuid, region: 'fra1' })).toMatchObject({ status: 202 });
  });

  it.each([
    ['GET', 'droplets?tag=one', 400],
    ['GET', 'droplets?tag_name=one&name=m-one', 400],
    ['GET', 'droplets?page=0', 422],
    ['GET', 'droplets?per_page=201', 422],
    ['GET', 'droplets?page=1&page=2', 400],
    ['GET', 'machines', 404],
    ['PATCH', 'droplets', 404],
    ['GET', 'droplets/1', 404],
    ['GET', 'snapshots/155133621', 400],
    ['GET', 'snapshots/1', 404],
    ['GET', 'snapshots?resource_type=disk', 400],
    ['GET', 'actions/1', 404],
    ['GET', 'vpcs/none', 404],
  ])('is %s %s', async (verb, path, status) => {
    expect((await client.send(verb, path)).status).toBe(status);
  });

  it('is what is no JSON, and a body where none belongs', async () => {
    expect(await client.send('POST', 'tags', '{')).toMatchObject({ status: 400 });
    expect(await client.send('POST', 'tags', '[]')).toMatchObject({ status: 400 });
    expect(await client.send('POST', 'tags', { name: 'a' }, { 'content-type': 'text/plain' })).toMatchObject({
      status: 400,
    });
    expect(await client.send('DELETE', 'droplets/1', { force: true })).toMatchObject({ status: 400 });
    expect(await client.send('POST', 'tags', { name: 'a b' })).toMatchObject({ status: 422 });
    const machine = { resources: [{ resource_id: '1', resource_type: 'machine' }] };
    await client.send('POST', 'tags', { name: 'a' });
    expect(await client.send('POST', 'tags/a/resources', machine)).toMatchObject({ status: 422 });
  });

  it('is an action that nobody knows, or that has a field too many', async () => {
    const { id } = await client.running();
    expect(await client.send('POST', `droplets/${id}/actions`, { type: 'explode' })).toMatchObject({ status: 422 });
    expect(await client.send('POST', `droplets/${id}/actions`, { type: 'power_off', name: 'a' })).toMatchObject({
      status: 422,
    });
    expect(await client.send('POST', `droplets/${id}/actions`, { type: 'rename' })).toMatchObject({ status: 422 });
    expect(await client.act(id, 'rename', 'a b')).toMatchObject({ status: 422 });
    expect(await client.ended(await client.act(id, 'rename', 'm-two'))).toBe('completed');
    expect(await client.get(id)).toMatchObject({ name: 'm-two' });
  });
});

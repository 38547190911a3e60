import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { vmWorkflowId } from '../../../domain/wire-names.ts';
import { readEvents, type EventReader } from '../../../test-support/events/event-reader.ts';
import { startTestApi, uniqueName, type TestApi } from '../../../test-support/workflow/api-harness.ts';
import { startApiScene, type ApiScene } from '../../../test-support/workflow/api-scene.ts';

let scene: ApiScene;
let second: TestApi;
const readers: EventReader[] = [];

beforeAll(async () => {
  scene = await startApiScene('live events');
  second = await startTestApi(scene.server, scene.queue, { share: scene.api });
});
afterAll(async () => {
  readers.forEach(({ close }) => close());
  await second.close();
  await scene.stop();
});

async function read(
  options: Parameters<typeof readEvents>[1] & { key?: string; api?: TestApi } = {},
): Promise<EventReader> {
  const { key = scene.api.keys.viewer, api = scene.api, ...more } = options;
  const reader = await readEvents({ url: api.url, key }, more);
  readers.push(reader);
  return reader;
}

async function running(name = uniqueName('ev')): Promise<string> {
  const made = await scene.api.call('POST', '/v1/vms?wait=ready', { body: { name, template: 'chat' } });
  expect(made.status).toBe(201);
  return name;
}

const kinds = (reader: EventReader): string[] => reader.events().map(({ kind }) => kind);
const LIFE = ['vm.creating', 'vm.booting', 'vm.running', 'vm.destroying', 'vm.destroyed'];

describe('who watches', () => {
  it('sees the whole life of a VM as it happens, with the reason of its end', async () => {
    const name = uniqueName('ev');
    const reader = await read({ query: `?vm=${name}` });
    expect(reader.status).toBe(200);
    expect(reader.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      ...{ 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
    });
    await reader.until(({ blocks }) => expect(blocks[0]).toMatchObject({ type: 'open', data: { resumed: false } }));
    await running(name);
    await scene.api.call('DELETE', `/v1/vms/${name}?wait=destroyed`);
    await reader.until(() => expect(kinds(reader).filter((kind) => LIFE.includes(kind))).toEqual(LIFE));
    expect(reader.events().at(-1)).toMatchObject({ vm: name, template: 'chat', reason: 'requested' });
    const numbers = reader.events().map(({ number }) => number);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  });

  it('sees a terminated VM fail, and the life that follows under the same name', async () => {
    const name = await running();
    const reader = await read({ query: `?vm=${name}&kind=vm.failed&kind=vm.creating` });
    await scene.server.client.workflow.getHandle(vmWorkflowId('default', name)).terminate('test');
    await running(name);
    await reader.until(() => {
      const told = reader.events();
      const [failed, created] = [told.find(({ kind }) => kind === 'vm.failed'), told.at(-1)];
      expect(failed?.detail).toContain('terminated');
      expect(created?.kind).toBe('vm.creating');
      expect(created?.uid).not.toBe(failed?.uid);
    });
  });

  it('sees nothing of another project', async () => {
    const other = await read({ key: scene.api.keys.other });
    const own = await read();
    const name = await running();
    await own.until(() => expect(kinds(own)).toContain('vm.running'));
    await running();
    expect(JSON.stringify(other.blocks)).not.toContain(name);
    expect(other.events()).toEqual([]);
  });

  it('goes on after a cut, at the same replica with the very next event and at another one without a loss', async () => {
    const name = uniqueName('ev');
    const first = await read({ query: `?vm=${name}` });
    await running(name);
    await first.until(() => expect(kinds(first)).toContain('vm.running'));
    first.close();
    const lastEventId = first.lastId();
    const had = first.events().at(-1)?.number ?? 0;
    await scene.api.call('POST', `/v1/vms/${name}/hold`, { body: { seconds: 60 } });
    await scene.api.call('DELETE', `/v1/vms/${name}?wait=destroyed`);

    const same = await read({ query: `?vm=${name}`, lastEventId });
    await same.until(() => expect(kinds(same)).toContain('vm.destroyed'));
    expect(same.blocks[0]).toMatchObject({ type: 'open', data: { resumed: true } });
    expect(same.events()[0]?.number).toBe(had + 1);

    const other = await read({ api: second, query: `?vm=${name}&lastEventId=${lastEventId}` });
    await other.until(() => expect(kinds(other)).toContain('vm.destroyed'));
    const all = new Set([...first.events(), ...other.events()].map(({ number }) => number));
    expect([...all].sort((a, b) => a - b)).toEqual([...all].map((_, index) => index + 1));
  });

  it('is told to list again where its position is older than what is kept', async () => {
    const reader = await read({ lastEventId: '1.a1b2c3d4.1' });
    await reader.until(({ blocks }) => expect(blocks.map(({ type }) => type)).toEqual(['open', 'reset']));
  });

  it('is let go when its time is over, and when the replica stops', async () => {
    const short = await read({ query: '?timeoutSeconds=1' });
    await short.ended;
    expect(short.blocks.at(-1)).toMatchObject({ type: 'end', data: { code: 'timeIsOver' } });
    const third = await startTestApi(scene.server, scene.queue, { share: scene.api });
    const reader = await read({ api: third });
    await reader.until(({ blocks }) => expect(blocks).toHaveLength(1));
    await Promise.all([third.close(), reader.ended]);
    expect(reader.blocks.at(-1)).toMatchObject({ type: 'end', data: { code: 'closing' } });
  });

  it('is refused with a position or a kind that does not exist, and gets no stream for a HEAD', async () => {
    const refused = await scene.api.call('GET', '/v1/events?kind=vm.exploded&lastEventId=never');
    expect([refused.status, refused.body.code]).toEqual([400, 'invalidRequest']);
    expect(refused.body.fields?.map(({ field }) => field)).toEqual(['query.kind.0', 'query.lastEventId']);
    const head = await read({ method: 'HEAD' });
    await head.ended;
    expect([head.status, head.headers['content-type']]).toEqual([200, 'text/event-stream; charset=utf-8']);
  });
});

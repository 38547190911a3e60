import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../../test-support/eventually.ts';
import { WebhookReceiver } from '../../../test-support/webhooks/receiver.ts';
import { uniqueName } from '../../../test-support/workflow/api-harness.ts';
import { startApiScene, type ApiScene } from '../../../test-support/workflow/api-scene.ts';
import type { ApiWebhook } from '../../../api/schemas/webhook.ts';

let scene: ApiScene;
const receivers: WebhookReceiver[] = [];

beforeAll(async () => {
  scene = await startApiScene('webhooks', {
    change: (settings) => {
      settings.api.webhooks.privateTargets = ['127.0.0.1'];
    },
  });
});
afterAll(async () => {
  await Promise.all(receivers.map((receiver) => receiver.stop()));
  await scene.stop();
});

const LIFE = ['vm.creating', 'vm.booting', 'vm.running', 'vm.destroying', 'vm.destroyed'];

async function webhook(body: object = {}): Promise<{ receiver: WebhookReceiver; id: string }> {
  const receiver = new WebhookReceiver();
  receivers.push(receiver);
  await receiver.start();
  const made = await scene.api.call('POST', '/v1/webhooks', { body: { url: receiver.url, ...body } });
  expect(made.status, made.text).toBe(201);
  const { id, secret } = made.body as unknown as { id: string; secret: string };
  receiver.secret = secret;
  return { receiver, id };
}

const look = async (id: string, key = scene.api.keys.operator): Promise<ApiWebhook> =>
  (await scene.api.call('GET', `/v1/webhooks/${id}`, { key })).body as unknown as ApiWebhook;

async function life(name = uniqueName('wh')): Promise<string> {
  const made = await scene.api.call('POST', '/v1/vms?wait=ready', { body: { name, template: 'chat' } });
  expect(made.status).toBe(201);
  await scene.api.call('DELETE', `/v1/vms/${name}?wait=destroyed`);
  return name;
}

describe('a webhook', () => {
  it('is told the whole life of each VM, in order and signed', async () => {
    const { receiver, id } = await webhook();
    const names = await Promise.all([life(), life(), life()]);
    await eventually(() => {
      for (const name of names) {
        const kinds = receiver.taken.filter(({ data }) => data['vm'] === name).map(({ type }) => type);
        expect(kinds.filter((kind) => LIFE.includes(kind))).toEqual(LIFE);
        const numbers = receiver.numbersOf(name);
        expect(numbers).toEqual(numbers.map((_, index) => index + 1));
      }
    });
    expect(receiver.forged).toEqual([]);
    const last = receiver.taken.findLast(({ data }) => data['vm'] === names[0]);
    expect(last).toMatchObject({ type: 'vm.destroyed', data: { reason: 'requested', template: 'chat' } });
    await eventually(async () => expect(await look(id)).toMatchObject({ state: 'active', pending: 0 }));
    expect((await look(id)).attempts?.[0]).toMatchObject({ delivered: true, status: 204, number: 1 });
  });

  it('that is down for a while gets everything afterwards, once it is back, in order', async () => {
    const { receiver, id } = await webhook();
    await receiver.stop();
    const names = await Promise.all([life(), life()]);
    await eventually(async () => expect(await look(id)).toMatchObject({ state: 'failing' }));
    expect((await look(id)).detail).toContain('ECONNREFUSED');
    await receiver.start();
    await eventually(() => {
      for (const name of names) {
        const numbers = receiver.numbersOf(name);
        expect(numbers.length).toBeGreaterThanOrEqual(LIFE.length);
        expect(numbers).toEqual(numbers.map((_, index) => index + 1));
      }
    });
  });

  it('that refuses what one VM tells gets what the others tell, and nothing of that one out of its order', async () => {
    const refused = uniqueName('wh');
    const { receiver } = await webhook({ kinds: ['vm.running', 'vm.destroyed'] });
    receiver.answer = ({ data }) => (data['vm'] === refused ? 500 : 200);
    await life(refused);
    const other = await life();
    await eventually(() => expect(receiver.numbersOf(other)).toHaveLength(2));
    expect(receiver.numbersOf(refused)).toEqual([]);
    receiver.answer = () => 200;
    await eventually(() => {
      const [running = 0, destroyed = 0, ...rest] = receiver.numbersOf(refused);
      expect(rest).toEqual([]);
      expect(running).toBeGreaterThan(0);
      expect(running).toBeLessThan(destroyed);
    });
  });

  it('is told what it asks for alone, and nothing of another project', async () => {
    const name = uniqueName('wh');
    const { receiver } = await webhook({ vm: name, kinds: ['vm.running'] });
    const all = await webhook();
    await life();
    const other = { key: scene.api.keys.other, body: { name: uniqueName('wh'), template: 'chat' } };
    await scene.api.call('POST', '/v1/vms?wait=ready', other);
    await life(name);
    await eventually(() => expect(receiver.taken.map(({ type }) => type)).toEqual(['vm.running']));
    await eventually(() => expect(all.receiver.numbersOf(name).length).toBeGreaterThanOrEqual(LIFE.length));
    expect(all.receiver.numbersOf(other.body.name)).toEqual([]);
  });

  it('has no more beside it than a project may have, also when many are asked for at once', async () => {
    const key = scene.api.keys.other;
    const body = { url: 'https://93.184.216.34/', vm: 'nobody' };
    const asked = Array.from({ length: 60 }, () => scene.api.call('POST', '/v1/webhooks', { key, body }));
    const made = (await Promise.all(asked)).filter(({ status }) => status === 201);
    expect(made).toHaveLength(20);
    for (const { body: one } of made) {
      const { id } = one as unknown as { id: string };
      expect((await scene.api.call('DELETE', `/v1/webhooks/${id}`, { key })).status).toBe(204);
    }
  });

  it('is sent a test, and an event again', async () => {
    const { receiver, id } = await webhook({ vm: 'nobody' });
    const tested = await scene.api.call('POST', `/v1/webhooks/${id}/test`);
    expect(tested.status).toBe(202);
    await eventually(() => expect(receiver.taken.map(({ type }) => type)).toEqual(['webhook.test']));
    const name = await life();
    const shown = await scene.api.call('GET', `/v1/vms/${name}`);
    const eventId = `${shown.body.uid}.1`;
    const again = await eventuallyAccepted(`/v1/webhooks/${id}/redeliver`, { eventId });
    expect(again).toEqual({ eventId });
    await eventually(() => expect(receiver.taken.at(-1)).toMatchObject({ type: 'vm.creating', data: { vm: name } }));
    expect(receiver.taken.at(-1)?.id).toBe(eventId.replace('.', '_'));
    const unknown = await scene.api.call('POST', `/v1/webhooks/${id}/redeliver`, { body: { eventId: 'none.1' } });
    expect([unknown.status, unknown.body.code]).toEqual([404, 'unknownEvent']);
  });

  it('that says it is gone is disabled, says why, and goes on when it is enabled', async () => {
    const { receiver, id } = await webhook({ kinds: ['vm.running'] });
    receiver.answer = () => 410;
    const name = await life();
    await eventually(async () => expect(await look(id)).toMatchObject({ state: 'disabled', pending: 1 }));
    expect((await look(id)).detail).toContain('410');
    receiver.answer = () => 200;
    expect((await scene.api.call('POST', `/v1/webhooks/${id}/enable`)).status).toBe(202);
    await eventually(() => expect(receiver.numbersOf(name)).toHaveLength(1));
    await eventually(async () => expect(await look(id)).toMatchObject({ state: 'active', pending: 0 }));
  });

  it('follows no redirect, and is told nothing more once it is deleted', async () => {
    const { receiver, id } = await webhook();
    const elsewhere = await webhook({ vm: 'nobody' });
    receiver.headers = { location: elsewhere.receiver.url };
    receiver.answer = () => 307;
    await scene.api.call('POST', `/v1/webhooks/${id}/test`);
    await eventually(async () => {
      expect((await look(id)).attempts?.[0]).toMatchObject({ status: 307, detail: 'a redirect is not followed' });
    });
    expect(elsewhere.receiver.taken).toEqual([]);
    expect((await scene.api.call('DELETE', `/v1/webhooks/${id}`)).status).toBe(204);
    expect((await scene.api.call('GET', `/v1/webhooks/${id}`)).body.code).toBe('unknownWebhook');
    await eventually(async () => expect((await scene.api.call('GET', '/v1/webhooks')).text).not.toContain(id));
  });

  it('keeps its secret and its path from everybody but who may change it', async () => {
    const { receiver, id } = await webhook();
    const shown = await eventually(async () => {
      const { body } = await scene.api.call('GET', '/v1/webhooks', { key: scene.api.keys.viewer });
      const listed = (body as unknown as { webhooks: ApiWebhook[] }).webhooks.find((one) => one.id === id);
      expect(listed?.url).toBe(`${new URL(receiver.url).origin}/…`);
      return listed;
    });
    expect((await look(id)).url).toBe(receiver.url);
    expect(JSON.stringify([shown, await look(id)])).not.toContain('whsec_');
    const handle = scene.server.client.workflow.getHandle(`webhook/default/${id}@${scene.queue}`);
    const history = JSON.stringify(await handle.fetchHistory());
    const encoded = [...history.matchAll(/"data":"([^"]+)"/g)].map(([, text = '']) => text);
    const payloads = encoded.map((text) => Buffer.from(text, 'base64').toString());
    expect(payloads.join(' ')).toContain(id);
    for (const word of [receiver.secret ?? '', '/hook']) expect(history + payloads.join(' ')).not.toContain(word);
    const foreign = await scene.api.call('GET', `/v1/webhooks/${id}`, { key: scene.api.keys.other });
    expect([foreign.status, foreign.body.code]).toEqual([404, 'unknownWebhook']);
  });

  it.each([
    'http://127.0.0.2:7400/v1/vms',
    'https://127.0.0.2/',
    'https://localhost.localdomain.invalid/',
    'https://[::1]/',
    'https://[::ffff:169.254.169.254]/',
    'https://169.254.169.254/latest/meta-data/',
    'https://10.0.0.1/',
    'https://2130706434/',
    'https://[fd00::1]/',
    'https://[64:ff9b::7f00:1]/',
    'http://192.0.2.1/',
  ])('is refused for %s', async (url) => {
    const { status, body } = await scene.api.call('POST', '/v1/webhooks', { body: { url } });
    expect([status, body.code]).toEqual([422, 'webhookTargetRefused']);
  });

  it.each(['ftp://example.org/', 'https://user:pass@example.org/', 'https://example.org/#x', 'nonsense'])(
    'is no webhook with the URL %s',
    async (url) => {
      const { status, body } = await scene.api.call('POST', '/v1/webhooks', { body: { url } });
      expect([status, body.code]).toEqual([400, 'invalidRequest']);
    },
  );
});

/** A poll may not have seen the event yet. */
async function eventuallyAccepted(path: string, body: object): Promise<object> {
  let answered: object = {};
  await eventually(async () => {
    const answer = await scene.api.call('POST', path, { body });
    expect(answer.status).toBe(202);
    answered = answer.body;
  });
  return answered;
}

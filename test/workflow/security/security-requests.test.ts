/** What becomes of requests for later whose key, role or place is not what it was, and of those of somebody else. */
import { createHash, randomUUID } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { requestSchema, type ApiRequest } from '../../../api/schemas/request.ts';
import type { AcceptedRequest } from '../../../domain/request/state.ts';
import { requestsWorkflowId } from '../../../domain/wire-names.ts';
import { KEYS_FILE, type StoredKey } from '../../../security/keys/keys-file.ts';
import { eventually, uniqueName, type CallOptions, type TestApi } from '../../../test-support/workflow/api-harness.ts';
import { startApiScene, type ApiScene } from '../../../test-support/workflow/api-scene.ts';
import { acceptRequestSignal } from '../../../workflows/messages.ts';

let scene: ApiScene;
let api: TestApi;
let keysText: string;
beforeAll(async () => {
  scene = await startApiScene('security requests', { requestsAtOnce: AT_ONCE });
  ({ api } = scene);
  keysText = await readFile(join(api.settings.stateDir, KEYS_FILE), 'utf8');
});
afterAll(() => scene.stop());

const AT_ONCE = { all: 4, ofProject: 2 };
const HEADERS = { prefer: 'respond-async' };

async function later(method: string, path: string, { headers, ...more }: CallOptions = {}): Promise<ApiRequest> {
  const answer = await api.call(method, path, { ...more, headers: { ...HEADERS, ...headers } });
  expect(answer.status, answer.text).toBe(202);
  return requestSchema.parse(JSON.parse(answer.text));
}

const ended = (id: string, key = api.keys.viewer): Promise<ApiRequest> =>
  eventually(`the end of ${id}`, async () => {
    const found = requestSchema.parse(JSON.parse((await api.call('GET', `/v1/requests/${id}`, { key })).text));
    return found.endedAt === undefined ? undefined : found;
  });

/** A request before it that is under way until the returned function is called. */
async function heldUp(name: string): Promise<() => void> {
  scene.park.broken.add('createMachine');
  const first = await later('POST', '/v1/vms', { body: { name, template: 'chat' } });
  await eventually('it is under way', async () => {
    const { state } = requestSchema.parse(JSON.parse((await api.call('GET', `/v1/requests/${first.id}`)).text));
    return state === 'running' ? true : undefined;
  });
  return () => void scene.park.broken.delete('createMachine');
}

/** Resolves once the API has read the changed keys, which it says of one that it did not know. */
async function withKeys(change: (key: StoredKey) => object | undefined): Promise<void> {
  const { keys } = JSON.parse(keysText) as { keys: StoredKey[] };
  const fresh = `key-fresh-${randomUUID()}`;
  const sha256 = createHash('sha256').update(fresh).digest('hex');
  const added = { id: 'fresh', project: 'default', role: 'viewer', sha256, createdAt: new Date().toISOString() };
  const changed = [...keys.flatMap((key) => change(key) ?? []), added];
  await writeFile(join(api.settings.stateDir, KEYS_FILE), JSON.stringify({ keys: changed }), { mode: 0o600 });
  await eventually('the keys are read', async () => {
    const { status } = await api.call('GET', '/v1/vms', { key: fresh });
    return status === 200 ? true : undefined;
  });
}

describe('a request that waits', () => {
  const cases: [string, string, (key: StoredKey) => object | undefined][] = [
    ['revoked', 'unauthenticated', (key) => (key.id === 'admin' ? undefined : key)],
    ['only to look by now', 'forbidden', (key) => (key.id === 'admin' ? { ...key, role: 'viewer' } : key)],
    ['an operator by now', 'forbidden', (key) => (key.id === 'admin' ? { ...key, role: 'operator' } : key)],
    [
      'of another project by now',
      'unauthenticated',
      (key) => (key.id === 'admin' ? { ...key, project: 'other' } : key),
    ],
  ];
  it.each(cases)('is not done when its key is %s', async (_what, code, change) => {
    const name = uniqueName();
    const goOn = await heldUp(name);
    const destroy = await later('DELETE', `/v1/vms/${name}?force=true`, { key: api.keys.admin });
    try {
      await withKeys(change);
      goOn();
      expect(await ended(destroy.id)).toMatchObject({ state: 'failed', problem: { code } });
      expect((await api.call('GET', `/v1/vms/${name}`)).body.state).toBe('running');
    } finally {
      goOn();
      await withKeys((key) => key);
    }
  });

  it('is nothing to another project', async () => {
    const name = uniqueName();
    const goOn = await heldUp(name);
    const stop = await later('POST', `/v1/vms/${name}/stop`);
    for (const method of ['GET', 'DELETE']) {
      const answer = await api.call(method, `/v1/requests/${stop.id}`, { key: api.keys.other });
      expect([answer.status, answer.body.code]).toEqual([404, 'unknownRequest']);
    }
    goOn();
    expect(await ended(stop.id)).toMatchObject({ state: 'done' });
  });

  it('is done under its own name, project and id alone, whoever copies it in Temporal', async () => {
    const [name, other] = [uniqueName(), uniqueName()];
    const goOn = await heldUp(name);
    const stop = await later('POST', `/v1/vms/${name}/stop`);
    const { client } = scene.server;
    const id = (project: string, of: string): string => requestsWorkflowId(project, of, scene.queue);
    const history = await client.workflow.getHandle(id('default', name)).fetchHistory();
    const sent = (history.events ?? []).flatMap(
      ({ workflowExecutionSignaledEventAttributes: signal }) => signal?.input?.payloads ?? [],
    );
    const requests = sent.map(({ data }) => JSON.parse(Buffer.from(data ?? []).toString()) as AcceptedRequest);
    const copied = requests.find((one) => one.id === stop.id);
    if (copied === undefined) throw new Error('it is not in the history');
    expect(
      (await api.call('POST', '/v1/vms', { body: { name: other, template: 'chat' }, key: api.keys.other })).status,
    ).toBe(201);
    const places = [
      { project: 'other', of: other, as: `${other}.${'a'.repeat(20)}` },
      { project: 'default', of: other, as: `${other}.${'a'.repeat(20)}` },
      { project: 'default', of: name, as: `${name}.${'b'.repeat(20)}` },
    ];
    for (const { project, of, as } of places) {
      await client.workflow.signalWithStart('requests', {
        ...{ workflowId: id(project, of), taskQueue: scene.queue, args: [{ project, name: of }] },
        ...{ signal: acceptRequestSignal, signalArgs: [{ ...copied, id: as }] as [AcceptedRequest] },
      });
    }
    goOn();
    for (const { project, as } of places) {
      const key = project === 'other' ? api.keys.other : api.keys.viewer;
      expect(await ended(as, key)).toMatchObject({ state: 'failed', problem: { code: 'requestUnreadable' } });
    }
    expect(await ended(stop.id)).toMatchObject({ state: 'done' });
  });
});

describe('many requests of one project that wait for room', () => {
  it('hold up none of another project', async () => {
    const name = uniqueName();
    const made = await api.call('POST', '/v1/vms?wait=ready', {
      body: { name, template: 'chat' },
      key: api.keys.other,
    });
    expect(made.status, made.text).toBe(201);
    scene.park.broken.add('createMachine');
    try {
      const many = Array.from({ length: AT_ONCE.all }, () => uniqueName('many'));
      await Promise.all(many.map((one) => later('POST', '/v1/vms', { body: { name: one, template: 'chat' } })));
      await eventually('as many of them as are done at once', async () => {
        const answers = await Promise.all(many.map((one) => api.call('GET', `/v1/vms/${one}`)));
        const begun = answers.filter(({ status }) => status === 200).length;
        return begun === Math.min(AT_ONCE.ofProject, AT_ONCE.all) ? true : undefined;
      });
      const stop = await later('DELETE', `/v1/vms/${name}`, { key: api.keys.other });
      expect(await ended(stop.id, api.keys.other)).toMatchObject({ state: 'done' });
    } finally {
      scene.park.broken.delete('createMachine');
    }
  });
});

describe('a replica that does requests', () => {
  it('keeps nothing of its polls, each of which might else stay in its memory for good', async () => {
    const added = vi.spyOn(AbortSignal.prototype, 'addEventListener');
    try {
      for (let done = 0; done < 6; done += 1) {
        const request = await later('POST', '/v1/vms', { body: { name: uniqueName(), template: 'chat' } });
        expect(await ended(request.id)).toMatchObject({ state: 'done' });
      }
      const living = new Set(added.mock.contexts.filter((signal) => !(signal as AbortSignal).aborted));
      for (const signal of living) {
        expect(getEventListeners(signal as AbortSignal, 'abort').length).toBeLessThan(4);
      }
    } finally {
      added.mockRestore();
    }
  });
});

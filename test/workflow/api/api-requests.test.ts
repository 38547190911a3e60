/** Requests that are accepted with `Prefer: respond-async` and done later, in their order. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requestSchema, type ApiRequest } from '../../../api/schemas/request.ts';
import { requestsWorkflowId } from '../../../domain/wire-names.ts';
import { prefersToBeAnsweredLater } from '../../../api/http/prefer.ts';
import { MOST_WAITING } from '../../../domain/request/state.ts';
import { runHost, runWorker, workflowBundle } from '../../../test-support/workflow/vm-harness.ts';
import {
  eventually,
  startTestApi,
  uniqueName,
  type ApiAnswer,
  type TestApi,
} from '../../../test-support/workflow/api-harness.ts';
import { startApiScene, type ApiScene } from '../../../test-support/workflow/api-scene.ts';
import { imageScene } from '../../../test-support/workflow/image-scene.ts';

let scene: ApiScene;
let api: TestApi;
let stopKeeping: () => Promise<void>;
beforeAll(async () => {
  scene = await startApiScene('api requests');
  ({ api } = scene);
  stopKeeping = await imageScene(scene.server, scene.queue, scene.park).startKeeping();
});
afterAll(async () => {
  await stopKeeping();
  await scene.stop();
});

const LATER = { prefer: 'respond-async' };
const chat = (name: string, more: object = {}) => ({ name, template: 'chat', ...more });

function requestOf(answer: Pick<ApiAnswer, 'text'>): ApiRequest {
  return requestSchema.strict().parse(JSON.parse(answer.text));
}

async function later(method: string, path: string, body?: object, headers: object = {}, of = api): Promise<ApiRequest> {
  const answer = await of.call(method, path, {
    ...(body === undefined ? {} : { body }),
    headers: { ...LATER, ...headers },
  });
  expect(answer.status, answer.text).toBe(202);
  const request = requestOf(answer);
  expect(answer.headers.get('location')).toBe(`/v1/requests/${request.id}`);
  expect(answer.headers.get('preference-applied')).toBe('respond-async');
  return request;
}

async function look({ id }: Pick<ApiRequest, 'id'>): Promise<ApiRequest> {
  const answer = await api.call('GET', `/v1/requests/${id}`);
  expect(answer.status, answer.text).toBe(200);
  return requestOf(answer);
}

/** Ids of the images that were made of a machine. */
const imagesOf = (machineId: string): string[] =>
  [...scene.park.images].filter(([, of]) => of === machineId).map(([imageId]) => imageId);

const ended = (request: Pick<ApiRequest, 'id'>): Promise<ApiRequest> =>
  eventually(`the end of ${request.id}`, async () => {
    const now = await look(request);
    return now.endedAt === undefined ? undefined : now;
  });

describe('a request that is done later', () => {
  it('is answered with a place to look, and done', async () => {
    const name = uniqueName();
    const request = await later('POST', '/v1/vms', chat(name));
    expect(request).toMatchObject({ name, operation: 'createVm', state: 'queued', position: 0, createdBy: 'operator' });
    const done = await ended(request);
    expect(done.problem).toBeUndefined();
    expect(done).toMatchObject({ state: 'done', result: { status: 201, vm: { name, state: 'running' } } });
    const vm = await api.call('GET', `/v1/vms/${name}`);
    expect(vm.body).toMatchObject({ state: 'running', uid: done.result?.vm?.uid, createdBy: 'operator' });
  });

  it('waits for those of the same name before it, each of which comes to its end first', async () => {
    const name = uniqueName();
    const asked = [
      await later('POST', '/v1/vms', chat(name, { secretEnv: { TOKEN: 'a-secret-of-mine' } })),
      await later('POST', `/v1/vms/${name}/stop`),
      await later('POST', `/v1/vms/${name}/start`),
      await later('POST', `/v1/vms/${name}/close`),
      await later('POST', `/v1/vms/${name}/reopen`),
      await later('DELETE', `/v1/vms/${name}`),
    ];
    const done = await Promise.all(asked.map(ended));
    expect(done.map(({ state, result }) => [state, result?.vm?.state])).toEqual([
      ['done', 'running'],
      ['done', 'stopped'],
      ['done', 'running'],
      ['done', 'destroyed'],
      ['done', 'running'],
      ['done', 'destroyed'],
    ]);
    const ends = done.map(({ endedAt }) => endedAt);
    expect(ends).toEqual([...ends].sort());
    for (const [index, { startedAt = '' }] of done.entries()) {
      if (index > 0) expect(startedAt >= (ends[index - 1] ?? '')).toBe(true);
    }
    const history = await scene.server.client.workflow
      .getHandle(requestsWorkflowId('default', name, scene.queue))
      .fetchHistory();
    expect(JSON.stringify(history)).not.toContain('a-secret-of-mine');
    expect(JSON.stringify(history)).not.toContain(Buffer.from('a-secret-of-mine').toString('base64').slice(2, -4));
  });

  it('makes a snapshot in its turn, names the image, and leaves the VM as it was', async () => {
    const name = uniqueName();
    const named = { family: `gold-${name}`, imageName: `golden-${name}` };
    const asked = [
      await later('POST', '/v1/vms', chat(name)),
      await later('POST', `/v1/vms/${name}/snapshot`, {}),
      await later('POST', `/v1/vms/${name}/stop`),
      await later('POST', `/v1/vms/${name}/snapshot`, named),
      await later('POST', `/v1/vms/${name}/snapshot`, named),
      await later('POST', `/v1/vms/${name}/start`),
    ];
    const done = await Promise.all(asked.map(ended));
    expect(done.map(({ problem, result }) => problem?.code ?? [result?.vm?.state, result?.image?.name])).toEqual([
      ['running', undefined],
      ['running', `${name}-1`],
      ['stopped', undefined],
      ['stopped', named.imageName],
      'imageNameTaken',
      ['running', undefined],
    ]);
    const machineId = (await api.call('GET', `/v1/vms/${name}`)).body.machineId ?? '';
    const made = done.flatMap(({ result }) => result?.image?.imageId ?? []);
    expect(imagesOf(machineId)).toEqual(made);
  });

  it('makes another snapshot for each request, and none again for one that is sent again with its Idempotency-Key', async () => {
    const name = uniqueName();
    const key = { 'idempotency-key': uniqueName('key') };
    const made = await ended(await later('POST', '/v1/vms', chat(name)));
    expect(made.state).toBe('done');
    const first = await ended(await later('POST', `/v1/vms/${name}/snapshot`, {}, key));
    expect((await later('POST', `/v1/vms/${name}/snapshot`, {}, key)).result).toEqual(first.result);
    const second = await ended(await later('POST', `/v1/vms/${name}/snapshot`, {}));
    const machineId = (await api.call('GET', `/v1/vms/${name}`)).body.machineId ?? '';
    expect(imagesOf(machineId)).toEqual([first, second].map(({ result }) => result?.image?.imageId));
  });

  it('whose image cannot be made fails and says why, and the VM goes on', async () => {
    const name = uniqueName();
    await ended(await later('POST', '/v1/vms', chat(name)));
    scene.park.faults.push({ name: 'makeImage', kind: 'failForGood' });
    const { state, problem } = await ended(await later('POST', `/v1/vms/${name}/snapshot`, {}));
    expect([state, problem?.code, problem?.detail]).toEqual([
      ...['failed', 'notDone'],
      expect.stringContaining('injected failure for good'),
    ]);
    expect((await api.call('GET', `/v1/vms/${name}`)).body.state).toBe('running');
  });

  it('with one Idempotency-Key is one request, and for something else a conflict', async () => {
    const key = { 'idempotency-key': uniqueName('key') };
    const first = await later('POST', '/v1/vms', { template: 'chat' }, key);
    const again = await later('POST', '/v1/vms', { template: 'chat' }, key);
    expect(again.id).toBe(first.id);
    const done = await ended(first);
    expect((await later('POST', '/v1/vms', { template: 'chat' }, key)).result).toEqual(done.result);
    // The key and the name that it stands for belong to both ways of asking.
    const now = await api.call('POST', '/v1/vms', { body: { template: 'chat' }, headers: key });
    expect([now.status, now.body.name, now.body.uid]).toEqual([200, first.name, done.result?.vm?.uid]);
    const other = await api.call('POST', '/v1/vms', {
      ...{ body: { template: 'chat', cpus: 2 }, headers: { ...LATER, ...key } },
    });
    expect([other.status, other.body.code]).toEqual([409, 'idempotencyConflict']);
  });

  it('keeps the order of acceptance over two replicas that are asked at once', async () => {
    const second = await startTestApi(scene.server, scene.queue, { share: api });
    try {
      const name = uniqueName();
      const made = await later('POST', '/v1/vms', chat(name));
      const asked = await Promise.all(
        Array.from({ length: 6 }, (_, index) =>
          later(
            'POST',
            `/v1/vms/${name}/${index % 2 === 0 ? 'stop' : 'start'}`,
            undefined,
            {},
            index < 3 ? api : second,
          ),
        ),
      );
      const done = await Promise.all([made, ...asked].map(ended));
      expect(done.map(({ state, problem }) => problem ?? state)).toEqual(done.map(() => 'done'));
      const spans = done.map(({ startedAt, endedAt }) => [startedAt ?? '', endedAt ?? '']).sort();
      // No two at a time, whichever replica did them.
      for (const [index, [begun = '']] of spans.entries()) {
        if (index > 0) expect(begun >= (spans[index - 1]?.[1] ?? '')).toBe(true);
      }
    } finally {
      await second.close();
    }
  });

  it('is refused at once where it can never be done, and nothing waits then', async () => {
    const name = uniqueName();
    const refused: [string, string, object | undefined, number, string][] = [
      ['POST', '/v1/vms', chat(name, { cpus: -1 }), 400, 'invalidRequest'],
      ['POST', '/v1/vms', { name, template: 'none-such' }, 400, 'unknownTemplate'],
      [
        'POST',
        '/v1/vms',
        chat(name, { idle: { timeoutSeconds: 9 }, maxLifetimeSeconds: 5 }),
        400,
        'contradictoryTimeouts',
      ],
      ['POST', '/v1/vms?wait=ready', chat(name), 400, 'invalidRequest'],
      ['POST', '/v1/vms?queueTimeoutSeconds=0', chat(name), 400, 'invalidRequest'],
      ['POST', `/v1/vms/${name}/stop`, undefined, 404, 'unknownVm'],
      ['POST', `/v1/vms/${name}/snapshot`, {}, 404, 'unknownVm'],
      ['POST', `/v1/vms/${name}/snapshot`, { imageName: 'Bad Name' }, 400, 'invalidRequest'],
      ['POST', `/v1/vms/${name}/reopen`, undefined, 404, 'neverClosed'],
      ['DELETE', `/v1/vms/${name}`, undefined, 404, 'unknownVm'],
      ['DELETE', `/v1/vms/${name}?force=true`, undefined, 403, 'forbidden'],
    ];
    for (const [method, path, body, status, code] of refused) {
      const answer = await api.call(method, path, { ...(body === undefined ? {} : { body }), headers: LATER });
      expect([answer.status, answer.body.code], `${method} ${path}`).toEqual([status, code]);
    }
    const viewer = await api.call('POST', '/v1/vms', { body: chat(name), headers: LATER, key: api.keys.viewer });
    expect(viewer.body.code).toBe('forbidden');
    const described = scene.server.client.workflow
      .getHandle(requestsWorkflowId('default', name, scene.queue))
      .describe();
    await expect(described).rejects.toThrow();
  });

  it('that fails says why, and the next one is done', async () => {
    const name = uniqueName();
    const made = await later('POST', '/v1/vms', chat(name));
    const other = await later('POST', '/v1/vms', chat(name, { cpus: 2 }));
    const stop = await later('POST', `/v1/vms/${name}/stop`);
    expect((await ended(made)).state).toBe('done');
    expect(await ended(other)).toMatchObject({ state: 'failed', problem: { code: 'specConflict', status: 409 } });
    expect((await ended(stop)).result?.vm?.state).toBe('stopped');
  });

  it('belongs to the project of its key', async () => {
    const request = await later('POST', '/v1/vms', chat(uniqueName()));
    for (const method of ['GET', 'DELETE']) {
      const foreign = await api.call(method, `/v1/requests/${request.id}`, { key: api.keys.other });
      expect([foreign.status, foreign.body.code]).toEqual([404, 'unknownRequest']);
    }
    expect((await ended(request)).state).toBe('done');
  });

  it('that nobody of the API accepted is not done', async () => {
    const name = uniqueName();
    const id = `${name}.${'1'.repeat(20)}`;
    const { client } = scene.server;
    const at = Date.now();
    await client.workflow.signalWithStart('requests', {
      ...{ workflowId: requestsWorkflowId('default', name, scene.queue), taskQueue: scene.queue },
      args: [{ project: 'default', name }],
      signal: 'acceptRequest',
      signalArgs: [
        {
          ...{ id, operation: 'createVm', createdBy: 'operator', sealed: 'v1.AAAA', fingerprint: 'f' },
          ...{ acceptedAt: at, expiresAt: at + 60_000 },
        },
      ],
    });
    const failed = await eventually('the forged one refused', async () => {
      const { status, text } = await api.call('GET', `/v1/requests/${id}`);
      const body = JSON.parse(text) as ApiRequest;
      return status === 200 && body.endedAt !== undefined ? body : undefined;
    });
    expect(failed.problem?.code).toBe('requestUnreadable');
    expect((await api.call('GET', `/v1/vms/${name}`)).status).toBe(404);
  });
});

describe('while one is being done, those behind it', () => {
  async function busy(): Promise<{ name: string; first: ApiRequest; release: () => void }> {
    const name = uniqueName();
    scene.park.broken.add('createMachine');
    const first = await later('POST', '/v1/vms', chat(name));
    await eventually(`${first.id} under way`, async () => ((await look(first)).state === 'running' ? true : undefined));
    return { name, first, release: () => scene.park.broken.delete('createMachine') };
  }

  it('can be taken back, and the one that is being done cannot', async () => {
    const { name, first, release } = await busy();
    try {
      const stop = await later('POST', `/v1/vms/${name}/stop`);
      expect(stop.position).toBe(1);
      const kept = await api.call('DELETE', `/v1/requests/${first.id}`);
      expect([kept.status, kept.body.code]).toEqual([409, 'requestRunning']);
      const back = await api.call('DELETE', `/v1/requests/${stop.id}`);
      expect([back.status, requestOf(back).state]).toEqual([200, 'cancelled']);
      release();
      expect((await ended(first)).result?.vm?.state).toBe('running');
      expect((await api.call('GET', `/v1/vms/${name}`)).body.state).toBe('running');
      expect((await look(stop)).state).toBe('cancelled');
    } finally {
      release();
    }
  });

  it('fail when their time is over, and are refused when too many wait', async () => {
    const { name, first, release } = await busy();
    try {
      const impatient = await later('POST', `/v1/vms/${name}/stop?queueTimeoutSeconds=1`);
      expect((await ended(impatient)).problem?.code).toBe('requestExpired');
      for (let count = 1; count < MOST_WAITING; count += 1) await later('POST', `/v1/vms/${name}/stop`);
      const full = await eventually('a refusal', async () => {
        const answer = await api.call('POST', `/v1/vms/${name}/stop`, { headers: LATER });
        return answer.status === 429 ? answer : undefined;
      });
      expect([full.body.code, full.headers.get('retry-after')]).toEqual(['queueFull', '10']);
      // Whoever does not ask for it waits for nobody.
      expect((await api.call('DELETE', `/v1/vms/${name}?wait=destroyed`)).status).toBe(200);
      expect((await ended(first)).problem?.code).toBe('endedBeforeReady');
    } finally {
      release();
    }
  });
});

describe('while no control worker runs', () => {
  it('a request is kept and can be looked at, also one that follows another, and is done once one runs', async () => {
    const queue = `${scene.queue}-alone`;
    const alone = await startTestApi(scene.server, queue, { share: api });
    try {
      const name = uniqueName();
      const made = await later('POST', '/v1/vms', chat(name), {}, alone);
      const stop = await later('POST', `/v1/vms/${name}/stop`, undefined, {}, alone);
      for (const { id } of [made, stop]) {
        const seen = await alone.call('GET', `/v1/requests/${id}`);
        expect([seen.status, requestOf(seen).state], id).toEqual([200, 'queued']);
      }
      const back = await alone.call('DELETE', `/v1/requests/${stop.id}`);
      expect([back.status, back.headers.get('location')]).toEqual([202, `/v1/requests/${stop.id}`]);
      const stops = [
        await runWorker(scene.server, { taskQueue: queue, workflowBundle: await workflowBundle() }),
        await runHost(scene.server, queue, scene.park.activities()),
      ];
      const endOf = ({ id }: ApiRequest) =>
        eventually(`the end of ${id}`, async () => {
          const request = requestOf(await alone.call('GET', `/v1/requests/${id}`));
          return request.endedAt === undefined ? undefined : request;
        });
      expect((await endOf(made)).result?.vm?.state).toBe('running');
      expect((await endOf(stop)).state).toBe('cancelled');
      await Promise.all(stops.map((end) => end()));
    } finally {
      await alone.close();
    }
  });
});

describe('Prefer', () => {
  it('is read as RFC 7240 says, and other preferences change nothing', () => {
    for (const prefer of ['respond-async', 'Respond-Async, wait=10', 'handling=lenient , respond-async; foo']) {
      expect(prefersToBeAnsweredLater(prefer), prefer).toBe(true);
    }
    for (const prefer of [undefined, '', 'wait=10', 'respond', 'x-respond-async', 'return=minimal']) {
      expect(prefersToBeAnsweredLater(prefer), prefer).toBe(false);
    }
  });
});

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ApiError, ApiUnreachable, Ephemera, VmEnded, WaitTimeout, type Vm } from '../../../client/ephemera.ts';
import { freePort } from '../../../test-support/free-port.ts';

interface Asked {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}
type Answer = (response: ServerResponse, asked: Asked) => void;

let server: Server | undefined;
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
});

/** A client of a server that gives these answers, one after the other, and the last one from then on. */
async function clientOf(...answers: Answer[]): Promise<{ ephemera: Ephemera; asked: Asked[] }> {
  const asked: Asked[] = [];
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const one = { method: request.method!, url: request.url!, headers: request.headers, body };
      asked.push(one);
      (answers[asked.length - 1] ?? answers.at(-1)!)(response, one);
    });
  });
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { asked, ephemera: new Ephemera({ url: `http://127.0.0.1:${port}/`, key: 'k', deadlineSeconds: 5 }) };
}

let tick = 0;
const vm = (state: string, more: object = {}): Vm =>
  ({ name: 'lobby', uid: 'u1', state, updatedAt: new Date((tick += 1000)).toISOString(), ...more }) as Vm;
const json =
  (body: unknown, status = 200, headers = {}): Answer =>
  (response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
const problem = (status: number, code: string, more: object = {}, headers = {}): Answer =>
  json({ type: 't', title: 't', status, detail: `it is ${code}`, code, requestId: 'r1', ...more }, status, headers);
const cut: Answer = (response) => response.destroy();
const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => new Error('it did not reject'),
    (error: unknown) => error,
  );

describe('a request', () => {
  it('has its parameters in path, query and headers, and its answer typed', async () => {
    const { ephemera, asked } = await clientOf(json({ vms: [vm('running')], nextPageToken: 'x' }), json({ vms: [] }));
    const names: string[] = [];
    for await (const one of ephemera.vms.all({ label: ['a=1', 'b=2'], inUse: true })) names.push(one.name);
    expect(names).toEqual(['lobby']);
    expect(asked.map(({ url }) => url)).toEqual([
      '/v1/vms?label=a%3D1&label=b%3D2&inUse=true&pageSize=1000',
      '/v1/vms?label=a%3D1&label=b%3D2&inUse=true&pageSize=1000&pageToken=x',
    ]);
    expect(asked[0]!.headers.authorization).toBe('Bearer k');
  });

  it('that is refused throws the code, the request id and what the API said', async () => {
    const { ephemera } = await clientOf(problem(404, 'unknownVm'));
    const error = await rejection(ephemera.vms.get('lobby'));
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 404, code: 'unknownVm', requestId: 'r1', message: 'it is unknownVm' });
  });

  it('nobody answers says which address, and why', async () => {
    const ephemera = new Ephemera({ url: `http://127.0.0.1:${await freePort()}`, key: 'k', retries: 0 });
    const error = await rejection(ephemera.vms.get('lobby'));
    expect(error).toBeInstanceOf(ApiUnreachable);
    expect((error as Error).message).toMatch(/^http:\/\/127\.0\.0\.1:\d+ does not answer \(.*ECONNREFUSED/);
  });

  it('ends with its signal', async () => {
    const { ephemera } = await clientOf(() => undefined);
    const stop = new AbortController();
    const asked = rejection(ephemera.vms.get('lobby', { signal: stop.signal }));
    stop.abort(new Error('enough'));
    expect(await asked).toMatchObject({ message: 'enough' });
  });
});

describe('a request whose answer is lost', () => {
  it('to create is asked again with the same Idempotency-Key', async () => {
    const { ephemera, asked } = await clientOf(cut, problem(503, 'temporalUnavailable'), json(vm('creating'), 201));
    expect((await ephemera.vms.create({ name: 'lobby' })).name).toBe('lobby');
    const keys = asked.map(({ headers }) => headers['idempotency-key']);
    expect(keys).toHaveLength(3);
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(new Set(keys).size).toBe(1);
  });

  it('is not asked again where it would be done twice', async () => {
    const { ephemera, asked } = await clientOf(cut);
    expect(await rejection(ephemera.vms.exec('lobby', { command: ['reboot'] }))).toBeInstanceOf(ApiUnreachable);
    expect(asked).toHaveLength(1);
    expect(await rejection(ephemera.vms.snapshot('lobby'))).toBeInstanceOf(ApiUnreachable);
    expect(asked).toHaveLength(2);
  });

  it('that was refused for a moment is asked again after Retry-After, whatever it is', async () => {
    const { ephemera, asked } = await clientOf(
      problem(429, 'rateLimited', {}, { 'retry-after': '1' }),
      json({ exitCode: 0 }),
    );
    const begun = performance.now();
    await ephemera.vms.exec('lobby', { command: ['true'] });
    expect(asked).toHaveLength(2);
    expect(performance.now() - begun).toBeGreaterThan(900);
  });

  it('is not asked for ever, and what asking does not change is thrown at once', async () => {
    const { ephemera, asked } = await clientOf(cut);
    const hasty = new Ephemera({ url: ephemera.url, key: 'k', retries: 1 });
    expect(await rejection(hasty.vms.get('lobby'))).toBeInstanceOf(ApiUnreachable);
    expect(asked).toHaveLength(2);
  });

  it('to delete names the life that it found, and another one where that had ended', async () => {
    const { ephemera, asked } = await clientOf(
      json(vm('running')),
      problem(409, 'otherLife'),
      json(vm('running', { uid: 'u2' })),
      cut,
      json(vm('destroying', { uid: 'u2' }), 202),
    );
    expect((await ephemera.vms.delete('lobby')).uid).toBe('u2');
    expect(asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'GET /v1/vms/lobby',
      'DELETE /v1/vms/lobby?uid=u1',
      'GET /v1/vms/lobby?fresh=true',
      'DELETE /v1/vms/lobby?uid=u2',
      'DELETE /v1/vms/lobby?uid=u2',
    ]);
  });
});

describe('a wait', () => {
  it('goes on through cuts, leaves older views aside, and tells of each change', async () => {
    const [old, booting, ready] = [vm('creating'), vm('booting'), vm('running')];
    const { ephemera } = await clientOf(cut, json(booting), json(old), problem(503, 'notReady'), json(ready));
    const waiting = new Ephemera({ url: ephemera.url, key: 'k', retries: 0 });
    const seen: string[] = [];
    const cuts: string[] = [];
    const got = await waiting.vms.wait('lobby', 'ready', {
      onChange: ({ state }) => seen.push(state),
      onCut: ({ name }) => cuts.push(name),
    });
    expect(got.state).toBe('running');
    expect(seen).toEqual(['booting', 'running']);
    expect(cuts).toEqual(['ApiUnreachable', 'ApiError']);
  });

  it('says so when it will not be, when its time is up, and when the name has another life', async () => {
    const failing = await clientOf(json(vm('failed', { reason: 'createFailed', detail: 'no room' })));
    const ended = await rejection(failing.ephemera.vms.wait('lobby', 'ready'));
    expect(ended).toBeInstanceOf(VmEnded);
    expect((ended as Error).message).toBe('lobby is failed and will not be ready (createFailed: no room)');
    const slow = await clientOf(json(vm('booting')));
    const late = await rejection(slow.ephemera.vms.wait('lobby', 'ready', { timeoutSeconds: 0.3 }));
    expect(late).toBeInstanceOf(WaitTimeout);
    expect(late).toMatchObject({
      message: 'lobby was not ready within 0.3 s: it is booting',
      vm: { state: 'booting' },
    });
    const other = await clientOf(json(vm('running', { uid: 'u2' })));
    expect((await other.ephemera.vms.waitFrom(vm('destroying'), 'ended')).uid).toBe('u1');
  });

  it('ends with its time where the API takes the connection and says nothing', async () => {
    const { ephemera } = await clientOf(() => undefined);
    const begunAt = performance.now();
    const late = await rejection(ephemera.vms.wait('lobby', 'ready', { timeoutSeconds: 0.2 }));
    expect(late).toBeInstanceOf(WaitTimeout);
    expect(performance.now() - begunAt).toBeLessThan(4000);
  });

  it('of a create asks the API to wait, and goes on when that took longer than one request', async () => {
    const { ephemera, asked } = await clientOf(json(vm('booting'), 202), json(vm('running'), 200));
    expect((await ephemera.vms.create({ name: 'lobby' }, { wait: 'ready', timeoutSeconds: 100 })).state).toBe(
      'running',
    );
    expect(asked.map(({ url }) => url)).toEqual([
      '/v1/vms?wait=ready&timeoutSeconds=60',
      '/v1/vms?wait=ready&timeoutSeconds=60',
    ]);
    const failing = await clientOf(problem(409, 'endedBeforeReady', { vm: vm('failed') }));
    expect(await rejection(failing.ephemera.vms.create({}, { wait: 'ready' }))).toBeInstanceOf(VmEnded);
  });
});

it('a VM of a block is ended with it, that life alone, and it is no matter when it has ended before', async () => {
  const { ephemera, asked } = await clientOf(json(vm('running'), 201), problem(404, 'unknownVm'));
  {
    await using lobby = await ephemera.vms.create({ name: 'lobby' });
    expect(JSON.parse(JSON.stringify(lobby))).toMatchObject({ name: 'lobby', uid: 'u1' });
  }
  expect(asked.at(-1)).toMatchObject({ method: 'DELETE', url: '/v1/vms/lobby?uid=u1' });
});

it('an answer that stops in the middle is given up after the deadline', async () => {
  const { ephemera } = await clientOf((response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"vms":[');
  });
  expect(await rejection(ephemera.vms.list({}, { deadlineSeconds: 0.3 }))).toBeInstanceOf(ApiUnreachable);
});

describe('events', () => {
  const blocks =
    (...texts: string[]): Answer =>
    (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const text of texts) response.write(text);
      response.end();
    };
  const event = (number: number): string =>
    `id: p${number}\nevent: vm\ndata: ${JSON.stringify({ uid: 'u1', number, kind: 'vm.running', vm: 'lobby' })}\n\n`;

  it('of which few are wished go on where the last heartbeat was, not where the last event was', async () => {
    const opening = 'id: p0\nevent: open\ndata: {"resumed":false}\n\n';
    const { ephemera, asked } = await clientOf(
      blocks(opening, ': heartbeat\nid: p5\n\n'),
      blocks('id: p5\nevent: end\ndata: {"code":"unauthenticated","detail":"revoked"}\n\n'),
    );
    const seen: string[] = [];
    const read = async (): Promise<void> => {
      for await (const one of ephemera.events({ vm: 'quiet' })) seen.push(one.id);
    };
    await rejection(read());
    expect(seen).toEqual(['p0']);
    expect(asked.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, 'p5']);
  });

  it('come one by one, go on after a cut where they were, and none comes twice', async () => {
    const half = event(2).slice(0, 20);
    const { ephemera, asked } = await clientOf(
      blocks('retry: 2000\n\n', ': heartbeat\n\n', 'id: p0\nevent: open\ndata: {"resumed":false}\n\n', event(1), half),
      blocks(event(1), event(2), 'id: p9\nevent: gap\ndata: {"vm":"lobby","uid":"u1","to":9}\n\n'),
      blocks('id: p9\nevent: end\ndata: {"code":"unauthenticated","detail":"revoked"}\n\n'),
    );
    const seen: string[] = [];
    const cuts: string[] = [];
    const read = async (): Promise<void> => {
      const options = {
        vm: 'lobby',
        kind: ['vm.running', 'vm.failed'],
        onCut: (error: Error) => cuts.push(error.name),
      };
      for await (const one of ephemera.events(options)) seen.push(`${one.type} ${one.id}`);
    };
    expect(await rejection(read())).toMatchObject({ name: 'ApiError', status: 401, message: 'revoked' });
    expect(seen).toEqual(['open p0', 'vm p1', 'vm p2', 'gap p9']);
    expect(cuts).toEqual(['ApiUnreachable', 'ApiUnreachable']);
    expect(asked.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, 'p1', 'p9']);
    expect(asked[0]!.url).toBe('/v1/events?vm=lobby&kind=vm.running&kind=vm.failed');
  });

  it('end with their signal, and a refusal is thrown', async () => {
    const { ephemera } = await clientOf((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(event(1));
    });
    const stop = new AbortController();
    const seen: string[] = [];
    for await (const { id } of ephemera.events({ signal: stop.signal })) {
      seen.push(id);
      stop.abort();
    }
    expect(seen).toEqual(['p1']);
    const refused = await clientOf(problem(403, 'forbidden'));
    expect(await rejection(refused.ephemera.events().next())).toMatchObject({ code: 'forbidden' });
  });
});

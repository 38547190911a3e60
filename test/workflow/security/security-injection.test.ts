/** What people put into fields to reach what is behind them: refused, or kept as the plain text that it is. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, uniqueName, type TestApi } from '../../../test-support/workflow/api-harness.ts';
import { startTestServer, type TestServer } from '../../../test-support/temporal-server.ts';

/** A field of a few hundred characters at most is checked in far less, also on a busy machine. */
const CHECKED_IN_MS = 2000;

let server: TestServer;
let api: TestApi;
let victim: string;
let decoy: string;

beforeAll(async () => {
  server = await startTestServer();
  api = await startTestApi(server, 'nobody-works-here');
  victim = uniqueName('victim');
  decoy = uniqueName('decoy');
  const create = (name: string, key: string) => api.call('POST', '/v1/vms', { key, body: { name, template: 'chat' } });
  expect((await create(victim, api.keys.other)).status).toBe(201);
  expect((await create(decoy, api.keys.operator)).status).toBe(201);
});
afterAll(async () => {
  await api.close();
  await server.stop();
});

/** Workflows, and the history of a VM that nobody may touch here. */
async function traces() {
  const { client } = server;
  const { historyLength } = await client.workflow.getHandle(`vm/other/${victim}`).describe();
  const own = await client.workflow.getHandle(`vm/default/${decoy}`).describe();
  return { historyLength, own: own.historyLength, count: (await client.workflow.count()).count };
}

async function changingNothing(work: () => Promise<void>): Promise<void> {
  const before = await traces();
  await work();
  expect(await traces()).toEqual(before);
}

const QUERY_TRICKS = [
  "' OR '1'='1",
  "x' OR VmProject='other",
  `" OR VmProject = "other`,
  "other') OR (VmProject='other",
  '`other`',
  "'; DROP TABLE executions; --",
  'chat UNION SELECT * FROM executions',
  "chat' AND ExecutionStatus='Running",
  'chat%00',
  '${7*7}',
  '{{7*7}}',
  '$(id)',
  '../../other',
  '*',
  '%',
];
const encoded = (text: string) => encodeURIComponent(text);

describe('an injection into a query of the list', () => {
  it('is refused, changes nothing and shows nothing of another project', async () => {
    await changingNothing(async () => {
      for (const trick of QUERY_TRICKS) {
        for (const query of [
          `state=${encoded(trick)}`,
          `template=${encoded(trick)}`,
          `label=${encoded(trick)}`,
          `label=${encoded(`team=${trick}`)}`,
          `label=${encoded(`${trick}=a`)}`,
          `pageToken=${encoded(trick)}`,
          `pageToken=0-${encoded(trick)}`,
          `pageSize=${encoded(trick)}`,
          `fresh=${encoded(trick)}`,
          `${encoded(trick)}=1`,
        ]) {
          const { status, body, text } = await api.call('GET', `/v1/vms?${query}`);
          expect([query, status, body.code, text.includes(victim)]).toEqual([query, 400, 'invalidRequest', false]);
        }
      }
    });
    expect((await api.call('GET', '/v1/vms')).text).not.toContain(victim);
  });
});

describe('an injection into a name', () => {
  it('reaches no other path, project, workflow or file', async () => {
    await changingNothing(async () => {
      const names = [
        ...QUERY_TRICKS,
        ...[
          '..',
          '.',
          '../other/x',
          `../other/${victim}`,
          '..\\..\\x',
          'a/../b',
          'lobby/',
          '%2e%2e',
          '%252e%252e%252f',
        ],
        ...[
          'file:///etc/passwd',
          '/etc/passwd',
          'C:\\x',
          'lobby\u0000.json',
          'lobby\r\nX-Evil: 1',
          '\u202elobby',
          'lоbby',
        ],
        ...['__proto__', 'constructor', 'toString', 'hasOwnProperty'].map((name) => `${name} `),
      ];
      for (const name of names) {
        const path = `/v1/vms/${encoded(name)}`;
        for (const [method, end] of [
          ['GET', ''],
          ['DELETE', ''],
          ['POST', '/drain'],
          ['GET', '/console'],
          ['GET', '/timeline'],
        ] as const) {
          // Clients resolve dot segments before they send anything.
          if (/^\.+$/.test(name)) continue;
          const { status, text } = await api.call(method, path + end);
          expect([name, method, [400, 404, 405].includes(status), text.includes(victim)]).toEqual([
            name,
            method,
            true,
            false,
          ]);
        }
        const created = await api.call('POST', '/v1/vms', { body: { name, template: 'chat' } });
        expect([name, created.status]).toEqual([name, 400]);
      }
    });
  });

  it('of documents reaches no other file', async () => {
    for (const file of [
      '../../../../etc/passwd',
      '..%2f..%2fpackage.json',
      'package.json',
      '__proto__',
      'constructor',
    ]) {
      const { status } = await api.call('GET', `/docs/assets/${file.includes('%') ? file : encoded(file)}`, {
        key: null,
      });
      expect([file, status]).toEqual([file, 404]);
    }
  });
});

describe('an injection into the fields of a VM', () => {
  it('is refused where it could be read as something else', async () => {
    await changingNothing(async () => {
      const tricks = [
        ...QUERY_TRICKS.filter((trick) => !/^[a-z]+$/.test(trick)),
        'a,script=/bin/sh',
        'a -device x',
        'a\nb',
      ];
      for (const trick of tricks) {
        for (const field of [
          { labels: { team: trick } },
          { labels: { [trick]: 'x' } },
          { env: { [trick]: 'x' } },
          { ports: [{ name: trick, port: 80 }] },
          { ports: [{ name: 'http', port: trick }] },
          { ports: [{ name: 'http', port: 8080, protocol: trick }] },
          { image: trick },
          { zones: [trick] },
          { machineType: trick },
          { network: trick },
          { provider: trick },
          { template: trick },
          { readiness: { kind: 'http', path: trick } },
          { memoryMb: trick },
        ]) {
          const { status } = await api.call('POST', '/v1/vms', { body: { template: 'chat', ...field } });
          expect([field, status]).toEqual([field, 400]);
        }
      }
    });
  });

  it('that is only text stays text, and pollutes nothing', async () => {
    const odd = { constructor: 'a', tostring: 'b', valueof: 'c', hasownproperty: 'd' };
    const env = {
      A: '$(id) `id` ${7*7} <script>alert(1)</script>',
      constructor: 'x',
      toString: 'y',
      hasOwnProperty: 'z',
    };
    const made = await api.call('POST', '/v1/vms', { body: { template: 'chat', labels: odd, env } });
    expect([made.status, made.body.labels, made.body.spec.env]).toEqual([201, odd, env]);
    const found = await api.call('GET', '/v1/vms?label=constructor=a');
    expect(found.body.vms.map(({ name }) => name)).toEqual([made.body.name]);
    expect((await api.call('GET', '/v1/vms?label=valueof=')).body.vms).toEqual([]);
  });

  it('by way of __proto__ is refused, or nobody sees it', async () => {
    await changingNothing(async () => {
      for (const body of [
        '{"template":"chat","__proto__":{"image":"x"}}',
        '{"template":"chat","constructor":{"prototype":{"image":"x"}}}',
        '{"template":"chat","env":{"__proto__":"x"}}',
        '{"template":"chat","labels":{"__proto__":"x"}}',
        '{"template":"chat","idle":{"__proto__":{"timeoutSeconds":1}}}',
        '{"template":"chat","ports":[{"__proto__":{"name":"a"},"port":1}]}',
        '{"__proto__":{"template":"chat"}}',
      ]) {
        const { status } = await api.call('POST', '/v1/vms', { body });
        expect([body, status]).toEqual([body, 400]);
      }
      expect((await api.call('GET', '/v1/vms?__proto__=x')).status).toBe(400);
    });
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(({} as Record<string, unknown>)['image']).toBeUndefined();
  });
});

describe('a body that is meant to exhaust', () => {
  const nested = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth);

  it('is refused soon, and the API goes on', async () => {
    await changingNothing(async () => {
      const startedAt = performance.now();
      for (const body of [
        nested('[', ']', 120_000),
        nested('{"a":', '}', 40_000).replace('}', '1}'),
        `{"template":"chat","env":${nested('[', ']', 100_000)}}`,
        `{"template":"chat","labels":{"a":${nested('{"a":', '}', 20_000).replace('}', '1}')}}}`,
        `{"template":"chat","ports":[${'{"name":"a","port":1},'.repeat(10_000)}{"name":"b","port":2}]}`,
        `{"template":"chat","env":{${Array.from({ length: 15_000 }, (_, index) => `"A${index}":"x"`).join(',')}}}`,
        `{"template":"chat",${Array.from({ length: 15_000 }, (_, index) => `"a${index}":1`).join(',')}}`,
        `{"template":"chat","cpus":1${'0'.repeat(100_000)}}`,
        `{"template":"chat","cpus":1e999}`,
      ]) {
        const { status, text } = await api.call('POST', '/v1/vms', { body });
        expect([body.slice(0, 30), status, text.length < 4000]).toEqual([body.slice(0, 30), 400, true]);
      }
      expect((await api.call('POST', '/v1/vms', { body: `"${'x'.repeat(300_000)}"` })).status).toBe(413);
      expect(performance.now() - startedAt).toBeLessThan(10 * CHECKED_IN_MS);
    });
    expect((await api.call('GET', '/healthz')).status).toBe(200);
  });

  it('by a field that is slow to match is refused soon', async () => {
    await changingNothing(async () => {
      const startedAt = performance.now();
      for (const part of ['a-', '.', ' ']) {
        const long = `${part.repeat(Math.floor(60_000 / part.length))}!`;
        for (const field of [
          { name: long },
          { template: long },
          { image: long },
          { labels: { [long]: long } },
          { env: { [long]: 'x' } },
          { ports: [{ name: long, port: 1 }] },
          { readiness: { path: `/${long}\n` } },
          { network: long, machineType: long },
        ]) {
          expect((await api.call('POST', '/v1/vms', { body: { template: 'chat', ...field } })).status).toBe(400);
        }
        const query = encoded(long.slice(0, 3000));
        for (const name of ['label', 'pageToken', 'template', 'state', 'pageSize']) {
          expect((await api.call('GET', `/v1/vms?${name}=${query}`)).status).toBe(400);
        }
      }
      expect(performance.now() - startedAt).toBeLessThan(20 * CHECKED_IN_MS);
    });
  });
});

describe('an injection into headers', () => {
  /** Sends exactly these bytes and gives the whole answer. */
  async function raw(text: string): Promise<string> {
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
    let answer = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
    socket.on('error', () => undefined);
    const closed = once(socket, 'close');
    socket.write(text);
    await closed;
    return answer;
  }
  const request = (line: string, ...headers: string[]) =>
    [line, 'Host: a', 'Connection: close', ...headers, '', ''].join('\r\n');

  it('splits no answer and gets no second request through', async () => {
    const good = `Authorization: Bearer ${api.keys.operator}`;
    await changingNothing(async () => {
      for (const [text, status] of [
        [request('GET /v1/vms/a%0d%0aX-Evil:%201 HTTP/1.1', good), 400],
        [request('GET /healthz HTTP/1.1', 'X-Request-Id: a%0d%0aX-Evil: 1'), 200],
        [request('GET /healthz HTTP/1.1', 'X-Request-Id: a\nX-Evil: 1'), 400],
        [request('GET /healthz HTTP/1.1', 'X-Request-Id: a\rX-Evil: 1'), 400],
        [request('GET /v1/vms HTTP/1.1', 'Authorization: Bearer wrong', good), 401],
        [request('GET /v1/vms HTTP/1.1', `Authorization: Bearer wrong\r\n ${api.keys.operator}`), 400],
        [request('GET /v1/vms HTTP/1.1', `Authorization : Bearer ${api.keys.operator}`), 400],
        [request('POST /v1/vms HTTP/1.1', good, 'Content-Length: 5', 'Transfer-Encoding: chunked') + '0\r\n\r\n', 400],
        [request('GET http://evil.test/v1/vms HTTP/1.1'), 401],
      ] as const) {
        const answer = await raw(text);
        expect([text, answer.slice(0, 12)]).toEqual([text, `HTTP/1.1 ${status}`]);
        expect(answer.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
        expect(answer.toLowerCase()).not.toContain('\nx-evil');
      }
    });
  });
});

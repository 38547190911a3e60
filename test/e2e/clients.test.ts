/** The clients against a running API, which is killed and started again meanwhile: TypeScript and Python. */
import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeWebSocket } from '../../cli/access/node-web-socket.ts';
import { ApiError, Ephemera, StreamError, type StreamedEvent } from '../../client/ephemera.ts';
import { eventually, startStack, type Stack } from '../../test-support/stack.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';

const CHECK = resolve(import.meta.dirname, '../../test-support/cli/python-client-check.py');
const EXAMPLES = resolve(import.meta.dirname, '../../examples/python');
const SPEC = { template: 'chat', idle: { firstConnectTimeoutSeconds: 3000 } };

let server: TestServer;
let stack: Stack;
let ephemera: Ephemera;

beforeAll(async () => {
  server = await startTestServer();
  stack = await startStack({ server });
  ephemera = new Ephemera({ url: stack.apis[0]!.url, key: stack.apiKey, webSocket: nodeWebSocket });
});
afterAll(async () => {
  await stack.stop();
  await server.stop();
});

const newName = (): string => `vm-${randomUUID().slice(0, 8)}`;

async function restartApi(): Promise<void> {
  await stack.apis[0]!.kill();
  await stack.apis[0]!.start();
}

describe('the client of TypeScript', () => {
  it('a VM of a block lives as long as the block, and what is in it is reached', async () => {
    const name = newName();
    {
      await using vm = await ephemera.vms.create({ ...SPEC, name }, { wait: 'ready' });
      expect(vm).toMatchObject({ name, state: 'running' });
      expect(await ephemera.vms.exec(name, { command: ['echo', 'hello'] })).toMatchObject({ stdout: 'hello\n' });
      let output = '';
      const onOutput = (bytes: Uint8Array): void => void (output += Buffer.from(bytes).toString());
      const stream = await ephemera.vms.openCommand(name, { command: ['cat'] }, { onOutput });
      await stream.write(Buffer.from('typed'));
      stream.end();
      expect(await stream.exit).toEqual({ exitCode: 0 });
      expect(output).toBe('typed');
      const refused = await ephemera.vms
        .openPort(name, 1, { onData: () => undefined, onClose: () => undefined })
        .catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(StreamError);
      expect(refused).toMatchObject({ code: 'portRefused', status: 502 });
    }
    expect((await ephemera.vms.wait(name, 'ended')).reason).toBe('requested');
  });

  it('a create whose key is repeated makes one VM, and a wait and the events go on after the API was killed', async () => {
    const name = newName();
    const idempotencyKey = randomUUID();
    const first = await ephemera.vms.create({ ...SPEC, name }, { idempotencyKey, wait: 'ready' });
    expect((await ephemera.vms.create({ ...SPEC, name }, { idempotencyKey })).uid).toBe(first.uid);
    const stop = new AbortController();
    const seen: StreamedEvent[] = [];
    const cuts: string[] = [];
    const listening = (async () => {
      for await (const one of ephemera.events({
        vm: name,
        signal: stop.signal,
        onCut: ({ name: cut }) => cuts.push(cut),
      })) {
        seen.push(one);
      }
    })();
    await eventually(stack, 'the stream is open', () => Promise.resolve(seen.length > 0 || undefined));
    const waiting = ephemera.vms.wait(name, 'ended', { timeoutSeconds: 120 });
    await restartApi();
    await ephemera.vms.delete(name);
    expect((await waiting).state).toBe('destroyed');
    const kinds = (): string[] => seen.flatMap((one) => (one.type === 'vm' ? [one.event.kind] : []));
    await eventually(stack, 'the end is told', () => Promise.resolve(kinds().includes('vm.destroyed') || undefined));
    expect(cuts.length).toBeGreaterThan(0);
    const numbers = seen.flatMap((one) => (one.type === 'vm' ? [one.event.number] : []));
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    stop.abort();
    await listening;
  });

  it('every list of the API can be asked for by its operation, and a wrong key is refused by its code', async () => {
    const answers = await Promise.all([
      ephemera.call('listTemplates', {}),
      ephemera.call('listPools', {}),
      ephemera.call('listHosts', {}),
      ephemera.call('listKeys', {}),
      ephemera.call('listWebhooks', {}),
    ]);
    expect(answers.map((answer) => Object.keys(answer)[0])).toEqual([
      'templates',
      'pools',
      'hosts',
      'keys',
      'webhooks',
    ]);
    const stranger = new Ephemera({ url: ephemera.url, key: 'wrong' });
    const refused = await stranger.vms.list().catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ApiError);
    expect(refused).toMatchObject({ status: 401, code: 'unauthenticated' });
  });
});

describe('the client of Python', () => {
  const env = (): Record<string, string> => ({
    ...{ PATH: process.env['PATH'] ?? '', PYTHONDONTWRITEBYTECODE: '1' },
    ...{ EPHEMERA_API_URL: ephemera.url, EPHEMERA_API_KEY: stack.apiKey },
  });
  const check = async (what: string, name: string): Promise<Record<string, unknown>[]> => {
    const { stdout } = await promisify(execFile)('python3', [CHECK, what, name], { env: env() });
    return linesOf(stdout);
  };
  const linesOf = (text: string): Record<string, unknown>[] =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  it('a VM lives as long as a block, and what is in it is reached', async () => {
    expect(await check('life', newName())).toEqual([
      { state: 'running', same: true, ran: 'typed', code: 3, listed: true },
      { tar: true, console: true },
      { ended: 'requested' },
    ]);
  });

  it('what goes wrong is an exception of its own', async () => {
    const name = newName();
    expect(await check('refusals', name)).toEqual([
      { code: 'unknownVm', status: 404, request: true },
      { unreachable: true },
      { late: `${name} was not ended within 0.2 s: it is running` },
      { hopeless: true },
    ]);
  });

  it('a wait and the events go on after the API was killed', async () => {
    const name = newName();
    await ephemera.vms.create({ ...SPEC, name }, { wait: 'ready' });
    const programs = ['wait', 'events'].map((what) => {
      const child = spawn('python3', [CHECK, what, name], { env: env() });
      let said = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
      return { text: () => said, ended: new Promise<number | null>((done) => child.on('close', done)) };
    });
    const both = (): boolean => programs.every(({ text }) => text().includes('\n'));
    await eventually(stack, 'both programs run', () => Promise.resolve(both() || undefined));
    // The events are open once one is told.
    await ephemera.vms.hold(name, 1);
    await eventually(stack, 'an event is told', async () => {
      if (programs[1]!.text().includes('"kind"')) return true;
      await ephemera.vms.hold(name, 60 + Math.floor(Math.random() * 1000));
      return undefined;
    });
    await restartApi();
    await ephemera.vms.delete(name);
    expect(
      await Promise.all(programs.map(({ ended }) => ended)),
      programs.map(({ text }) => text()).join('\n'),
    ).toEqual([0, 0]);
    expect(linesOf(programs[0]!.text()).at(-1)).toEqual({ ended: 'destroyed' });
    expect(linesOf(programs[1]!.text()).at(-1)).toMatchObject({ kind: 'vm.destroyed' });
  });

  it('the lobby of the example is made once', async () => {
    const name = newName();
    const run = () => promisify(execFile)('python3', [join(EXAMPLES, 'lobby.py'), name], { env: env() });
    expect((await run()).stdout).toMatch(new RegExp(`^${name} is running at http://127\\.[\\d.]+:8080/\n$`));
    const { uid } = await ephemera.vms.get(name);
    await run();
    expect((await ephemera.vms.get(name)).uid).toBe(uid);
  });
});

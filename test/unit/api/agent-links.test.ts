/** Links of agents that report over HTTP, over real WebSockets: whose they are, how long they last, and what hostile agents get. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { AgentLinks } from '../../../api/agent-links/agent-links.ts';
import type { VmRecord } from '../../../api/vms/seen/vm-record.ts';
import { tokenLine } from '../../../domain/agent/link-messages.ts';
import type { StreamListener } from '../../../domain/agent/streams/mux.ts';
import type { VmView } from '../../../domain/vm/view.ts';
import { AgentTokens } from '../../../security/agents/agent-tokens.ts';

const OWNER = 'vm/default/lobby';
const MACHINE = { machineId: 'm-1', owner: OWNER };
const tokens = new AgentTokens(new Uint8Array(32).fill(7), 'test', { report: 60 });

let server: WebSocketServer;
let links: AgentLinks;
let view: Partial<VmView>;
let now: number;
const log: string[] = [];

const tokenOf = (machineId = 'm-1', workflowId = OWNER): string =>
  tokens.issue('report', { workflowId, machineId }, now);
const claimsOf = (token: string) => tokens.verify('report', token, now)!;

beforeEach(async () => {
  now = Date.now();
  view = { machineId: 'm-1', state: 'running' };
  log.splice(0);
  const record = () => ({ closed: false, view }) as unknown as VmRecord;
  links = new AgentLinks({
    projection: { get: (workflowId) => (workflowId === OWNER ? record() : undefined) },
    ...{ agentTokens: tokens, now: () => now },
    log: pino({ level: 'warn' }, { write: (line: string) => void log.push(line) }),
  });
  server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
});
afterEach(() => {
  server.clients.forEach((client) => client.terminate());
  server.close();
});

/** An agent that connects with a token of now, and what closed it. */
async function connect(token = tokenOf(), gone = new AbortController().signal) {
  const accepted = once(server, 'connection') as Promise<[WebSocket]>;
  const agent = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const closed = once(agent, 'close').then(([code]) => code as number);
  await once(agent, 'open');
  links.add((await accepted)[0], claimsOf(token), gone);
  return { agent, closed };
}

function listener(): StreamListener & { ends: unknown[]; bytes: number; wasOpened: boolean } {
  const heard = {
    ...{ ends: [] as unknown[], bytes: 0, wasOpened: false },
    opened: () => (heard.wasOpened = true),
    data: (bytes: Uint8Array) => (heard.bytes += bytes.length),
    end: () => undefined,
    closed: (end: unknown) => heard.ends.push(end),
  };
  return heard;
}

const PORT = { kind: 'port', port: 80, countsAsConnection: false } as const;
const open = (heard: StreamListener) => links.linkOf(MACHINE)!.open(PORT, heard);

describe('the link of an agent', () => {
  it('is for the owner of its machine alone, while that is the current one of a live VM', async () => {
    const { closed } = await connect();
    expect(links.linkOf(MACHINE)).toBeDefined();
    expect(links.linkOf({ ...MACHINE, owner: 'vm/other/lobby' })).toBeUndefined();
    expect(links.linkOf({ ...MACHINE, machineId: 'm-2' })).toBeUndefined();
    view = { ...view, machineId: 'm-2' };
    expect(links.linkOf(MACHINE)).toBeUndefined();
    links.check();
    expect(await closed).toBe(4401);
  });

  it('ends when its machine is reset, when its VM ends and when its token does', async () => {
    const before = await connect();
    view = { ...view, resetAt: new Date(now + 1).toISOString() };
    links.check();
    expect(await before.closed).toBe(4401);
    now += 1000;
    const after = await connect();
    links.check();
    expect(links.linkOf(MACHINE)).toBeDefined();
    now += 61_000;
    expect(links.linkOf(MACHINE)).toBeUndefined();
    links.check();
    expect(await after.closed).toBe(4401);
    const last = await connect();
    view = { ...view, state: 'destroyed' };
    links.check();
    expect(await last.closed).toBe(4401);
  });

  it('goes on with a newer token, and streams on it too', async () => {
    const { agent } = await connect();
    const heard = listener();
    open(heard);
    now += 50_000;
    agent.send(tokenLine(tokenOf()));
    now += 30_000;
    await vi.waitFor(() => expect(links.linkOf(MACHINE)).toBeDefined());
    links.check();
    expect(heard.ends).toEqual([]);
  });

  it('takes the place of an earlier one, whose streams end, and is not ended by its close', async () => {
    const first = await connect();
    const heard = listener();
    open(heard);
    await connect();
    expect(await first.closed).toBe(4409);
    expect(heard.ends).toMatchObject([{ code: 'streamLost' }]);
    await vi.waitFor(() => expect(links.size).toBe(1));
    expect(links.linkOf(MACHINE)).toBeDefined();
  });

  it('ends with the API, and every stream with it', async () => {
    const gone = new AbortController();
    const { closed } = await connect(tokenOf(), gone.signal);
    const heard = listener();
    open(heard);
    gone.abort();
    expect(await closed).toBe(1001);
    expect(heard.ends).toMatchObject([{ code: 'streamLost' }]);
    await vi.waitFor(() => expect(links.size).toBe(0));
  });
});

describe('a hostile agent', () => {
  const HOSTILE: Record<string, (agent: WebSocket) => void> = {
    'no JSON': (agent) => agent.send('{{{'),
    'a binary message': (agent) => agent.send(Buffer.alloc(10)),
    'a line that is too long': (agent) => agent.send('x'.repeat(25 * 1024)),
    'a report, which goes another way': (agent) =>
      agent.send('{"type":"report","sequence":1,"connections":0,"ready":true}'),
    'a token of another machine': (agent) => agent.send(tokenLine(tokenOf('m-2'))),
    'a token of another VM': (agent) => agent.send(tokenLine(tokenOf('m-1', 'vm/other/lobby'))),
    'a token that nobody issued': (agent) => agent.send(tokenLine('made.up')),
    'a stream that it opens itself': (agent) =>
      agent.send(`{"type":"stream","id":9,"kind":"open","window":1,"request":${JSON.stringify(PORT)}}`),
    'data of a stream that nobody opened': (agent) =>
      agent.send('{"type":"stream","id":9,"kind":"data","channel":0,"data":"AAAA"}'),
  };
  it.each(Object.entries(HOSTILE))('is cut off for %s, and what it said is in no log', async (_name, send) => {
    const { agent, closed } = await connect();
    send(agent);
    expect(await closed).toBe(1008);
    expect(log.join('')).toContain('m-1');
    expect(log.join('')).not.toContain('made.up');
    await vi.waitFor(() => expect(links.size).toBe(0));
  });

  it('that sends more than it may is cut off, and its stream ends', async () => {
    const { agent, closed } = await connect();
    const heard = listener();
    open(heard);
    const [line] = (await once(agent, 'message')) as [Buffer];
    const { id, window } = JSON.parse(line.toString()) as { id: number; window: number };
    agent.send(`{"type":"stream","id":${id},"kind":"opened","window":1000}`);
    const frame = `{"type":"stream","id":${id},"kind":"data","channel":0,"data":"${Buffer.alloc(16 * 1024).toString('base64')}"}`;
    for (let sent = 0; sent <= window; sent += 16 * 1024) agent.send(frame);
    expect(await closed).toBe(1008);
    expect(heard.bytes).toBeLessThanOrEqual(window);
    expect(heard.ends).toMatchObject([{ code: 'streamLost' }]);
  });

  it.each(['ping', 'pong'] as const)('that floods the API with a %s after the other is read slowly', async (kind) => {
    const { agent } = await connect();
    let heard = 0;
    for (const client of server.clients) client.on(kind, () => (heard += 1));
    const flood = setInterval(() => {
      if (agent.bufferedAmount < 4 * 1024 * 1024)
        for (let sent = 0; sent < 2000; sent += 1) agent[kind]('x'.repeat(100));
    }, 1);
    await new Promise((resolve) => setTimeout(resolve, 700));
    clearInterval(flood);
    expect(heard).toBeLessThan(10_000);
  });
});

import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { MAX_ASSIGNMENT_BYTES } from '../../../domain/agent/assignment.ts';
import {
  ChatClient,
  HostEnd,
  eventually,
  newMachine,
  type TestMachine,
  type VmServer,
} from '../../../test-support/vm-server-processes.ts';

interface Linked {
  machine: TestMachine;
  server: VmServer;
  host: HostEnd;
  join: (name: string) => Promise<ChatClient>;
}

async function linkedMachine(): Promise<Linked> {
  const machine = newMachine();
  const server = await machine.start();
  const host = await HostEnd.connect(machine.socketPath);
  await host.report(({ ready }) => ready);
  return { machine, server, host, join: async (name) => ChatClient.join(await machine.address(), 'lobby', name) };
}

describe('the link over a unix socket', () => {
  it('answers a confirm at once with the count of this moment', async () => {
    const { host, join } = await linkedMachine();
    await Promise.all([join('Ada'), join('Bob'), join('Cleo')]);
    const askedAt = Date.now();
    host.send({ type: 'confirm', id: 'c1' });
    const answer = await host.report(({ answers }) => answers === 'c1');
    expect(answer.connections).toBe(3);
    expect(Date.now() - askedAt).toBeLessThan(1000);
  });

  it('reports each edge at once, even right after another report', async () => {
    const { host, join } = await linkedMachine();
    for (let round = 0; round < 3; round++) {
      const client = await join('Ada');
      client.socket.close();
      await client.closed;
    }
    await eventually(() => expect(host.counts).toEqual([0, 1, 0, 1, 0, 1, 0]));
  });

  it('gathers a storm of changes into few reports and ends with the true count', async () => {
    const { host, join } = await linkedMachine();
    await Promise.all(Array.from({ length: 40 }, (_, number) => join(`guest ${number}`)));
    await eventually(() => expect(host.last()?.connections).toBe(40));
    expect(host.reports.length).toBeLessThan(15);
  });

  it('drains: newcomers are refused with a reason, those who are here stay and are told', async () => {
    const { host, join, machine } = await linkedMachine();
    const ada = await join('Ada');
    host.send({ type: 'drain', draining: true });
    await ada.hears({ type: 'notice', text: expect.stringContaining('takes nobody new any more') });
    const { ip } = await machine.address();
    const refusal = await refusedJoin(`ws://${ip}:8080/rooms/lobby`);
    expect(refusal.status).toBe(503);
    expect(refusal.text).toContain('takes nobody new');
    ada.say('still here');
    await ada.hears({ type: 'message', text: 'still here' });
    host.send({ type: 'drain', draining: false });
    await ada.hears({ type: 'notice', text: 'This server takes newcomers again.' });
    const bob = await join('Bob');
    await bob.hears({ type: 'join', from: 'Bob', people: 2 });
  });

  it('shuts down: clients are told, the program ends with 0 within the grace time', async () => {
    const { host, join, server } = await linkedMachine();
    const ada = await join('Ada');
    const askedAt = Date.now();
    host.send({ type: 'shutdown', graceSeconds: 3 });
    await ada.hears({ type: 'notice', text: 'This server closes now. Goodbye!' });
    expect(await server.exitCode).toBe(0);
    expect(Date.now() - askedAt).toBeLessThan(3000);
  });

  it('shuts down in time although a client does not answer', async () => {
    const { host, join, server } = await linkedMachine();
    const ada = await join('Ada');
    ada.socket.pause();
    const askedAt = Date.now();
    host.send({ type: 'shutdown', graceSeconds: 1 });
    expect(await server.exitCode).toBe(0);
    expect(Date.now() - askedAt).toBeLessThan(1500);
  });

  it('gives a host that comes back the state at once', async () => {
    const { host, join, machine } = await linkedMachine();
    host.socket.destroy();
    await Promise.all([join('Ada'), join('Bob')]);
    const back = await HostEnd.connect(machine.socketPath);
    const first = await back.report(() => true);
    expect(first).toMatchObject({ connections: 2, ready: true });
    expect(first.sequence).toBeGreaterThan(host.last()!.sequence);
  });

  it('gives the place of a host to a new one', async () => {
    const { host, machine, join } = await linkedMachine();
    const next = await HostEnd.connect(machine.socketPath);
    await host.closed;
    await join('Ada');
    await next.report(({ connections }) => connections === 1);
    expect(host.counts).not.toContain(1);
  });

  it.each([
    ['garbage', 'hello\n'],
    ['a message without its fields', '{"type":"confirm"}\n'],
    ['a line that is too long', `${JSON.stringify({ type: 'resize', name: 'x'.repeat(MAX_ASSIGNMENT_BYTES) })}\n`],
    ['a line that never ends', 'x'.repeat(MAX_ASSIGNMENT_BYTES + 1)],
    ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x00, 0x0a])],
  ])('is closed by %s, and open to the next host', async (_what, bytes) => {
    const { host, machine, server } = await linkedMachine();
    host.socket.write(bytes);
    await host.closed;
    const next = await HostEnd.connect(machine.socketPath);
    await next.report(({ ready }) => ready);
    expect(server.output()).toContain('The link was closed: ');
  });

  it('stays open when a newer host says what this agent does not know', async () => {
    const { host } = await linkedMachine();
    host.socket.write('{"type":"resize","cpus":2}\n');
    host.send({ type: 'confirm', id: 'after' });
    await host.report(({ answers }) => answers === 'after');
  });
});

function refusedJoin(url: string): Promise<{ status: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.on('open', () => reject(new Error('was admitted')));
    socket.on('error', () => undefined);
    socket.on('unexpected-response', (_request, response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode, text }));
    });
  });
}

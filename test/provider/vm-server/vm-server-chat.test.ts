import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ChatServer } from '../../../vm-server/app/chat-server.ts';
import { Rooms } from '../../../vm-server/app/rooms.ts';
import { listen } from '../../../vm-server/platform/local/claim-address.ts';
import { ChatClient, eventually } from '../../../test-support/vm-server-processes.ts';

async function startChat(pingIntervalMs: number): Promise<{ counts: number[]; join: () => Promise<ChatClient> }> {
  const counts: number[] = [];
  const page = { html: '', css: '', js: '', title: () => 'Chat' };
  const chat = new ChatServer({ page, onCount: (count) => counts.push(count), pingIntervalMs });
  const server = chat.createServer();
  const port = await listen(server, '127.0.0.1', 0);
  onTestFinished(async () => {
    await chat.close('The test is over.', 0);
    server.close();
  });
  const address = { ip: '127.0.0.1', ports: [{ name: 'http', port, protocol: 'tcp' as const }] };
  return { counts, join: () => ChatClient.join(address, 'lobby') };
}

describe('the chat', () => {
  it('finds a peer that is dead without a word, and keeps one that answers', async () => {
    const { counts, join } = await startChat(100);
    const alive = await join();
    const dead = await join();
    dead.socket.pause();
    await eventually(() => expect(counts).toEqual([1, 2, 1]));
    await alive.hears({ type: 'leave', from: 'guest 2', people: 1 });
    alive.say('still here');
    await alive.hears({ type: 'message', text: 'still here', people: 1 });
  });

  it('lets a reader go that does not keep up, and nobody else', async () => {
    const rooms = new Rooms();
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    onTestFinished(() => server.close());
    await once(server, 'listening');
    let guests = 0;
    server.on('connection', (socket) => void rooms.enter('lobby', `guest ${++guests}`, socket));
    const { port } = server.address() as AddressInfo;
    const address = { ip: '127.0.0.1', ports: [{ name: 'http', port, protocol: 'tcp' as const }] };
    const quick = await ChatClient.join(address, 'lobby');
    const slow = await ChatClient.join(address, 'lobby');
    slow.socket.pause();

    // More than the system keeps for a reader, in pieces that a good reader takes one by one.
    const text = 'x'.repeat(500_000);
    for (let piece = 0; server.clients.size === 2 && piece < 100; piece++) {
      rooms.say('lobby', { type: 'notice', text });
      await eventually(() => expect(quick.messages.filter(({ type }) => type === 'notice')).toHaveLength(piece + 1));
    }
    expect([...server.clients]).toHaveLength(1);
    rooms.say('lobby', { type: 'notice', text: 'still here' });
    await quick.hears({ text: 'still here' });
  });
});

import { once } from 'node:events';
import { WebSocket } from 'ws';

interface ChatLine {
  type: string;
  from?: string;
  text?: string;
}

/** A person in a chat room, as a browser would be. */
export interface ChatClient {
  say: (text: string) => void;
  /** Resolves when this text was received. */
  hears: (text: string) => Promise<void>;
  leave: () => Promise<void>;
}

const HEAR_DEADLINE_MS = 10_000;

/** Joins a room; rejects when the server refuses. */
export async function joinChat(ip: string, port: number, room: string, name: string): Promise<ChatClient> {
  const socket = new WebSocket(`ws://${ip}:${port}/rooms/${room}?name=${name}`);
  const heard: ChatLine[] = [];
  socket.on('message', (data) => heard.push(JSON.parse((data as Buffer).toString('utf8')) as ChatLine));
  await once(socket, 'open');
  return {
    say: (text) => socket.send(JSON.stringify({ type: 'message', text })),
    hears: async (text) => {
      const deadline = Date.now() + HEAR_DEADLINE_MS;
      while (!heard.some((line) => line.type === 'message' && line.text === text)) {
        if (Date.now() > deadline) throw new Error(`${name} never heard "${text}", only ${JSON.stringify(heard)}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    leave: async () => {
      if (socket.readyState === WebSocket.CLOSED) return;
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
}

import { WebSocket } from 'ws';
import type { ChatMessage } from './messages.ts';

/** A reader this far behind loses its connection before its unread messages fill the memory. */
const MAX_UNREAD_BYTES = 1024 * 1024;

/** Somebody in a room; the name is theirs alone there. */
export interface Person {
  name: string;
  room: string;
  socket: WebSocket;
}

/** Who is in which room. A room exists while somebody is in it. */
export class Rooms {
  readonly #rooms = new Map<string, Set<Person>>();

  /** Lets somebody in under the wanted name, or with a number behind it when the name is taken here. */
  enter(room: string, wantedName: string, socket: WebSocket): Person {
    const people = this.#rooms.get(room) ?? new Set();
    const taken = new Set([...people].map(({ name }) => name));
    let name = wantedName;
    for (let number = 2; taken.has(name); number++) name = `${wantedName} ${number}`;
    const person = { name, room, socket };
    this.#rooms.set(room, people.add(person));
    this.say(room, { type: 'join', from: name });
    return person;
  }

  leave(person: Person): void {
    const people = this.#rooms.get(person.room);
    if (!people?.delete(person)) return;
    if (people.size === 0) this.#rooms.delete(person.room);
    else this.say(person.room, { type: 'leave', from: person.name });
  }

  /** Tells everybody in a room. */
  say(room: string, message: WithoutRoom<ChatMessage>): void {
    const people = this.#rooms.get(room) ?? new Set();
    const text = JSON.stringify({ ...message, room, people: people.size });
    for (const { socket } of people) send(socket, text);
  }

  /** Tells one person alone. */
  notify({ room, socket }: Person, text: string): void {
    const people = this.#rooms.get(room)?.size ?? 0;
    send(socket, JSON.stringify({ type: 'notice', text, room, people } satisfies ChatMessage));
  }

  /** Tells everybody everywhere. */
  notifyAll(text: string): void {
    for (const room of this.#rooms.keys()) this.say(room, { type: 'notice', text });
  }
}

type WithoutRoom<M> = M extends ChatMessage ? Omit<M, 'room' | 'people'> : never;

function send(socket: WebSocket, text: string): void {
  if (socket.readyState !== WebSocket.OPEN) return;
  if (socket.bufferedAmount > MAX_UNREAD_BYTES) socket.terminate();
  else socket.send(text);
}

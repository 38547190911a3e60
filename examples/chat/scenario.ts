import { WebSocket } from 'ws';
import { expectThat, placeOf, until, type Example } from '../stage.ts';

interface Heard {
  type: string;
  from?: string;
  text?: string;
  room: string;
  people: number;
}

export const chat: Example = {
  name: 'chat',
  about: 'A chat with many rooms in one VM; who is in one room hears nothing of another.',
  play: async (stage) => {
    await stage.apply('examples/chat/template.yaml');
    let url = '';
    await stage.step('one VM for all rooms', async () => {
      const vm = await stage.create({ name: 'chat-rooms', template: 'chat-rooms' });
      const { ip, port } = placeOf(vm, 'http');
      url = `${ip}:${port}`;
      return `open http://${url}/ in a browser`;
    });
    const people: Person[] = [];
    await stage.step('Ada and Grace are in the room tea, Linus is in the room games', async () => {
      people.push(await Person.join(url, 'tea', 'Ada'));
      people.push(await Person.join(url, 'tea', 'Grace'));
      people.push(await Person.join(url, 'games', 'Linus'));
      await stage.see('chat-rooms', '3 connections', ({ connections }) => connections === 3);
      return 'the VM has 3 connections';
    });
    await stage.step('what Ada says is heard in her room alone', async () => {
      const [ada, grace, linus] = people;
      ada?.say('Milk first?');
      linus?.say('Who plays?');
      await until('Grace hears Ada', () => grace?.heard('Milk first?')?.from === 'Ada');
      await until('Linus hears himself', () => linus?.heard('Who plays?') !== undefined);
      expectThat(linus?.heard('Milk first?') === undefined, 'Linus heard what was said in the room tea');
      expectThat(ada?.heard('Who plays?') === undefined, 'Ada heard what was said in the room games');
    });
    await stage.step('all leave, and the VM is empty', async () => {
      for (const person of people) person.leave();
      const vm = await stage.see('chat-rooms', 'no connections', ({ connections }) => connections === 0);
      return `it would end at ${vm.nextDeadline?.at ?? '?'} (${vm.nextDeadline?.kind ?? '?'})`;
    });
  },
};

class Person {
  readonly #socket: WebSocket;
  readonly #messages: Heard[] = [];

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => this.#messages.push(JSON.parse(data.toString('utf8')) as Heard));
  }

  static async join(place: string, room: string, name: string): Promise<Person> {
    const socket = new WebSocket(`ws://${place}/rooms/${room}?name=${name}`);
    const person = new Person(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    return person;
  }

  say(text: string): void {
    this.#socket.send(JSON.stringify({ type: 'message', text }));
  }

  heard(text: string): Heard | undefined {
    return this.#messages.find((message) => message.text === text);
  }

  leave(): void {
    this.#socket.close();
  }
}

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { answered } from '../../client/api-client.ts';
import { expectThat, placeOf, until, type Example } from '../stage.ts';

export const gameServer: Example = {
  name: 'game-server',
  about: 'A pool of game servers with a protocol of their own (UDP and TCP) that report their rooms.',
  play: async (stage) => {
    await stage.apply('examples/game-server/template.yaml');
    await stage.step('a machine waits for players', async () => {
      await until(
        'a machine waits',
        async () => {
          const { pools } = await answered(stage.api.GET('/v1/pools'));
          return pools.some(({ template, ready }) => template === 'game' && ready > 0);
        },
        60,
      );
    });
    let name = '';
    let players: Player[] = [];
    await stage.step('a match gets a server', async () => {
      const vm = await stage.create({ template: 'game' });
      name = vm.name;
      expectThat(vm.startedFrom === 'warm', `${name} was started from ${vm.startedFrom ?? '?'}, not from the pool`);
      const { ip, port } = placeOf(vm, 'game');
      players = await Promise.all([Player.at(ip, port), Player.at(ip, port), Player.at(ip, port)]);
      return `${name} at ${ip}, UDP ${port}, from the pool`;
    });
    try {
      await stage.step('three players in two rooms: the VM has 2 connections', async () => {
        const [ada, grace, linus] = players;
        await ada?.says('join castle ada', 'joined ada 1');
        await grace?.says('join castle grace', 'joined grace 2');
        await linus?.says('join cave linus', 'joined linus 1');
        await stage.see(name, '2 rooms', ({ connections }) => connections === 2);
        await ada?.says('move 3 4', 'moved ada 3 4');
        await grace?.hears('moved ada 3 4');
        expectThat(linus?.has('moved ada 3 4') === false, 'linus hears of another room');
      });
      await stage.step('the TCP port tells the rooms', async () => {
        const { ip, port } = placeOf(await stage.get(name), 'control');
        const told = (await ask(ip, port, 'rooms\n')).trim().split('\n').sort().join(', ');
        expectThat(told === 'castle 2, cave 1', `it tells: ${told}`);
        return told;
      });
      await stage.step('all leave: nobody uses the server any more', async () => {
        for (const player of players) await player.says('leave', 'bye');
        const vm = await stage.see(name, 'no rooms', ({ connections }) => connections === 0);
        return `it ends at ${vm.nextDeadline?.at ?? '?'} (${vm.nextDeadline?.kind ?? '?'})`;
      });
    } finally {
      for (const player of players) player.close();
    }
  },
};

class Player {
  readonly #socket: Socket;
  readonly #heard: string[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (message) => this.#heard.push(message.toString('utf8')));
  }

  static async at(ip: string, port: number): Promise<Player> {
    const socket = createSocket('udp4');
    socket.connect(port, ip);
    await once(socket, 'connect');
    return new Player(socket);
  }

  /** A datagram may be lost: it is sent again until the answer is there. */
  async says(line: string, answer: string): Promise<void> {
    const before = this.#heard.length;
    let sentAt = 0;
    await until(`the answer to ${line}`, () => {
      if (this.#heard.slice(before).includes(answer)) return true;
      if (Date.now() - sentAt > 1000) {
        sentAt = Date.now();
        this.#socket.send(line);
      }
      return false;
    });
  }

  hears(line: string): Promise<void> {
    return until(line, () => this.has(line));
  }

  has(line: string): boolean {
    return this.#heard.includes(line);
  }

  close(): void {
    this.#socket.close();
  }
}

async function ask(ip: string, port: number, line: string): Promise<string> {
  const socket = connect(port, ip);
  socket.write(line);
  return text(socket);
}

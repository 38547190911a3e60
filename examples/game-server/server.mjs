/**
 * A game server of its own protocol. Players speak UDP: `join ROOM NAME`, `move X Y`, `leave`; everybody in the room gets
 * each move. Who says nothing for ten seconds is gone. A TCP port tells operators what is going on: `rooms`.
 * Its rooms are what counts as used: the agent is told how many there are.
 */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const { EPHEMERA_IP: host = '0.0.0.0', EPHEMERA_AGENT_URL: agent = 'http://127.0.0.1:7398' } = process.env;
const { EPHEMERA_PORT_GAME: gamePort = '7000', EPHEMERA_PORT_CONTROL: controlPort = '7001' } = process.env;
const SILENCE_MS = 10_000;
const MAX_PLAYERS = 1000;
const NAME = /^[\w-]{1,32}$/;

/** By address and port of the player. */
const players = new Map();

const game = createSocket('udp4', (message, from) => hear(message.toString('utf8', 0, 200).trim().split(/\s+/), from));
const tell = ({ address, port }, text) => game.send(text, port, address);

function hear([word = '', ...rest], from) {
  const key = `${from.address}:${from.port}`;
  const player = players.get(key);
  if (player !== undefined) player.seenAt = Date.now();
  if (word === 'join') {
    const [room = '', name = ''] = rest;
    if (!NAME.test(room) || !NAME.test(name)) return tell(from, 'error join ROOM NAME, of letters, digits, - and _');
    if (player === undefined && players.size >= MAX_PLAYERS) return tell(from, 'error this server is full');
    players.set(key, { ...from, room, name, seenAt: Date.now() });
    tellRoom(room, `joined ${name} ${inRoom(room).length}`);
    sayCount();
  } else if (player === undefined) tell(from, 'error join first');
  else if (word === 'move') {
    const [x, y] = rest.map(Number);
    if (!Number.isFinite(x) || !Number.isFinite(y)) return tell(from, 'error move X Y');
    tellRoom(player.room, `moved ${player.name} ${x} ${y}`);
  } else if (word === 'leave') {
    tell(from, 'bye');
    remove(key);
  } else tell(from, 'error join, move or leave');
}

const rooms = () => [...new Set([...players.values()].map(({ room }) => room))];
const inRoom = (room) => [...players.values()].filter((player) => player.room === room);
const tellRoom = (room, text) => inRoom(room).forEach((player) => tell(player, text));

function remove(key) {
  const player = players.get(key);
  players.delete(key);
  if (player !== undefined) tellRoom(player.room, `left ${player.name}`);
  sayCount();
}

/** One at a time, and the last one is that of now: a count that comes late must not win. */
let saying = false;
let isStale = false;
async function sayCount() {
  isStale = true;
  if (saying) return;
  saying = true;
  while (isStale) {
    isStale = false;
    const body = `${rooms().length}`;
    await fetch(`${agent}/connections`, { method: 'PUT', body }).catch((error) => {
      console.error(`the agent does not answer: ${error.message}`);
    });
  }
  saying = false;
}

const control = createServer((socket) => {
  socket.setEncoding('utf8').setTimeout(30_000, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.on('data', (text) => {
    if (text.trim() !== 'rooms') return socket.end('say rooms\n');
    socket.end(
      `${rooms()
        .map((room) => `${room} ${inRoom(room).length}\n`)
        .join('')}`,
    );
  });
});

setInterval(() => {
  for (const [key, { seenAt }] of players) if (Date.now() - seenAt > SILENCE_MS) remove(key);
}, 1000);
process.on('SIGTERM', () => {
  for (const player of players.values()) tell(player, 'closing');
  setTimeout(() => process.exit(0), 100);
});
game.bind(Number(gamePort), host, () => {
  control.listen(Number(controlPort), host, () => {
    console.log(`game on ${host}:${gamePort}/udp, control on ${controlPort}/tcp`);
    void sayCount();
  });
});

/**
 * Another computer beside this one, as a network namespace: a neighbour, and behind it addresses of the internet, of a private
 * network and of the metadata of clouds, all of which answer. Needs root.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { eventually } from '../eventually.ts';

const run = promisify(execFile);
const CLIENT = fileURLToPath(new URL('fixtures/ask-ports.mjs', import.meta.url));
/** Routed to this computer by the other one's default route. */
const RANGE = '198.18.78.64/27';
const ECHO = fileURLToPath(new URL('fixtures/echo-target.mjs', import.meta.url));

/** On the link between the two. */
const LINK = { host: '198.18.77.1', neighbour: '198.18.77.2' } as const;

export const OUTSIDE = {
  ...LINK,
  /** Of the internet, as far as this computer knows. */
  internet: '198.51.100.7',
  internetToo: '198.51.100.8',
  private: '10.213.7.7',
  privateToo: '10.213.7.8',
  metadata: '169.254.169.254',
} as const;

export interface OutsideNetwork {
  /** A range of this computer that the other one has a way to. */
  range: string;
  /** Which of two ports of an address answer a client there: `tcp` to a request of HTTP, `udp` to a datagram. */
  ask: (ip: string, ports: { tcp: number; udp: number }) => Promise<string[]>;
  /** Lines of what came there, as `tcp 7001`. */
  heard: () => string[];
  /** Of this computer itself. */
  heardByHost: () => string[];
  close: () => Promise<void>;
}

/** Every address answers TCP and UDP on the ports, those of this computer too. */
export async function outsideNetwork(ports: readonly number[]): Promise<OutsideNetwork> {
  const id = `${process.pid}`;
  const [namespace, here, there] = [`eph-${id}`, `eh${id}`, `et${id}`];
  const ip = (...args: string[]): Promise<unknown> => run('ip', args);
  const inside = (...args: string[]): Promise<unknown> => run('ip', ['-n', namespace, ...args]);
  await ip('netns', 'add', namespace);
  const children: { child: ChildProcess; lines: string[] }[] = [];
  const close = async (): Promise<void> => {
    for (const { child } of children) child.kill('SIGKILL');
    await ip('link', 'del', here).catch(() => undefined);
    await ip('route', 'del', 'local', RANGE, 'dev', 'lo').catch(() => undefined);
    await ip('netns', 'del', namespace);
  };
  try {
    await ip('link', 'add', here, 'type', 'veth', 'peer', 'name', there, 'netns', namespace);
    await ip('address', 'add', `${LINK.host}/30`, 'dev', here);
    await ip('link', 'set', here, 'up');
    await ip('route', 'add', 'local', RANGE, 'dev', 'lo');
    await inside('link', 'set', 'lo', 'up');
    await inside('address', 'add', `${LINK.neighbour}/30`, 'dev', there);
    await inside('link', 'set', there, 'up');
    await inside('route', 'add', 'default', 'via', LINK.host);
    for (const address of [
      OUTSIDE.internet,
      OUTSIDE.internetToo,
      OUTSIDE.private,
      OUTSIDE.privateToo,
      OUTSIDE.metadata,
    ]) {
      await inside('address', 'add', `${address}/32`, 'dev', 'lo');
      await ip('route', 'add', `${address}/32`, 'via', LINK.neighbour, 'dev', here);
    }
    children.push(await echo('ip', ['netns', 'exec', namespace, process.execPath, ECHO, ...ports.map(String)]));
    children.push(await echo(process.execPath, [ECHO, ...ports.map(String)]));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    range: RANGE,
    ask: async (ip, { tcp, udp }) => {
      const client = [process.execPath, CLIENT, ip, `${tcp}`, `${udp}`];
      const { stdout } = await run('ip', ['netns', 'exec', namespace, ...client]);
      return stdout.split('\n').filter(Boolean).sort();
    },
    heard: () => children[0]!.lines,
    heardByHost: () => children[1]!.lines,
    close,
  };
}

async function echo(command: string, args: string[]): Promise<{ child: ChildProcess; lines: string[] }> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => lines.push(...text.trim().split('\n')));
  await eventually(() => {
    if (!lines.includes('listens')) throw new Error(`${command} does not listen`);
    return Promise.resolve();
  }, 30_000);
  lines.splice(0);
  return { child, lines };
}

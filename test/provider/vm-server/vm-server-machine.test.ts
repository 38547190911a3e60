import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  CONSOLE_LIMIT_BYTES,
  LOCAL_MACHINE_FILE,
  type LocalMachineProcess,
} from '../../../domain/machine/local-machine.ts';
import { parseProcStatStartTime } from '../../../lib/processes/process-start-time.ts';
import { addressCandidates, claimAddress } from '../../../vm-server/platform/local/claim-address.ts';
import { ChatClient, HostEnd, eventually, newMachine, readJson } from '../../../test-support/vm-server-processes.ts';

const onLinux = it.runIf(process.platform === 'linux');

describe('a local machine', () => {
  it('lets two people chat on its own address and reports 1, 2, 1, 0', async () => {
    const machine = newMachine();
    await machine.start();
    const address = await machine.address();
    const host = await HostEnd.connect(machine.socketPath);
    await host.report(({ connections, ready }) => ready && connections === 0);

    const ada = await ChatClient.join(address, 'lobby', 'Ada');
    await host.report(({ connections }) => connections === 1);
    const bob = await ChatClient.join(address, 'lobby', 'Bob');
    await host.report(({ connections }) => connections === 2);
    ada.say('hello');
    await bob.hears({ type: 'message', from: 'Ada', text: 'hello', room: 'lobby', people: 2 });
    bob.say('hi Ada');
    await ada.hears({ type: 'message', from: 'Bob', text: 'hi Ada', room: 'lobby', people: 2 });
    await ada.hears({ type: 'join', from: 'Bob', people: 2 });
    bob.socket.close();
    await ada.hears({ type: 'leave', from: 'Bob', people: 1 });
    await eventually(() => expect(host.last()?.connections).toBe(1));
    ada.socket.close();
    await eventually(() => expect(host.counts).toEqual([0, 1, 2, 1, 0]));

    const sequences = host.reports.map(({ sequence }) => sequence);
    expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => a - b));
  });

  it('keeps rooms apart', async () => {
    const machine = newMachine();
    await machine.start();
    const address = await machine.address();
    const [ada, bob] = [await ChatClient.join(address, 'one'), await ChatClient.join(address, 'two')];
    ada.say('only here');
    await ada.hears({ type: 'message', from: 'guest 1', text: 'only here', people: 1 });
    bob.say('and there');
    await bob.hears({ type: 'message', from: 'guest 2' });
    expect(bob.messages.map(({ type }) => type)).toEqual(['join', 'message']);
  });

  it('gives two people of one name different ones', async () => {
    const machine = newMachine();
    await machine.start();
    const address = await machine.address();
    const clients: ChatClient[] = [];
    for (let person = 0; person < 3; person++) clients.push(await ChatClient.join(address, 'lobby', 'Ada'));
    await clients[0]!.hears({ type: 'join', from: 'Ada 3', people: 3 });
    const firstHeard = (): unknown[] => clients.map(({ messages }) => messages[0]?.['from']);
    await eventually(() => expect(firstHeard()).toEqual(['Ada', 'Ada 2', 'Ada 3']));
  });

  it('tells a person what is wrong with a message and goes on', async () => {
    const machine = newMachine();
    await machine.start();
    const client = await ChatClient.join(await machine.address(), 'lobby');
    client.socket.send('plain words');
    await client.hears({ type: 'notice', text: 'That was not JSON. Send {"type":"message","text":"…"}.' });
    for (let message = 0; message < 25; message++) client.say('again');
    await client.hears({ type: 'notice', text: expect.stringContaining('too fast') });
    client.socket.send('x'.repeat(100_000));
    expect(await client.closed).toBe(1009);
    expect((await fetch(url(await machine.address(), '/healthz'))).status).toBe(200);
  });

  it('survives requests that make no sense', async () => {
    const machine = newMachine();
    const { process: child } = await machine.start();
    const address = await machine.address();
    for (const path of ['//', '/rooms/', '/rooms/..%2f', '/?%', '/rooms/a b', '/%']) {
      const answer = await rawUpgrade(address.ip, path);
      expect(answer, path).toMatch(/^HTTP\/1\.1 40[04] /);
    }
    expect(child.exitCode).toBeNull();
    expect(await (await fetch(url(address, '/healthz'))).text()).toBe('ok');
  });

  it('serves its page, titled by its environment, with nothing from elsewhere', async () => {
    const machine = newMachine({ env: { CHAT_TITLE: 'Tea <& $& talk' } });
    await machine.start();
    const address = await machine.address();
    const page = await fetch(url(address, '/'));
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    const html = await page.text();
    expect(html).toContain('<h1>Tea &#60;&#38; $&#38; talk</h1>');
    expect(html).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
    for (const path of ['/chat.css', '/chat.js']) expect((await fetch(url(address, path))).status, path).toBe(200);
    expect((await fetch(url(address, '/nowhere'))).status).toBe(404);
    expect((await fetch(url(address, '/'), { method: 'POST' })).status).toBe(405);
  });

  it('serves the app on each tcp port of the spec, and sends datagrams back on each udp port', async () => {
    const ports = [
      { name: 'web', port: 8080, protocol: 'tcp' as const },
      { name: 'also', port: 9090, protocol: 'tcp' as const },
      { name: 'game', port: 9091, protocol: 'udp' as const },
    ];
    const machine = newMachine({ ports });
    await machine.start();
    const address = await machine.address();
    expect(address.ports).toEqual(ports);
    for (const { port } of ports.slice(0, 2)) {
      expect(await (await fetch(`http://${address.ip}:${port}/healthz`)).text()).toBe('ok');
    }
    expect(await datagramBack(address.ip, 9091)).toEqual(['hello', address.ip, 9091]);
  });

  it('gets an address of its own beside another machine with the same port', async () => {
    const [one, two] = [newMachine(), newMachine()];
    await Promise.all([one.start(), two.start()]);
    const [first, second] = [await one.address(), await two.address()];
    expect(first.ip).not.toBe(second.ip);
    expect(first.ports).toEqual(second.ports);
  });

  it('lives once, however many processes are started', async () => {
    const machine = newMachine();
    const servers = await Promise.all([machine.start(), machine.start(), machine.start()]);
    await machine.address();
    const { pid } = readJson(machine.dir, LOCAL_MACHINE_FILE.process) as LocalMachineProcess;
    const others = servers.filter(({ process: child }) => child.pid !== pid);
    expect(others).toHaveLength(2);
    expect(await Promise.all(others.map(({ exitCode }) => exitCode))).toEqual([0, 0]);
    expect(others.map(({ output }) => output())).toEqual(['', '']);
    await HostEnd.connect(machine.socketPath);
  });

  it('never lives again after its end', async () => {
    const machine = newMachine();
    const first = await machine.start();
    await HostEnd.connect(machine.socketPath);
    first.process.kill('SIGKILL');
    await first.exitCode;
    expect(await (await machine.start()).exitCode).toBe(0);
  });

  it('does not live when it finds its tombstone', async () => {
    const machine = newMachine();
    writeFileSync(machine.manifest.tombstonePath, '');
    expect(await (await machine.start()).exitCode).toBe(0);
    expect(existsSync(join(machine.dir, LOCAL_MACHINE_FILE.address))).toBe(false);
  });

  onLinux('writes down which process it is', async () => {
    const machine = newMachine();
    const { process: child } = await machine.start();
    await machine.address();
    const life = readJson(machine.dir, LOCAL_MACHINE_FILE.process) as LocalMachineProcess;
    expect(life.pid).toBe(child.pid);
    expect(life.startedAt).toBe(parseProcStatStartTime(readFileSync(`/proc/${life.pid}/stat`, 'utf8')));
  });

  it('tells its clients and ends within five seconds of a SIGTERM, but not of a SIGHUP', async () => {
    const machine = newMachine();
    const server = await machine.start();
    const client = await ChatClient.join(await machine.address(), 'lobby');
    server.process.kill('SIGHUP');
    client.say('still here');
    await client.hears({ type: 'message', text: 'still here' });
    const toldAt = Date.now();
    server.process.kill('SIGTERM');
    await client.hears({ type: 'notice', text: 'This server closes now. Goodbye!' });
    expect(await client.closed).toBe(1001);
    expect(await server.exitCode).toBe(0);
    expect(Date.now() - toldAt).toBeLessThan(5000);
  });

  it('goes on when nobody reads its output any more', async () => {
    const machine = newMachine();
    const server = await machine.start();
    const host = await HostEnd.connect(machine.socketPath);
    server.process.stdout?.destroy();
    server.process.stderr?.destroy();
    for (const draining of [true, false, true]) host.send({ type: 'drain', draining });
    host.send({ type: 'confirm', id: 'alive' });
    await host.report(({ answers }) => answers === 'alive');
  });

  it('keeps its console file under the limit', async () => {
    const machine = newMachine();
    const path = join(machine.dir, LOCAL_MACHINE_FILE.console);
    writeFileSync(path, 'an old line\n'.repeat(CONSOLE_LIMIT_BYTES / 8));
    await machine.start();
    await eventually(() => expect(statSync(path).size).toBeLessThanOrEqual(CONSOLE_LIMIT_BYTES / 2));
    expect(readFileSync(path, 'utf8')).toMatch(/^an old line\n/);
  });

  it('says what is wrong when it cannot be set up', async () => {
    const machine = newMachine({ link: { kind: 'unix', socketPath: '/nowhere/agent.sock' } });
    const server = await machine.start();
    expect(await server.exitCode).toBe(1);
    expect(server.output()).toContain('/nowhere/agent.sock');
  });
});

describe('claiming an address', () => {
  const claim = async (candidates: Iterable<string>, port: number, protocol: 'tcp' | 'udp' = 'tcp') => {
    const ports = [{ name: 'http', port, protocol }];
    const claimed = await claimAddress({
      ports,
      agentEndpoint: () => undefined,
      createAppServer: () => createServer(),
      candidates,
    });
    onTestFinished(() =>
      [claimed.agentServer, ...claimed.appServers, ...claimed.sockets].forEach((one) => one.close()),
    );
    return claimed.address;
  };

  it('tries addresses of the loopback range in an order of its own', () => {
    const candidates = [...addressCandidates('m-1')];
    expect(candidates).toEqual([...addressCandidates('m-1')]);
    expect(candidates).not.toEqual([...addressCandidates('m-2')]);
    for (const ip of candidates) {
      const [first, second, , last] = ip.split('.').map(Number) as [number, number, number, number];
      expect(first).toBe(127);
      expect(second).toBeGreaterThanOrEqual(64);
      expect(second).toBeLessThanOrEqual(127);
      expect(last).toBeGreaterThanOrEqual(1);
      expect(last).toBeLessThanOrEqual(254);
    }
  });

  onLinux('goes on to the next address when a port is taken, and gives up with advice', async () => {
    const [taken, free] = [...addressCandidates(`m-${process.pid}-${Date.now()}`)] as [string, string];
    expect((await claim([taken], 8080)).ip).toBe(taken);
    expect((await claim([taken, free], 8080)).ip).toBe(free);
    await expect(claim([taken, free], 8080)).rejects.toThrow('no loopback address has its ports 7398, 8080 free');
  });

  onLinux('is of one machine alone for datagrams too, which the chat sends back', async () => {
    const [taken, free] = [...addressCandidates(`m-udp-${process.pid}-${Date.now()}`)] as [string, string];
    expect(await claim([taken], 7777, 'udp')).toEqual({
      ip: taken,
      ports: [{ name: 'http', port: 7777, protocol: 'udp' }],
    });
    expect((await claim([taken, free], 7777, 'udp')).ip).toBe(free);
    expect(await datagramBack(free, 7777)).toEqual(['hello', free, 7777]);
  });

  it('shares 127.0.0.1 with free ports where the loopback range is not there', async () => {
    // An address of nobody's computer, kept for documentation.
    const [one, two] = [await claim(['192.0.2.1'], 8080), await claim(['192.0.2.1'], 8080)];
    expect([one.ip, two.ip]).toEqual(['127.0.0.1', '127.0.0.1']);
    expect(one.ports[0]?.port).not.toBe(two.ports[0]?.port);
    expect(one.ports[0]?.name).toBe('http');
  });
});

/** What comes back, and from where. */
async function datagramBack(ip: string, port: number): Promise<[string, string, number]> {
  const socket = createSocket('udp4');
  onTestFinished(() => void socket.close());
  socket.send('hello', port, ip);
  const [answer, from] = (await once(socket, 'message')) as [Buffer, { address: string; port: number }];
  return [answer.toString(), from.address, from.port];
}

function url({ ip, ports }: { ip: string; ports: { port: number }[] }, path: string): string {
  return `http://${ip}:${ports[0]!.port}${path}`;
}

/** Sends an upgrade request with a path that no URL parser would let through. */
function rawUpgrade(ip: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(8080, ip, () => {
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: chat\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      );
    });
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

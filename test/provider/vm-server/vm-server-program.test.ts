/** A local machine that runs a program of its user: vm-server as a real process, the test is its host. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { buildVmServer } from '../../../commands/start/build-vm-server.ts';
import type { LocalMachineAddress, LocalManifest } from '../../../domain/machine/local-machine.ts';
import { HostEnd, eventually, newMachine, type TestMachine } from '../../../test-support/vm-server-processes.ts';

/** Answers on its TCP port with its pid, echoes on its UDP port, and puts what it is told to `/connections`. */
const PROGRAM = `
import { createServer } from 'node:http';
import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
const { EPHEMERA_IP, EPHEMERA_PORT_HTTP, EPHEMERA_PORT_GAME_UDP, EPHEMERA_AGENT_URL, EPHEMERA_DATA_DIR, WORD } = process.env;
writeFileSync(EPHEMERA_DATA_DIR + '/kept', 'kept');
process.on('SIGTERM', () => { console.log('told to end'); process.exit(0); });
createServer(async (request, response) => {
  if (request.url === '/exit') process.exit(3);
  const [, count] = request.url.split('/count/');
  if (count !== undefined) await fetch(EPHEMERA_AGENT_URL + '/connections', { method: 'PUT', body: count });
  const status = await (await fetch(EPHEMERA_AGENT_URL + '/status')).json();
  response.setHeader('connection', 'close').end(JSON.stringify({ pid: process.pid, cwd: process.cwd(), word: WORD, status }));
}).listen(Number(EPHEMERA_PORT_HTTP), EPHEMERA_IP);
const udp = createSocket('udp4', (message, from) => udp.send(message, from.port, from.address));
udp.bind(Number(EPHEMERA_PORT_GAME_UDP), EPHEMERA_IP);
`;
const PORTS: LocalManifest['ports'] = [
  { name: 'http', port: 8080, protocol: 'tcp' },
  { name: 'game-udp', port: 7777, protocol: 'udp' },
];

interface Running {
  machine: TestMachine;
  host: HostEnd;
  address: LocalMachineAddress;
  process: ChildProcess;
  output: () => string;
  get: (path: string) => Promise<{ pid: number; cwd: string; word?: string; status: { draining: boolean } }>;
}

/** Starts it as a host does: the leader of a group of its own. */
async function start(overrides: Partial<LocalManifest> = {}): Promise<Running> {
  const directory = mkdtempSync(join(tmpdir(), 'eph-program-'));
  writeFileSync(join(directory, 'server.mjs'), PROGRAM);
  const env = { EPHEMERA_PROGRAM: `${process.execPath} server.mjs`, WORD: 'plain' };
  const machine = newMachine({ ports: PORTS, env, program: { directory }, ...overrides });
  const vmServer = await buildVmServer();
  const child = spawn(process.execPath, [vmServer, 'machine', '--dir', machine.dir], { detached: true });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  onTestFinished(() => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-(child.pid ?? 0), 'SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });
  const host = await HostEnd.connect(machine.socketPath);
  const address = await machine.address();
  const get: Running['get'] = async (path) =>
    (await (await fetch(`http://${address.ip}:${address.ports[0]!.port}${path}`)).json()) as Awaited<
      ReturnType<Running['get']>
    >;
  return { machine, host, address, process: child, output: () => output, get };
}

const isRunning = (pid: number): boolean => {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};

async function joined({ ip, ports }: LocalMachineAddress): Promise<Socket> {
  const socket = connect(ports[0]!.port, ip);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

describe('a local machine with a program of its user', () => {
  it('is ready once the program takes connections, and counts those to its own address alone', async () => {
    const [one, other] = [await start(), await start()];
    await one.host.report(({ ready, connections }) => ready && connections === 0);
    await other.host.report(({ ready }) => ready);
    expect(one.address.ports).toEqual(PORTS);
    expect(one.address.ip).not.toBe(other.address.ip);
    const said = await one.get('/');
    expect([said.word, said.cwd]).toEqual(['plain', one.machine.manifest.program!.directory]);
    expect(readFileSync(join(one.machine.dir, 'data', 'kept'), 'utf8')).toBe('kept');
    const [first] = [await joined(one.address), await joined(one.address)];
    await one.host.report(({ connections }) => connections === 2);
    first.destroy();
    await eventually(() => expect(one.host.last()?.connections).toBe(1));
    expect(other.host.counts.filter((count) => count > 0)).toEqual([]);
  });

  it('takes the count that the program puts, from then on instead of its connections; and tells it of a drain', async () => {
    const { host, address, get } = await start();
    await host.report(({ ready }) => ready);
    await get('/count/7');
    await host.report(({ connections }) => connections === 7);
    await joined(address);
    host.send({ type: 'confirm', id: 'now' });
    expect(await host.report(({ answers }) => answers === 'now')).toMatchObject({ connections: 7 });
    await get('/count/0');
    await eventually(() => expect(host.last()?.connections).toBe(0));
    host.send({ type: 'drain', draining: true });
    await eventually(async () => expect((await get('/')).status.draining).toBe(true));
  });

  it('starts it with its variables once it has its assignment', async () => {
    const { machine, host, address, get, output } = await start({ awaitsAssignment: true, env: {} });
    expect(await host.report(() => true)).toMatchObject({ ready: false });
    await expect(joined(address)).rejects.toThrow('ECONNREFUSED');
    const { machineId } = machine.manifest.labels;
    const env = { EPHEMERA_PROGRAM: `${process.execPath} server.mjs`, WORD: 'assigned' };
    const startupScript = 'echo "the script knows $EPHEMERA_IP"';
    const common = { machineId, name: 'test', project: 'default', secretEnv: {}, timeoutSeconds: 60 };
    host.send({ type: 'assign', assignment: { ...common, env, startupScript } });
    await host.report(({ ready }) => ready);
    expect((await get('/')).word).toBe('assigned');
    expect(output()).toContain(`the script knows ${address.ip}`);
  });

  it('ends when the program ends, and says so; asks it to end when it is told to', async () => {
    const gone = await start();
    await gone.host.report(({ ready }) => ready);
    await gone.get('/exit').catch(() => undefined);
    await eventually(() => expect(gone.process.exitCode ?? gone.process.signalCode).not.toBeNull());
    expect(gone.output()).toContain('The program of this machine ended with 3.');
    const told = await start();
    await told.host.report(({ ready }) => ready);
    const { pid } = await told.get('/');
    told.host.send({ type: 'shutdown', graceSeconds: 2 });
    await eventually(() => expect(isRunning(pid)).toBe(false));
    expect(told.output()).toContain('told to end');
  });

  it('takes the program along when it is killed without mercy', async () => {
    const { host, get, process: child } = await start();
    await host.report(({ ready }) => ready);
    const { pid } = await get('/');
    expect(isRunning(pid)).toBe(true);
    process.kill(child.pid!, 'SIGKILL');
    await eventually(() => expect(isRunning(pid)).toBe(false));
  });
});
